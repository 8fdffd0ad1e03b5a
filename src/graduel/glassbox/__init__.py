"""The glass box: the forward and backward pass of one example, as plain data.

Every number is computed by the engine or by XGBoost. Results are frozen dataclasses of arrays and
numbers; ``as_dict()`` returns them as data for JSON. docs/glassbox.md has a worked example.
"""

from graduel.glassbox.digit.mnist_preparation import PreparedDigit, prepare_digit, shrink_drawing
from graduel.glassbox.digit.photo import extract_ink
from graduel.glassbox.digit.synthetic_digits import draw_digit, draw_strokes
from graduel.glassbox.example import Example, prepare_example
from graduel.glassbox.example_page import render, write_page
from graduel.glassbox.inspection import Inspection, inspect_example
from graduel.glassbox.network.activity import Activity, measure_activity
from graduel.glassbox.network.adversarial import (
    Attack,
    DecisionChange,
    Predictor,
    attack_direction,
    attack_example,
    find_smallest_eps,
    perturb,
)
from graduel.glassbox.network.backward_pass import Backward, backward
from graduel.glassbox.network.forward_pass import Forward, explain_softmax, forward
from graduel.glassbox.network.gradient_step import GradientStep, step
from graduel.glassbox.network.layer_info import LayerInfo, find_layer, list_layers
from graduel.glassbox.network.neuron import (
    Neuron,
    WeightGradients,
    explain_gradients,
    explain_neuron,
)
from graduel.glassbox.network.saliency import Saliency, compute_saliency
from graduel.glassbox.network.weight_edit import (
    Effect,
    Sweep,
    ablate_units,
    measure_effect,
    set_weight,
    sweep_weight,
)
from graduel.glassbox.trees.tree_arrays import Forest, read_forest
from graduel.glassbox.trees.tree_votes import Shap, Votes, explain_path, explain_shap, explain_votes

__all__ = [
    "Activity",
    "Attack",
    "Backward",
    "DecisionChange",
    "Effect",
    "Example",
    "Forest",
    "Forward",
    "GradientStep",
    "Inspection",
    "LayerInfo",
    "Neuron",
    "Predictor",
    "PreparedDigit",
    "Saliency",
    "Shap",
    "Sweep",
    "Votes",
    "WeightGradients",
    "ablate_units",
    "attack_direction",
    "attack_example",
    "backward",
    "compute_saliency",
    "draw_digit",
    "draw_strokes",
    "explain_gradients",
    "explain_neuron",
    "explain_path",
    "explain_shap",
    "explain_softmax",
    "explain_votes",
    "extract_ink",
    "find_layer",
    "find_smallest_eps",
    "forward",
    "inspect_example",
    "list_layers",
    "measure_activity",
    "measure_effect",
    "perturb",
    "prepare_digit",
    "prepare_example",
    "read_forest",
    "render",
    "set_weight",
    "shrink_drawing",
    "step",
    "sweep_weight",
    "write_page",
]


def __dir__() -> list[str]:
    return list(__all__)
