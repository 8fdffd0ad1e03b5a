"""Mutants of losses and initializers; see `test_mutants.py`."""

from __future__ import annotations

NN = ("tests/nn/test_engine.py",)
LOSSES = ("tests/nn/test_losses.py",)
GOLDEN = ("tests/golden/test_golden_losses.py",)
INIT = ("tests/nn/test_initializers.py",)
BASE, CLASSES = "nn/losses/loss.py", "nn/losses/classification.py"
KERNEL = "kernels/numpy.py"
NUMBERS, BEGIN = "nn/losses/regression.py", "nn/initializers.py"

MUTANTS = [
    # file, code, mutated code, tests of which one must fail
    (BASE, "    if total == 0:\n", "    if False:\n", LOSSES),
    (CLASSES, "            _clip(each)\n", "            pass\n", LOSSES),
    (CLASSES, "np.clip(dz, eps, 1 - eps,", "np.clip(dz, eps, 1,", LOSSES),
    (CLASSES, "-np.log1p(-eps), -np.log(eps)", "0, -np.log(eps)", LOSSES),
    (CLASSES, "-np.log(eps), out=losses", "-2 * np.log(eps), out=losses", LOSSES),
    (BASE, "total >= 0 and isfinite", "isfinite", LOSSES),
    (BASE, "(len(raw),) * (raw.shape[1] == 1)", "(len(raw),)", LOSSES),
    ("nn/special.py", "np.maximum(x, 2 -", "np.maximum(x, 70 -", LOSSES),
    ("nn/special.py", "    np.negative(out, out=out)\n", "", LOSSES),
    ("nn/special.py", "    out += 1\n", "    out += 2\n", LOSSES),
    (KERNEL, "A -= np.max(A, axis=0, out=each)", "pass", LOSSES),
    (KERNEL, "z_y *= 1 - s", "pass", NN),
    (KERNEL, "each *= s / classes", "each *= s", NN),
    (KERNEL, "z_y += each", "pass", NN),
    (KERNEL, "A -= s / classes", "pass", NN),
    (KERNEL, "A -= s / classes", "A -= s", NN),
    (KERNEL, "A[y, rows] -= 1 - s", "A[y, rows] -= 1", NN),
    (KERNEL, "A /= each", "pass", NN),
    (CLASSES, "return c if weight is None else c * weight", "return c", LOSSES),
    (CLASSES, "return c if weight is None else c * weight", "return weight", GOLDEN),
    ("kernels/numpy.py", "    A -= A.max(axis=0)\n", "", LOSSES),
    (CLASSES, "target *= 1 - self.label_smoothing", "pass", GOLDEN),
    (CLASSES, "target += self.label_smoothing / 2", "target += self.label_smoothing", GOLDEN),
    (CLASSES, "np.negative(softplus, out=softplus)", "pass", LOSSES),
    (CLASSES, "softplus *= both\n            dz *= both", "dz *= both", LOSSES),
    (CLASSES, "softplus *= both\n            dz *= both", "softplus *= both", LOSSES),
    (CLASSES, "dz *= raw", "pass", NN),
    (CLASSES, "softplus += dz", "pass", NN),
    (CLASSES, "sigmoid(dz, out=dz)\n", "np.tanh(dz, out=dz)\n", NN),
    (
        CLASSES,
        "sigmoid(dz, out=dz)\n        if both is not None:\n",
        "sigmoid(dz, out=dz)\n        if 0:\n",
        LOSSES,
    ),
    (CLASSES, "dz -= target\n        return", "return", NN),
    (CLASSES, "        target *= np.array(self.positive_weight, target.dtype)\n", "", GOLDEN),
    (CLASSES, "both += target", "pass", GOLDEN),
    (CLASSES, 'astype(np.intp) if y.dtype.kind == "b" else y', "view()", LOSSES),
    (KERNEL, "y.min() >= 0 and y.max() < classes", "y.max() < classes", LOSSES),
    (KERNEL, "y.min() >= 0 and y.max() < classes", "y.max() <= classes", LOSSES),
    (NUMBERS, "np.sign(error, out=", "np.negative(error, out=", NN),
    (
        NUMBERS,
        'sign(e)\n        each = np.einsum("nk,nk->n", error, dz',
        'sign(e)\n        each = np.einsum("nk,nk->n", dz, dz',
        NN,
    ),
    (
        NUMBERS,
        'error -= dz\n        each = np.einsum("nk,nk->n", error, dz',
        'error -= dz\n        each = np.einsum("nk,nk->n", dz, dz',
        NN,
    ),
    (NUMBERS, "np.clip(error, -self.delta,", "np.clip(error, -2 * self.delta,", LOSSES),
    (NUMBERS, "error -= dz", "pass", NN),
    (NUMBERS, "half *= 0.5", "pass", NN),
    (NUMBERS, "each += half", "pass", NN),
    (NUMBERS, "np.subtract(rates, each, out=each)", "np.add(rates, each, out=each)", NN),
    (NUMBERS, "            dz -= target\n", "", NN),
    (NUMBERS, "            dz -= target\n", "            dz += target\n", NN),
    (NUMBERS, "return np.minimum(raw, np.finfo(raw.dtype).max, out=raw)", "return raw", LOSSES),
    (BEGIN, "sqrt(2 / sum(_fans(shape)))", "sqrt(1 / sum(_fans(shape)))", INIT),
    (BEGIN, "sqrt(6 / sum(_fans(shape)))", "sqrt(2 / sum(_fans(shape)))", INIT),
    (BEGIN, "sqrt(3 / _fans(shape)[0])", "sqrt(3 / _fans(shape)[1])", INIT),
    (BEGIN, "max(1, prod(shape[:-1]))", "max(1, shape[0] if shape else 1)", INIT),
    (BEGIN, "prod(shape[:-2]) * prod(shape[-1:])", "prod(shape[-1:])", INIT),
    (BEGIN, "np.where(np.diagonal(R) < 0, -self.gain, self.gain)", "self.gain", INIT),
    (BEGIN, "np.where(np.diagonal(R) < 0, -self.gain, self.gain)", "1", INIT),
    (BEGIN, "rng.normal(self.mean, self.std,", "rng.normal(0.0, self.std,", INIT),
    (BEGIN, "rng.uniform(-self.limit, self.limit,", "rng.uniform(0.0, self.limit,", INIT),
]
