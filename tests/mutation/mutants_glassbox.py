"""What may break in the glass box; `test_mutants.py` says how each is used."""

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
    # file, what stands there, what is put in its place, the tests that must notice
    (G + "forward.py", "            x = outputs[node.name]\n", "", FORWARD),
    (G + "forward.py", "a = answers if end else", "a = answers if 0 else", FORWARD),
    (G + "forward.py", "outputs[row[stop - 1].path]", "outputs[head.path]", FORWARD),
    (G + "forward.py", "shifted = z - largest", "shifted = z", FORWARD),
    (G + "forward.py", "e / total", "e", FORWARD),
    (G + "sums.py", "W[:, unit] if scale == 1", "W[:, 0] if scale == 1", FORWARD),
    (G + "neuron.py", "np.argsort(-np.abs(products)", "np.argsort(np.abs(products)", FORWARD),
    (G + "neuron.py", "np.argsort(-np.abs(products)", "np.argsort(-products", FORWARD),
    (G + "neuron.py", "np.delete(products, order)", "products", FORWARD),
    (
        G + "neuron.py",
        'place[inside].astype(int) - 1, p["b"]',
        'place[inside].astype(int), p["b"]',
        FORWARD,
    ),
    (G + "neuron.py", "inside = place > 0", "inside = place >= 0", FORWARD),
    (G + "neuron.py", "pixels = own and image", "pixels = image", FORWARD),
    (G + "places.py", "number += 1", "number += 2", FORWARD),
    (G + "places.py", 'kind_of(node.layer) in ("shape", "dropout")', "True", FORWARD),
    (G + "backward.py", "given)[name] = array[0].copy()", "given)[name] = array[0]", BACKWARD),
    (G + "backward.py", "            dy = dx\n", "", BACKWARD),
    (G + "backward.py", ".output > 0", ".output >= 0", BACKWARD),
    (G + "backward.py", "+ s / n)", ")", BACKWARD),
    (G + "backward.py", "moved = weights.copy()", "moved = weights", BACKWARD),
    (G + "backward.py", "moved.theta -= ", "moved.theta += ", BACKWARD),
    (G + "backward.py", "lr * np.square", "np.square", BACKWARD),
    (G + "backward.py", 'gradients["W"][:, unit]', 'gradients["W"][:, 0]', BACKWARD),
    (G + "backward.py", "self.loss_after < self.loss_before", "True", BACKWARD),
    (
        G + "source.py",
        "enumerate(inspect.getsource(textbook).splitlines(), 1)",
        "enumerate(inspect.getsource(textbook).splitlines(), 2)",
        BACKWARD,
    ),
    (G + "saliency.py", "dy.reshape(-1, n)[:, output] =", "dy.reshape(-1, n)[:, 0] =", BACKWARD),
    (G + "saliency.py", "gradient * row[0]", "gradient", BACKWARD),
    (
        "nn/layers/normalization.py",
        "centred = centred - along(w.s.mean, d.shape[1], w)",
        "pass",
        BACKWARD,
    ),
    ("nn/layers/normalization.py", "        if not frozen:\n", "        if True:\n", BACKWARD),
    (G + "forest.py", "log(p / (1 - p))", "log(p)", TREES),
    (G + "forest.py", "self.vectors[self.right[leaf]]", "self.vectors[0]", TREES),
    (G + "forest.py", "parallel * (1 if vector else n)", "(1 if vector else n)", TREES),
    (G + "forest.py", "found[self.group or 0]", "found[0]", TREES),
    (G + "trees.py", "forest.base + np.vstack", "np.vstack", TREES),
    (G + "trees.py", 'left" if left else', 'left" if not left else', TREES),
    (G + "trees.py", "tuple(reversed(splits))", "tuple(splits)", TREES),
    (G + "trees.py", "bool(np.isnan(row[feature]))", "False", TREES),
    (G + "trees.py", "found[:, :-1], found[:, -1]", "found[:, 1:], found[:, 0]", TREES),
    (G + "attack.py", "+ eps * direction", "- eps * direction", BREAK),
    (G + "attack.py", "np.clip(moved, *bounds)", "moved", BREAK),
    (G + "attack.py", "was == int(y) != became", "was != became", BREAK),
    (G + "attack.py", "            low = middle\n", "            high = middle\n", BREAK),
    (G + "edit.py", "    changed = weights.copy()\n    W", "    changed = weights\n    W", BREAK),
    (G + "edit.py", "[:, chosen] = 0", "[:, 0] = 0", BREAK),
    (
        G + "edit.py",
        "W.reshape(-1, n, W.shape[-1])",
        "W.reshape(n, -1, W.shape[-1]).swapaxes(0, 1)",
        BREAK,
    ),
    (G + "edit.py", '["W"][index, unit] = value', '["W"][unit, index] = value', BREAK),
    (G + "digits.py", "scale = BOX / max(cut.shape)", "scale = BOX / cut.shape[0]", DIGITS),
    (G + "digits.py", "round(FIELD / 2 - middle)", "round(FIELD / 2 - side / 2)", DIGITS),
    (G + "digits.py", "ink.dtype == np.uint8 else 1", "True else 1", DIGITS),
    (
        G + "strokes.py",
        'image = Image.new("L", (2 * width, 2 * height))',
        'image = Image.new("L", (2 * height, 2 * width))',
        DIGITS,
    ),
    (G + "activity.py", "(output == 0).all(axis", "(output == 0).any(axis", ACTIVITY),
    (G + "activity.py", "dy * len(dy)", "dy", ACTIVITY),
    (G + "activity.py", "    flat = flat[np.isfinite(flat)]\n", "", ACTIVITY),
    (G + "page.py", "autoescape=True", "autoescape=False", PAGE),
    (G + "subject.py", "start = stop", "pass", PAGE),
    (G + "subject.py", "learned[1:] if", "learned[:1] if", PAGE),
    (G + "inspection.py", "true = answer if label is None else label", "true = answer", PAGE),
]
