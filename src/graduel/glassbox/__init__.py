"""The glass box: what one example does on its way forward and back, as plain data.

Every number is the engine's own, or XGBoost's. Results are frozen dataclasses of arrays and
numbers; ``as_dict()`` makes JSON of them. docs/glassbox.md has a worked example.
"""

from graduel.glassbox.digit.mnist_preparation import Prepared, prepare, raw
from graduel.glassbox.digit.photo import photo
from graduel.glassbox.digit.synthetic_digits import digit_strokes, strokes
from graduel.glassbox.example_page import render, write_page
from graduel.glassbox.explained_model import Example, Subject
from graduel.glassbox.inspection import Inspection, inspect
from graduel.glassbox.network.activity import Activity, activity
from graduel.glassbox.network.adversarial import (
    Attack,
    Turn,
    attack,
    direction,
    pushed,
    smallest_eps,
)
from graduel.glassbox.network.backward_pass import (
    Backward,
    GradientStep,
    WeightGradients,
    backward,
    step,
    weight_gradients,
)
from graduel.glassbox.network.forward_pass import Forward, forward, softmax_steps
from graduel.glassbox.network.layer_info import Place, find, places
from graduel.glassbox.network.neuron import Neuron, neuron
from graduel.glassbox.network.saliency import Saliency, input_gradient
from graduel.glassbox.network.weight_edit import Effect, effect, set_weight, switch_off
from graduel.glassbox.network.weight_sweep import Sweep, sweep
from graduel.glassbox.trees.tree_arrays import Forest, read_forest
from graduel.glassbox.trees.tree_votes import Shap, Votes, path, shap, votes

__all__ = [
    "Activity",
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
    "Sweep",
    "Turn",
    "Votes",
    "WeightGradients",
    "activity",
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
    "sweep",
    "switch_off",
    "votes",
    "weight_gradients",
    "write_page",
]
