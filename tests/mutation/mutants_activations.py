"""Mutants of activations, normalization layers, Scale and erf; see `test_mutants.py`."""

from __future__ import annotations

ACTIVATIONS = ("tests/nn/test_activations.py",)
NORMALIZATION = ("tests/nn/test_normalization.py",)
GOLDEN = ("tests/golden/test_golden_activations.py",)
SPECIAL = ("tests/nn/test_special.py",)
A = "nn/layers/activation.py"
LEAKY = "nn/layers/leaky_activation.py"
GATED = "nn/layers/gated_activation.py"
N = "nn/layers/normalization.py"
SCALE = "nn/layers/scale.py"

MUTANTS = [
    # file, code, mutated code, tests of which one must fail
    (A, "return dy if need_dx else None", "return None", ACTIVATIONS),
    (A, "slope = np.subtract(1, y, out=", "slope = np.add(1, y, out=", GOLDEN),
    (A, "        slope *= y\n", "", GOLDEN),
    (A, "np.negative(np.expm1(slope, out=slope), out=slope)", "np.expm1(slope, out=slope)", GOLDEN),
    (A, "np.expm1(slope, out=slope)", "np.exp(slope, out=slope)", GOLDEN),
    ("kernels/table_numpy.py", "    y += right\n", "", GOLDEN),
    ("kernels/table_numpy.py", "right *= scale", "pass", GOLDEN),
    ("kernels/table_numpy.py", "np.minimum(y, np.zeros", "np.maximum(y, np.zeros", GOLDEN),
    ("kernels/table_numpy.py", "slope += scale * alpha", "slope += scale", GOLDEN),
    ("kernels/table_numpy.py", "        slope += jump\n", "", GOLDEN),
    ("kernels/table_numpy.py", "jump *= scale - scale * alpha", "jump *= scale - alpha", GOLDEN),
    (A, "return self.alpha == 1", "return True", ACTIVATIONS),
    (LEAKY, "np.greater(w.saved, 0, out=slope", "np.less(w.saved, 0, out=slope", GOLDEN),
    (LEAKY, "np.maximum(slope, self.slope, out=slope)", "pass", GOLDEN),
    (LEAKY, "        left *= dy\n", "", GOLDEN),
    (LEAKY, "np.sum(left, axis=tuple(range(x.ndim - 1)), out=w.g.slope)", "pass", GOLDEN),
    (LEAKY, "np.less_equal(x, 0, out=left", "np.greater_equal(x, 0, out=left", GOLDEN),
    (LEAKY, "        slope *= w.p.slope\n", "", GOLDEN),
    (LEAKY, "slope += np.greater(x, 0, out=right", "slope += np.less(x, 0, out=right", GOLDEN),
    (LEAKY, "w.saved = x\n", "w.saved = np.abs(x)\n", GOLDEN),
    (GATED, "slope = np.subtract(1, gate, out=", "slope = np.subtract(0, gate, out=", GOLDEN),
    (GATED, "        slope *= y\n", "", GOLDEN),
    (GATED, "        slope *= y\n        slope += gate\n", "        slope *= y\n", GOLDEN),
    (GATED, "        slope *= near\n        slope += gate\n", "        slope *= near\n", GOLDEN),
    (GATED, "        slope *= x\n        slope += gate\n", "        slope *= x\n", GOLDEN),
    (
        GATED,
        "        slope *= inside\n        slope += gate\n",
        "        slope *= inside\n",
        GOLDEN,
    ),
    (GATED, "slope *= 6 * ROOT * CUBIC", "slope *= 2 * ROOT * CUBIC", GOLDEN),
    (GATED, "slope += 2 * ROOT", "slope += ROOT", GOLDEN),
    (GATED, "slope *= gate\n", "pass\n", GOLDEN),
    (GATED, "slope *= np.subtract(1, gate, out=w.buf", "np.subtract(1, gate, out=w.buf", GOLDEN),
    (GATED, "slope *= -0.5", "slope *= -1.0", GOLDEN),
    (GATED, "slope *= 1 / sqrt(2 * pi)", "slope *= 1 / sqrt(pi)", GOLDEN),
    (GATED, "        slope *= near\n", "", GOLDEN),
    (GATED, "np.divide(e, slope, out=slope)", "np.divide(1, slope, out=slope)", GOLDEN),
    (GATED, "np.square(gate, out=", "np.abs(gate, out=", GOLDEN),
    (GATED, "slope *= np.subtract(1, rest, out=rest)", "pass", GOLDEN),
    (GATED, "        slope *= x\n", "", GOLDEN),
    (GATED, "np.multiply(x, 1 / 6, out=slope)", "np.multiply(x, 1 / 3, out=slope)", GOLDEN),
    (GATED, "        slope *= inside\n", "", GOLDEN),
    (
        GATED,
        'np.clip(x, -FAR, FAR, out=w.buf("near", x.shape',
        'np.clip(x, -1e20, 1e20, out=w.buf("near", x.shape',
        ACTIVATIONS,
    ),
    (GATED, "np.minimum(x, 20, out=", "np.minimum(x, 1e9, out=", ACTIVATIONS),
    (N, "n = prod(x.shape[:-1])", "n = len(x)", NORMALIZATION),
    (N, "n, sum_over_workers = trained", "n, sum_over_workers = len(dz), None", NORMALIZATION),
    ("kernels/numpy.py", "dy *= gamma", "pass", NORMALIZATION),
    ("kernels/numpy.py", "    dy -= means[0][:, np.newaxis]\n", "", NORMALIZATION),
    (
        "kernels/numpy.py",
        "dy -= np.multiply(hat, means[1][:, np.newaxis], out=product)",
        "pass",
        NORMALIZATION,
    ),
    ("kernels/numpy.py", "dy *= inverse[:, np.newaxis]", "pass", NORMALIZATION),
    ("kernels/numpy.py", "hat *= inverse[:, np.newaxis]", "pass", GOLDEN),
    (
        "kernels/numpy.py",
        'np.einsum("nk,nk->n", dy, hat',
        'np.einsum("nk,nk->n", dy, dy',
        NORMALIZATION,
    ),
    ("kernels/numpy.py", "    means /= dy.shape[1]\n", "", NORMALIZATION),
    (SCALE, "np.multiply(dy, w.saved, out=", "np.abs(dy, out=", GOLDEN),
    (SCALE, "axis=tuple(range(dy.ndim - 1)), out=w.g.s", "axis=0, out=w.g.s", GOLDEN),
    (SCALE, "return np.multiply(dy, w.p.s, out=dy) if", "return dy if", GOLDEN),
    ("nn/special.py", "np.clip(z, -5, 5, out=z)", "np.clip(z, -3, 3, out=z)", SPECIAL),
    ("nn/special.py", "0.0021782,", "0.0021982,", SPECIAL),
    ("nn/special.py", "np.copysign(far, z, out=far)", "pass", SPECIAL),
    ("nn/special.py", "far *= beyond", "pass", SPECIAL),
    ("nn/special.py", "1.23033935479799725e3", "1.2303393548e3", SPECIAL),
]
