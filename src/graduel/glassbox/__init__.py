"""The glass box: what one example does on its way forward and back, as plain data.

Every number is the engine's own, or XGBoost's. Results are frozen dataclasses of arrays and
numbers; ``as_dict()`` makes JSON of them. docs/glassbox.md has a worked example.
"""

from graduel.glassbox.attack import Attack, Turn, attack, direction, pushed, smallest_eps
from graduel.glassbox.backward import (
    Backward,
    GradientStep,
    WeightGradients,
    backward,
    step,
    weight_gradients,
)
from graduel.glassbox.digits import Prepared, photo, prepare, raw
from graduel.glassbox.edit import Effect, effect, set_weight, switch_off
from graduel.glassbox.forward import Forward, Neuron, forward, neuron, softmax_steps
from graduel.glassbox.inspection import Inspection, inspect
from graduel.glassbox.page import render, write_page
from graduel.glassbox.places import Place, find, places
from graduel.glassbox.saliency import Saliency, input_gradient
from graduel.glassbox.strokes import digit_strokes, strokes
from graduel.glassbox.subject import Example, Subject
from graduel.glassbox.trees import Forest, Shap, Votes, path, read_forest, shap, votes

__all__ = [
    "Attack",
    "Backward",
    "Effect",
    "Example",
    "Forest",
    "Forward",
    "GradientStep",
    "Inspection",
    "Neuron",
    "Place",
    "Prepared",
    "Saliency",
    "Shap",
    "Subject",
    "Turn",
    "Votes",
    "WeightGradients",
    "attack",
    "backward",
    "digit_strokes",
    "direction",
    "effect",
    "find",
    "forward",
    "input_gradient",
    "inspect",
    "neuron",
    "path",
    "photo",
    "places",
    "prepare",
    "pushed",
    "raw",
    "read_forest",
    "render",
    "set_weight",
    "shap",
    "smallest_eps",
    "softmax_steps",
    "step",
    "strokes",
    "switch_off",
    "votes",
    "weight_gradients",
    "write_page",
]
