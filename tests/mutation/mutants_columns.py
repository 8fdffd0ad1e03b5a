"""Mutants of the encoding of tables; see `test_mutants.py`."""

from __future__ import annotations

LAYER = ("tests/nn/test_columns.py",)
GOLDEN = ("tests/golden/test_golden_columns.py",)
NET = ("tests/data/test_prepare.py",)
TREE = ("tests/data/test_prepare_tree.py",)
FILL = ("tests/data/test_prepare_fill.py",)
TABLES = ("tests/data/test_prepare_properties.py",)
C = "nn/layers/embedding.py"
K = "kernels/table_numpy.py"
P = "data/prepare/preparation.py"
N, S = "data/prepare/encoders.py", "data/prepare/scalers.py"
V = "data/prepare/values.py"

MUTANTS = [
    # file, code, mutated code, tests of which one must fail
    (K, "np.rint(x[:, p:], out=codes)", "np.floor(x[:, p:], out=codes)", LAYER),
    (K, "np.fmax(codes, 0, out=codes)", "np.maximum(codes, 0, out=codes)", LAYER),
    (K, "np.minimum(codes, largest", "np.maximum(codes, largest", LAYER),
    (C, "x.dtype) - 1\n", "x.dtype)\n", LAYER),
    (K, "y[:, :p] = x[:, :p]", "pass", GOLDEN),
    (K, "place *= factor", "pass", GOLDEN),
    (K, "place += offset", "pass", GOLDEN),
    (C, "            start += table.size\n", "", GOLDEN),
    (C, "part[...] = table", "pass", LAYER),
    (K, "line.fill(0)", "pass", GOLDEN),
    (K, "np.add.at(line, place.reshape(-1), scratch.reshape(-1))", "line[place] = scratch", GOLDEN),
    (K, "scratch[...] = dy[:, p:]", "scratch[...] = 1", GOLDEN),
    (C, "starts[column] + np.array(within, np.intp)", "starts[column]", GOLDEN),
    (C, "dx[:, :p] = dy[:, :p]", "dx[:, :p] = 0", GOLDEN),
    (C, "dx[:, p:] = 0", "pass", LAYER),
    (C, "values[0] = 0", "pass", LAYER),
    (C, "min(self.size, codes)", "self.size", GOLDEN),
    (P, "ONE_HOT, CODES = 64, 4096", "ONE_HOT, CODES = 4096, 64", NET),
    (P, "rows = np.flatnonzero(rows)", "pass", TABLES),
    (P, "values if rows is None else values.gather(rows)", "values", TABLES),
    (P, 'if column.kind != "text"', "if True", NET),
    (P, "sorted(encoders, key=_is_code)", "encoders", NET),
    (P, "            while new in taken:\n", "            while False:\n", TREE),
    (P, 'c not in "[]<"', 'c not in ""', TREE),
    (P, "if count > 1", "if False", NET),
    (P, "encoder.for_trees != self.for_trees", "False", NET),
    ("data/prepare/compression.py", "not abs(value) <= HIGHEST", "False", NET),
    (
        "data/prepare/compression.py",
        'value != value.encode(errors="replace").decode()',
        "False",
        NET,
    ),
    (N, "len(set(categories)) < len(categories)", "False", NET),
    (S, "(x / 2 - self.center / 2)", "(x / 2)", NET),
    (S, "finite = x[np.isfinite(x)]", "finite = x[~np.isnan(x)]", NET),
    (S, "    finite /= 2  # so that no difference overflows\n", "", NET),
    (S, "high - low or np.ptp(finite) / 2", "high - low", NET),
    (S, "high - low or np.ptp(finite) / 2", "high - low or np.ptp(finite)", NET),
    (S, "width = infinite / 2", "width = 0.0", NET),
    (S, "min(float(width), HIGHEST / 2)", "float(width)", NET),
    (S, "np.clip(z, -1e9, 1e9, out=z)", "np.nan_to_num(z, copy=False)", NET),
    (S, "np.square(z / 3)", "np.square(z / 2)", NET),
    (S, "        z[missing] = 0\n", "", NET),
    (S, "out[:, 1] = missing", "out[:, 1] = 0", NET),
    (S, "\n        fill_missing(missing, out)\n", "\n", FILL),
    (N, "        fill_missing(np.isnan(flags), out)\n", "", FILL),
    (S, "            out[:, 0] = 0\n            return", "            return", FILL),
    (N, "level[code < 0] = len(self.categories) + self.others", "pass", NET),
    (N, "np.where(level < 0, 0, 2 * level - 1)", "2 * level - 1", NET),
    (N, "        out.fill(0)\n", "", FILL),
    (N, "1 + len(self.categories) + self.others", "1 + len(self.categories)", NET),
    (N, "known if others else -1)", "-1)", NET),
    (N, "        out[:, start:] = np.nan if self.for_trees else 0\n", "", FILL),
    (N, "np.cos(angle)[codes[part]]", "np.sin(angle)[codes[part]]", NET),
    (N, 'return ("int" if self.scaler.whole else "q",)', 'return ("q",)', TREE),
    (N, "np.where(level < 0, np.nan, level)", "level", TREE),
    (S, "np.clip(x - shift, -FAR, FAR)", "x - shift", TREE),
    (S, "and count < _count_in_float32(distinct, middle)", "and False", TREE),
    (S, "count < 0.99 * len(distinct)", "count < 2 * len(distinct)", TREE),
    (V, "descending=[True, False]", "descending=[False, False]", NET),
    (V, "tuple(sorted(counts", "tuple((counts", NET),
    (V, "codes[text.is_null().to_numpy()] = -1", "pass", NET),
    (V, "(day.astype(np.int64) + 3) % 7", "day.astype(np.int64) % 7", NET),
    (V, "np.ptp(codes) > 0", "True", NET),
    (V, "days[np.isnat(times)] = np.nan", "pass", NET),
    (V, '_require_parsed(text, column, "numbers")', "pass", NET),
    (V, "    _require_parsed(text, flags, expected)\n", "", NET),
    (V, "str.to_lowercase()", "str.strip_chars()", TABLES),
    (V, "zip_with(whole, text)", "zip_with(column.is_null(), text)", TABLES),
]
