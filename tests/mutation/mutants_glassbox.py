"""Mutants of the glass box; see `test_mutants.py`."""

from __future__ import annotations

FORWARD = ("tests/glassbox/test_glass_forward.py",)
BACKWARD = ("tests/glassbox/test_glass_backward.py",)
TREES = ("tests/glassbox/test_glass_trees.py",)
BREAK = ("tests/glassbox/test_glass_break.py",)
DIGITS = ("tests/glassbox/test_glass_digits.py",)
ACTIVITY = ("tests/glassbox/test_glass_activity.py",)
PAGE = ("tests/glassbox/test_glass_page.py",)
G = "glassbox/"

MUTANTS = [
    # file, code, mutated code, tests of which one must fail
    (G + "network/forward_pass.py", "            x = outputs[node.name]\n", "", FORWARD),
    (
        G + "network/forward_pass.py",
        "a = predictions if is_last else",
        "a = predictions if 0 else",
        FORWARD,
    ),
    (G + "network/forward_pass.py", "outputs[row[stop - 1].path]", "outputs[first.path]", FORWARD),
    (G + "network/forward_pass.py", "shifted = z - largest", "shifted = z", FORWARD),
    (G + "network/forward_pass.py", "e / total", "e", FORWARD),
    (G + "network/dense_terms.py", "W[:, unit] if scale == 1", "W[:, 0] if scale == 1", FORWARD),
    (
        G + "network/neuron.py",
        "np.argsort(-np.abs(values)",
        "np.argsort(np.abs(values)",
        FORWARD,
    ),
    (G + "network/neuron.py", "np.argsort(-np.abs(values)", "np.argsort(-values", FORWARD),
    (G + "network/neuron.py", "np.delete(products, order)", "products", FORWARD),
    (
        G + "network/neuron.py",
        'index[inside].astype(int) - 1, p["b"]',
        'index[inside].astype(int), p["b"]',
        FORWARD,
    ),
    (G + "network/neuron.py", "inside = index > 0", "inside = index >= 0", FORWARD),
    (
        G + "network/neuron.py",
        "        image, names = None, ()\n    terms = []",
        "        pass\n    terms = []",
        FORWARD,
    ),
    (G + "network/layer_info.py", "number += 1", "number += 2", FORWARD),
    (G + "network/layer_info.py", 'get_kind(node.layer) in ("shape", "dropout")', "True", FORWARD),
    (
        G + "network/backward_pass.py",
        "input_gradients)[name] = array[0].copy()",
        "input_gradients)[name] = array[0]",
        BACKWARD,
    ),
    (G + "network/backward_pass.py", "            dy = dx\n", "", BACKWARD),
    (G + "network/backward_pass.py", ".output > 0", ".output >= 0", BACKWARD),
    (G + "network/backward_pass.py", "+ s / n)", ")", BACKWARD),
    (G + "network/gradient_step.py", "moved = weights.copy()", "moved = weights", BACKWARD),
    (G + "network/gradient_step.py", "moved.theta -= ", "moved.theta += ", BACKWARD),
    (G + "network/gradient_step.py", "lr * np.square", "np.square", BACKWARD),
    (G + "network/neuron.py", 'gradients["W"][:, unit]', 'gradients["W"][:, 0]', BACKWARD),
    (G + "network/gradient_step.py", "self.loss_after < self.loss_before", "True", BACKWARD),
    (
        G + "network/equations.py",
        "enumerate(inspect.getsource(textbook).splitlines(), 1)",
        "enumerate(inspect.getsource(textbook).splitlines(), 2)",
        BACKWARD,
    ),
    (
        G + "network/saliency.py",
        "dy.reshape(-1, n)[:, output] =",
        "dy.reshape(-1, n)[:, 0] =",
        BACKWARD,
    ),
    (G + "network/saliency.py", "gradient * row[0]", "gradient", BACKWARD),
    (
        "nn/layers/normalization.py",
        "w.g.gamma -= w.s.mean * w.g.beta",
        "pass",
        ("tests/nn/test_normalization.py",),
    ),
    ("nn/layers/normalization.py", "not need_dx or not trained", "not need_dx", BACKWARD),
    (G + "trees/tree_arrays.py", "log(p / (1 - p))", "log(p)", TREES),
    (G + "trees/tree_arrays.py", "self.vectors[self.right[leaf]]", "self.vectors[0]", TREES),
    (G + "trees/tree_arrays.py", "parallel * (1 if vector else n)", "(1 if vector else n)", TREES),
    (G + "trees/tree_arrays.py", "values[self.group or 0]", "values[0]", TREES),
    (G + "trees/tree_votes.py", "forest.base + np.vstack", "np.vstack", TREES),
    (G + "trees/tree_votes.py", 'left" if left else', 'left" if not left else', TREES),
    (G + "trees/tree_votes.py", "tuple(reversed(splits))", "tuple(splits)", TREES),
    (G + "trees/tree_votes.py", "bool(np.isnan(row[feature]))", "False", TREES),
    (
        G + "trees/tree_votes.py",
        "values[:, :-1], values[:, -1]",
        "values[:, 1:], values[:, 0]",
        TREES,
    ),
    (G + "network/adversarial.py", "+ eps * direction", "- eps * direction", BREAK),
    (G + "network/adversarial.py", "np.clip(moved, *bounds)", "moved", BREAK),
    (G + "network/adversarial.py", "old == int(y) != new", "old != new", BREAK),
    (
        G + "network/adversarial.py",
        "            low = middle\n",
        "            high = middle\n",
        BREAK,
    ),
    (
        G + "network/weight_edit.py",
        "    changed = weights.copy()\n    W",
        "    changed = weights\n    W",
        BREAK,
    ),
    (G + "network/weight_edit.py", "[:, ablated] = 0", "[:, 0] = 0", BREAK),
    (
        G + "network/weight_edit.py",
        "W.reshape(-1, n, W.shape[-1])",
        "W.reshape(n, -1, W.shape[-1]).swapaxes(0, 1)",
        BREAK,
    ),
    (
        G + "network/weight_edit.py",
        '["W"][index, unit] = value',
        '["W"][unit, index] = value',
        BREAK,
    ),
    (
        G + "digit/mnist_preparation.py",
        "scale = BOX / max(cut.shape)",
        "scale = BOX / cut.shape[0]",
        DIGITS,
    ),
    (
        G + "digit/mnist_preparation.py",
        "round(FIELD / 2 - middle)",
        "round(FIELD / 2 - side / 2)",
        DIGITS,
    ),
    (G + "digit/mnist_preparation.py", "ink.dtype == np.uint8 else 1", "True else 1", DIGITS),
    (
        G + "digit/synthetic_digits.py",
        'image = Image.new("L", (2 * width, 2 * height))',
        'image = Image.new("L", (2 * height, 2 * width))',
        DIGITS,
    ),
    (G + "network/activity.py", "(output == 0).all(axis", "(output == 0).any(axis", ACTIVITY),
    (G + "network/activity.py", "dy * len(dy)", "dy", ACTIVITY),
    (G + "network/activity.py", "    flat = flat[np.isfinite(flat)]\n", "", ACTIVITY),
    (G + "example_page.py", "autoescape=True", "autoescape=False", PAGE),
    (G + "example.py", "start = stop", "pass", PAGE),
    (G + "trees/tree_arrays.py", "class_codes[1:] if", "class_codes[:1] if", PAGE),
    (G + "inspection.py", "prediction if label is None else label", "prediction", PAGE),
]
