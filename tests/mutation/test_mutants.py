"""Mutation tests: for each deliberately broken line of the package, a test must fail.

A mutant is a copy of the package with one changed line, tested with the tests named for it.
`pytest -m long tests/mutation` runs all mutants.
"""

from __future__ import annotations

import compileall
import py_compile
import re
import shutil
from pathlib import Path

import mutants_activations
import mutants_columns
import mutants_ensemble
import mutants_glassbox
import mutants_images
import mutants_losses
import mutants_optim
import mutants_parallel
import mutants_train
import pytest
from forks import run

ROOT = Path(__file__).parents[2]
NN = ("tests/nn/test_engine.py",)
JOINS = ("tests/nn/test_joins.py",)
OPTIM = ("tests/optim/test_rules.py",)
L, K, R = "nn/layers/", "kernels/numpy.py", "kernels/rules_numpy.py"
TABLE = "kernels/table_numpy.py"
GOLDEN = ("tests/golden/test_golden_ensemble.py",)
# Lines before code that occurs more than once.
BIAS_GRADIENT = 'db = Σₙ dy, of shape (k,)."""\n    '
ADD_BIAS = 'y ← y + b, with b of shape (k,)."""\n    '
DECAY, WORK = "weights - part.start, ", "penalty, shrink, work)\n        "
RMSPROP = [f"_scaled(v[part], g[part], decay, eps, work)\n        {name}" for name in ("work", "B")]

MUTANTS = [
    # file, code, mutated code, tests of which one must fail
    (L + "dense.py", "np.matmul(x.T, dz, out=w.g.W)", "np.matmul(-x.T, dz, out=w.g.W)", NN),
    (
        K,
        BIAS_GRADIENT + "np.sum(dy, axis=0, out=db)",
        BIAS_GRADIENT + "np.sum(-dy, axis=0, out=db)",
        NN,
    ),
    (K, BIAS_GRADIENT + "np.sum(dy, axis=0, out=db)", BIAS_GRADIENT + "pass", NN),
    (L + "dense.py", "np.matmul(dz, w.p.W.T, out=", "np.matmul(-dz, w.p.W.T, out=", NN),
    (K, ADD_BIAS + "y += b\n", ADD_BIAS + "pass\n", NN),
    (TABLE, "np.multiply(z, s, out=y)\n    y += b\n", "np.multiply(z, s, out=y)\n", GOLDEN),
    (TABLE, "\n    y *= factor\n    y += b\n", "\n    y *= factor\n", ("tests/nn/test_ntk.py",)),
    (K, "y += b\n    np.maximum(y", "np.maximum(y", NN),
    (K, "np.maximum(y, np.zeros", "np.minimum(y, np.zeros", NN),
    (K, "relu_gate(dy, y, gate)\n    np.sum", "np.sum", NN),
    (K, "relu_gate(dy, y, gate)\n    np.sum(dy", "relu_gate(dy, y, gate)\n    np.sum(-dy", NN),
    (K, "np.greater(y, 0, out=gate", "np.less(y, 0, out=gate", NN),
    (K, "np.greater(y, 0, out=gate", "np.greater(y, 0.1, out=gate", NN),
    (L + "activation.py", "np.subtract(1, slope, out=slope)", "np.add(1, slope, out=slope)", NN),
    (L + "activation.py", "np.square(w.saved, out=", "np.abs(w.saved, out=", NN),
    (L + "shape.py", "x.reshape(len(x), *self.shape)", "x", NN),
    (L + "dropout.py", "return np.multiply(dy, w.saved, out=dy)", "return dy", NN),
    (K, "mask *= scale", "pass", NN),
    (L + "dropout.py", "min(round(rate * STEPS), STEPS - 1)", "round(rate * STEPS)", NN),
    (K, "np.greater_equal(draws, least", "np.greater(draws, least + 99", NN),
    (L + "random_bits.py", "_words(rng, -(-n // 4))", "_words(rng, 1 + n // 4)", NN),
    (L + "random_bits.py", "2**64 - 1, size", "2**63, size", NN),
    (L + "random_bits.py", "random_raw(count)", "random_raw(count) // 2", NN),
    (L + "normalization.py", "add_lines(products, w.g.gamma)", "w.g.gamma[...] = 0", NN),
    (L + "normalization.py", "w.g.gamma *= inverse\n        if", "if", NN),
    (L + "normalization.py", "add_lines(total, w.g.beta)", "w.g.beta[...] = 0", NN),
    ("kernels/numpy.py", "d -= common", "pass", NN),
    ("kernels/numpy.py", "d -= np.multiply(centered", "d += np.multiply(centered", NN),
    (L + "normalization.py", "w.p.gamma * inverse / n", "inverse / n", NN),
    (
        L + "normalization.py",
        "len(slope), w.p.gamma * inverse / n",
        "len(slope), w.p.gamma / n",
        NN,
    ),
    (L + "normalization.py", "shift = slope * apart + ", "shift = slope + ", JOINS),
    (L + "normalization.py", "            products *= s\n", "            pass\n", JOINS),
    (L + "normalization.py", "products += apart * sums", "pass", JOINS),
    (L + "normalization.py", "np.multiply(slope, products, out=ds)", "ds[...] = products", JOINS),
    (L + "normalization.py", "np.multiply(slope, sums, out=db)", "db[...] = sums", JOINS),
    (TABLE, "        scale_shift(z, factor, s, b, y)\n        x = y", "        x = y", JOINS),
    (TABLE, "scale_add_bias(z, factor, b)\n        x = z", "x = z", JOINS),
    (TABLE, "    np.multiply(dy, gate, out=dy)\n", "", JOINS),
    (L + "normalization.py", "(n / max(n - 1, 1))", "1", NN),
    (TABLE, 'np.einsum("nk,nk->k", d, by, out=products)', "products[...] = 0", NN),
    ("kernels/numpy.py", 'np.einsum("nk,nk->k", out, out, out=squares)', "squares[...] = 0", NN),
    (L + "channel_ops.py", "if first is not out:", "if False:", (NN[0], "tests/nn/test_images.py")),
    (L + "residual.py", "np.add(around, dx, out=around)", "dx", NN),
    (L + "residual.py", "np.add(around, dx, out=around)", "around", NN),
    (L + "residual.py", "np.copyto(around, dy)", "around = dy", NN),
    (K, "A[y, rows] -= 1 - s", "pass", NN),
    ("nn/losses/loss.py", "gradient *= 1 / len(each)", "pass", NN),
    ("nn/losses/loss.py", "gradient *= share", "gradient *= 1 + share", NN),
    (
        "nn/losses/classification.py",
        "dz -= target\n        dz *= raw",
        "dz += target\n        dz *= raw",
        NN,
    ),
    (
        "nn/losses/classification.py",
        "dz -= target\n        return",
        "dz += target\n        return",
        NN,
    ),
    ("nn/losses/regression.py", "each *= 0.5", "pass", NN),
    ("nn/losses/loss.py", "share = weight / total", "share = weight / len(weight)", NN),
    (K, "z_y = A[y, rows]\n", "z_y = 0 * A[y, rows]\n", NN),
    (R, "np.multiply(g[part], rate, out=work)", "np.multiply(g[part], -rate, out=work)", OPTIM),
    (R, "V *= momentum", "pass", OPTIM),
    (R, "work += dW\n            work", "work", OPTIM),
    (R, "W *= shrink", "W *= 2 - shrink", OPTIM),
    (R, "squares = float(np.dot(W, W))", "pass", OPTIM),
    (R, "g[: len(W)] += np.multiply", "np.multiply", OPTIM),
    *(
        (R, DECAY + WORK + rest, DECAY.replace(" - part.start", "") + WORK + rest, OPTIM)
        for rest in ("M, V", "V, dW", "np.m", "U, M", "G, dW", "M, dW", *RMSPROP)
    ),
    ("optim/optimizer.py", "1 - lr * self.weight_decay", "1 + lr * self.weight_decay", OPTIM),
    (R, "g[part], beta1, beta2, work)", "g[part], 1, beta2, work)", OPTIM),
    (R, "g[part], beta1, beta2, work)", "g[part], beta1, 1, work)", OPTIM),
    (R, "M *= beta1", "pass", OPTIM),
    (R, "V *= beta2", "pass", OPTIM),
    (R, "np.sqrt(V, out=work)", "work[...] = V", OPTIM),
    (R, "work += eps", "pass", OPTIM),
    (R, "_over_root(M, U, eps, work)", "_over_root(M, U, 0, work)", OPTIM),
    ("optim/adam.py", "1 - self.beta2**step", "1", OPTIM),
    ("optim/adam.py", "1 - self.beta1**step", "1", OPTIM),
    ("optim/adam.py", "root if self.hat else", "root if True else", OPTIM),
    (R, "x[part][work < floor] = 0", "pass", OPTIM),
    ("optim/optimizer.py", "decay = state.decayed.stop,", "decay = len(theta),", OPTIM),
    (
        "train/loop/fit.py",
        "rng.permutation(len(rows))",
        "np.zeros(len(rows), int)",
        ("tests/train/test_train.py",),
    ),
]
for room in (
    mutants_activations,
    mutants_columns,
    mutants_glassbox,
    mutants_ensemble,
    mutants_images,
    mutants_losses,
    mutants_optim,
    mutants_parallel,
    mutants_train,
):
    MUTANTS += room.MUTANTS


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package and its tests."""
    folder = tmp_path_factory.mktemp("mutant")
    shutil.copytree(ROOT / "src" / "graduel", folder / "src" / "graduel", ignore=_caches)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=_caches)
    shutil.copy(ROOT / "pyproject.toml", folder)
    # Compiled once. Python recognizes a mutated file by checksum; its time may be unchanged.
    checked = py_compile.PycInvalidationMode.CHECKED_HASH
    assert compileall.compile_dir(folder / "src", quiet=1, invalidation_mode=checked)
    return folder


def _caches(folder, names):
    return [name for name in names if name in ("__pycache__", "mutation")]


def mutate(file, whole, old, new):
    """Return the text of a file with the quoted code replaced.

    A quote occurs once, so that a new class with the same line cannot take over an old mutant.
    """
    places = whole.count(old)
    assert places, f"{file} no longer holds {old!r}; update the quote in tests/mutation"
    assert places == 1, f"{file} holds {old!r} {places} times; extend the quote in tests/mutation"
    return whole.replace(old, new)


@pytest.mark.long
def test_the_unmutated_copy_passes(copy, tmp_path):
    tests = tuple(sorted({test for _, _, _, tests in MUTANTS for test in tests}))
    done = run(copy, tests, tmp_path / "log.txt")
    assert done.code == 0, done.output[-2000:]


@pytest.mark.long
@pytest.mark.parametrize(("file", "old", "new", "tests"), MUTANTS, ids=str)
def test_a_test_fails_for_each_mutant(copy, tmp_path, file, old, new, tests):
    path = copy / "src" / "graduel" / file
    whole = path.read_text(encoding="utf-8")
    path.write_text(mutate(file, whole, old, new), encoding="utf-8")
    classes = re.findall(r"^class (\w+)", whole, re.MULTILINE)
    try:
        done = run(copy, tests, tmp_path / "log.txt", first=[path.stem, *classes])
    finally:
        path.write_text(whole, encoding="utf-8")
    assert done.code == 1, f"no test failed:\n{done.output[-1500:]}"
    assert "failed" in done.output


def test_every_quote_occurs_once():
    for file, old, new, _ in MUTANTS:
        whole = (ROOT / "src" / "graduel" / file).read_text(encoding="utf-8")
        assert mutate(file, whole, old, new) != whole


# Modules of nn without formulas, or whose formulas are tested elsewhere.
WITHOUT_MUTANTS = {"__init__.py", "layer.py"}


@pytest.mark.parametrize("folder", ["nn/layers", "nn/losses"])
def test_every_module_with_formulas_has_mutants(folder):
    paths = (ROOT / "src" / "graduel" / folder).glob("*.py")
    files = {f"{folder}/{path.name}" for path in paths if path.name not in WITHOUT_MUTANTS}
    absent = sorted(files - {file for file, *_ in MUTANTS})
    assert absent == [], f"add mutants of these modules to tests/mutation/mutants_*.py: {absent}"
