"""Mutants of layers for tables, their preparation and schedules; see `test_mutants.py`."""

from __future__ import annotations

ENSEMBLES = ("tests/nn/test_ensemble.py",)
NUMBERS = ("tests/nn/test_periodic_embedding.py",)
NTK = ("tests/nn/test_ntk.py",)
GOLDEN = ("tests/golden/test_golden_ensemble.py",)
QUANTILE = ("tests/data/test_quantile.py",)
FIELDS = ("tests/train/test_fields.py",)
GLASS = ("tests/glassbox/test_glass_tables.py",)
PYTHON = ("tests/export/test_python.py",)
E = "nn/layers/ensemble.py"
B = "nn/layers/periodic_embedding.py"
K = "kernels/table_numpy.py"
T = "nn/layers/ntk.py"
A = "nn/layers/parametric.py"
M = "nn/losses/ensemble_mean.py"
D = "nn/layers/dropout.py"
Q = "data/prepare/scalers.py"
R, U = "train/build/network_builder.py", "train/build/optimizer_builder.py"
G = "glassbox/network/dense_terms.py"
P = "export/python_layers.py"

MUTANTS = [
    # file, code, mutated code, tests of which one must fail
    (
        "nn/initializers.py",
        "2 * rng.integers(2, size=shape) - 1",
        "rng.integers(2, size=shape)",
        ENSEMBLES,
    ),
    (E, "x[:, np.newaxis], w.p.r, out=u)", "x[:, np.newaxis], 1, out=u)", GOLDEN),
    ("kernels/table_numpy.py", "        z *= factor\n", "        pass\n", GOLDEN),
    ("kernels/table_numpy.py", "np.multiply(z, s, out=y)", "np.multiply(z, 1, out=y)", GOLDEN),
    (K, "np.sum(dz, axis=0, out=db)", "np.mean(dz, axis=0, out=db)", GOLDEN),
    ("kernels/table_numpy.py", "paired_sums(dy, z, db, ds)", "paired_sums(dy, dy, db, ds)", GOLDEN),
    ("kernels/table_numpy.py", "    dy *= s\n", "", GOLDEN),
    (
        "kernels/table_numpy.py",
        "factor != 1:\n        dy *= factor",
        "factor != 1:\n        pass",
        GOLDEN,
    ),
    (E, "np.matmul(u.reshape(n * k, i).T, dz", "np.matmul(-u.reshape(n * k, i).T, dz", GOLDEN),
    ("kernels/table_numpy.py", "dy, x, out=dr", "dy, dy, out=dr", GOLDEN),
    (K, "nki,ni->ki", "nki,mi->ki", GOLDEN),
    (K, "du *= r", "pass", GOLDEN),
    (K, "np.sum(du, axis=1", "np.max(du, axis=1", GOLDEN),
    (E, "w.p.r.reshape(-1), out=lines(u)", "1, out=lines(u)", GOLDEN),
    (E, "calibrate_units(z, w.p.W, call) * w.p.s", "0", NTK),
    (
        K,
        "y.transpose(1, 0, 2))\n    if factor != 1",
        "y.transpose(1, 0, 2))\n    if 0",
        ENSEMBLES,
    ),
    (K, "dz *= factor", "pass", GOLDEN),
    (
        K,
        "np.matmul(x.transpose(1, 2, 0), by_member",
        "np.matmul(-x.transpose(1, 2, 0), by_member",
        GOLDEN,
    ),
    (K, "np.matmul(by_member, W", "np.matmul(-by_member, W", GOLDEN),
    (
        E,
        "np.stack([self.init(rng, shape[1:], dtype)",
        "np.stack([self.init(rng, shape, dtype)[0]",
        ENSEMBLES,
    ),
    (
        K,
        "np.multiply(w, 2 * pi, out=frequency)",
        "np.multiply(w, pi, out=frequency)",
        GOLDEN,
    ),
    (K, "angle += b[:, :, np.newaxis]", "pass", GOLDEN),
    (K, "e += c[:, :, np.newaxis]", "pass", GOLDEN),
    (K, "cells[:, :, 0] = columns.T", "cells[:, :, 0] = 0", GOLDEN),
    (K, "np.sum(de, axis=2, out=dc)", "dc[...] = 0", GOLDEN),
    (K, "np.matmul(h, de.transpose(0, 2, 1)", "np.matmul(-h, de.transpose(0, 2, 1)", GOLDEN),
    (B, "np.sin(angle, out=angle)", "np.cos(angle, out=angle)", GOLDEN),
    (K, "np.negative(da, out=da)", "pass", GOLDEN),
    (K, "np.sum(da, axis=2, out=db)", "db[...] = 0", GOLDEN),
    (K, "dw *= 2 * pi", "pass", GOLDEN),
    (B, "dx[:, others] = dy[:, p * d :]", "dx[:, others] = 0", GOLDEN),
    (B, "inner += dy[:, : p * d : d].T", "pass", GOLDEN),
    (
        B,
        "return w.buf(name, (prod(shape),), dtype).reshape(shape)",
        "return w.buf(name, shape, dtype)",
        NUMBERS,
    ),
    (T, "return 1 / sqrt(len(w.p.W)), None", "return 1.0, None", NTK),
    (T, "kernels.bias_gradient(dy, w.g.b)", "kernels.bias_gradient(-dy, w.g.b)", NTK),
    (T, "dy *= self.affine(w)[0]", "pass", NTK),
    (T, "flat.std(axis=0, dtype=np.float64)", "flat.std(axis=0)", NTK),
    (T, "1e-6 * np.maximum(1, np.abs(flat).max(axis=0))", "0", NTK),
    (T, "    z /= std\n", "", NTK),
    (T, "    W /= std\n", "", NTK),
    (T, "call.rng.integers(len(z), size=shape)", "np.zeros(shape, np.intp)", NTK),
    (T, "return -np.take_along_axis", "return np.take_along_axis", NTK),
    ("kernels/table_numpy.py", "out=y)\n    y += x", "out=y)", GOLDEN),
    ("kernels/table_numpy.py", "dy, difference, out=dalpha", "dy, dy, out=dalpha", GOLDEN),
    ("kernels/table_numpy.py", "dy -= inner", "pass", GOLDEN),
    (
        "kernels/table_numpy.py",
        "np.multiply(dy, alpha, out=inner)",
        "np.multiply(dy, 1, out=inner)",
        GOLDEN,
    ),
    (A, "dy += dx", "pass", NTK),
    (A, "(*gradients, total)", "(*gradients, total.copy())", GOLDEN),
    ("kernels/table_numpy.py", "    dy += inner\n", "", GOLDEN),
    (
        "kernels/table_numpy.py",
        "np.sum(dx, axis=0, out=db)\n        dx *= factor",
        "np.sum(dx, axis=0, out=db)",
        NTK,
    ),
    ("kernels/table_numpy.py", "np.expm1(curve, out=curve)", "curve", GOLDEN),
    (M, "each[...] = rows[:, np.newaxis]", "each[...] = rows[::-1, np.newaxis]", GOLDEN),
    (M, 'weight = self._for_each_member("weights", weight, k, w)', "weight = None", GOLDEN),
    (
        M,
        "out.reshape(flat.shape)[...] = gradient",
        "out.reshape(flat.shape)[...] = k * gradient",
        ENSEMBLES,
    ),
    (M, "flat.reshape(raw.shape).mean(axis=1)", "flat.reshape(raw.shape)[:, 0]", GOLDEN),
    (M, "return raw[1:]", "return raw", ENSEMBLES),
    (D, "max(1.0, 2 * call.t)", "max(0.0, 2 * call.t)", NTK),
    (D, "rate *= (1 + cos(", "rate *= (1 - cos(", NTK),
    (Q, "np.clip(x[~is_missing], -HIGHEST, HIGHEST)", "x[~is_missing]", QUANTILE),
    (Q, 'method="inverted_cdf"', 'method="linear"', QUANTILE),
    (
        Q,
        "max(n // ROWS_PER_KNOT, FEWEST_KNOTS)",
        "n // ROWS_PER_KNOT + 2",
        QUANTILE,
    ),
    (Q, "share += 1 - np.interp(-x, -at[::-1], shares)", "share *= 2", QUANTILE),
    (Q, "np.clip(ndtri(share / 2), -3, 3)", "np.clip(ndtri(share / 2), -4, 4)", QUANTILE),
    (Q, "np.where(missing, 0.0, np.clip", "np.where(False, 0.0, np.clip", QUANTILE),
    (Q, "        fill_missing(np.isnan(x), out)\n", "", QUANTILE),
    (Q, "any(a > b for a, b in pairwise(self.knots))", "False", QUANTILE),
    (Q, "np.where(missing, at[0], x / 2)", "np.where(missing, at[0], x)", QUANTILE),
    (Q, "at, shares = np.array(self.knots) / 2", "at, shares = np.array(self.knots) / 3", QUANTILE),
    (
        "data/prepare/preparation.py",
        "return 0 < len(code.categories) + code.others",
        "return len(code.categories)",
        QUANTILE,
    ),
    ("optim/by_role.py", "lr * self.schedule(state.t)", "lr * self.schedule(0.0)", FIELDS),
    ("train/loop/fit.py", "self.optimizer_state.t = t", "self.optimizer_state.t = 0.0", FIELDS),
    (U, 'user_options.get("weight_decay", recipe.weight_decay)', "recipe.weight_decay", FIELDS),
    (U, "rule = replace(rule, weight_decay=0.0)", "pass", FIELDS),
    (U, "0.0 if is_scheduled else decay", "decay", FIELDS),
    (R, "adapter=Signs() if first else Constant(1.0)", "adapter=Signs()", FIELDS),
    ("train/loop/training.py", "        if recipe.calibrate:", "        if False:", FIELDS),
    ("train/build/front_layers.py", "columns=inputs.numbers", "columns=None", FIELDS),
    (G, "index + member * x.shape[1]", "place", GLASS),
    (G, 'p["r"][member] * W[:, unit]', "W[:, unit]", GLASS),
    (G, '(p["s"][member, unit] * scale)', "scale", GLASS),
    (G, "W[member, :, unit] * scale", "W[0, :, unit] * scale", GLASS),
    (G, "raw.mean(axis=0) if is_ensemble", "raw[0] if is_ensemble", GLASS),
    ("glassbox/network/saliency.py", "n / dy.size", "1", GLASS),
    (P, "{by} * {s} + {b}", "{by} + {b}", PYTHON),
    (P, "({x} * {r}) @ {W}", "({x}) @ {W}", PYTHON),
    ("export/python_file.py", "{x}.mean(axis=1)", "{x}[:, 0]", PYTHON),
]
