"""Mutants of convolution and pooling; see `test_mutants.py`."""

from __future__ import annotations

NN = ("tests/nn/test_engine.py",)
IMAGES = ("tests/nn/test_images.py",)
GOLDEN = ("tests/golden/test_golden_images.py",)
CONV, POOL = "nn/layers/convolution.py", "nn/layers/pooling.py"
KERNELS = "kernels/images_numpy.py"
PATCHES, WINDOWS = "nn/layers/patches.py", "nn/layers/windows.py"

MUTANTS = [
    # file, code, mutated code, tests of which one must fail
    (CONV, "both[-1] = w.p.b", "both[-1] = 0", IMAGES),
    (CONV, "both.fill(0)", "pass", NN),
    (CONV, "both += np.matmul(P.T, part, out=share)", "both -= 0", NN),
    (CONV, "both += np.matmul(P.T, part, out=share)", "both[...] = P.T @ part", IMAGES),
    (CONV, "w.g.b[...] = both[-1]", "w.g.b[...] = both[0]", NN),
    (CONV, "w.g.b[...] = both[-1]", "pass", NN),
    (CONV, "w.p.W[::-1, ::-1]", "w.p.W[::-1]", NN),
    (CONV, "dW.fill(0)", "pass", NN),
    (CONV, "dW += np.matmul(", "dW[...] = np.matmul(", IMAGES),
    (CONV, "(1, 2, 0, 3)[::-1, ::-1]", "(1, 2, 0, 3)", NN),
    (CONV, "channel_sums(lines(dy), w, w.g.b)", "pass", NN),
    (CONV, " and frame.stride == (1, 1)", "", NN),
    (PATCHES, "padded.fill(0)", "pass", IMAGES),
    (
        PATCHES,
        "                if rows.start == 0:\n",
        "                if images.start == 0:\n",
        IMAGES,
    ),
    (PATCHES, "P[k:] = 1", "P[k:] = 2", IMAGES),
    (PATCHES, "P[:, k:] = 1", "P[:, k:] = 2", IMAGES),
    (PATCHES, "around.fill(0)", "pass", NN),
    (
        PATCHES,
        "        if rows.start == 0:\n            around",
        "        if True:\n            around",
        IMAGES,
    ),
    (PATCHES, ".transpose(0, 2, 1)", "[::-1].transpose(0, 2, 1)", NN),
    (
        PATCHES,
        "np.add(place, piece.reshape(place.shape), out=place)",
        "place[...] = piece.reshape(place.shape)",
        NN,
    ),
    (PATCHES, "self._inside(around, shape))", "around[:, : shape[0], : shape[1]])", NN),
    (PATCHES, "(zeros // 2, zeros - zeros // 2)", "(zeros - zeros // 2, zeros // 2)", GOLDEN),
    (PATCHES, "kh - 1 - top, kh - 1 - bottom", "kh - 1 - bottom, kh - 1 - top", IMAGES),
    (PATCHES, "rows.start * self.stride[0],", "rows.start,", IMAGES),
    (KERNELS, "np.maximum(y, place, out=y)", "np.minimum(y, place, out=y)", IMAGES),
    ("kernels/numpy.py", "np.greater(here, taken, out=here)", "pass", GOLDEN),
    ("kernels/numpy.py", "np.logical_or(taken, here, out=taken)", "pass", IMAGES),
    ("kernels/numpy.py", "taken.fill(False)", "pass", IMAGES),
    (
        "kernels/numpy.py",
        "np.add(place, np.multiply(dy, here, out=share), out=place)",
        "np.multiply(dy, here, out=place)",
        NN,
    ),
    (POOL, "            if overlap:\n", "            if not overlap:\n", NN),
    (POOL, " y *= 1 / prod(window[0])", " pass", GOLDEN),
    (POOL, "dy *= 1 / prod(window[0])", "pass", NN),
    (POOL, "np.add(place, dy, out=place)", "np.copyto(place, dy)", NN),
    (POOL, "dx.fill(0)", "pass", NN),
    (POOL, " or x.shape[1] % size[0] or x.shape[2] % size[1]", "", NN),
    (
        POOL,
        "return dx, stride[0] < size[0] or stride[1] < size[1]",
        "return dx, stride[0] < size[0]",
        NN,
    ),
    (
        WINDOWS,
        "along[1] * stride[0], along[2] * stride[1]",
        "along[1] * stride[1], along[2] * stride[0]",
        GOLDEN,
    ),
    (WINDOWS, "(across - 1) * stride[1] + 1 : stride[1]", "(across - 1) * stride[1] + 1", NN),
]
