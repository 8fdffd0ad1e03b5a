"""What may break in a table's way into numbers; `test_mutants.py` says how each is used."""

from __future__ import annotations

LAYER = ("tests/nn/test_columns.py",)
GOLDEN = ("tests/golden/test_golden_columns.py",)
NET = ("tests/data/test_prepare.py",)
TREE = ("tests/data/test_prepare_tree.py",)
FILL = ("tests/data/test_prepare_fill.py",)
TABLES = ("tests/data/test_prepare_properties.py",)
C = "nn/layers/embedding.py"
P = "data/prepare/preparation.py"
BASE = "data/prepare/encoder.py"
N, S = "data/prepare/net_encoders.py", "data/prepare/numeric_encoders.py"
T = "data/prepare/tree_encoders.py"
V = "data/prepare/values.py"

MUTANTS = [
    # file, what stands there, what is put in its place, the tests that must notice
    (C, "np.rint(x[:, p:], out=codes)", "np.floor(x[:, p:], out=codes)", LAYER),
    (C, "np.fmax(codes, 0, out=codes)", "np.maximum(codes, 0, out=codes)", LAYER),
    (C, "np.minimum(codes, np.array", "np.maximum(codes, np.array", LAYER),
    (C, "x.dtype) - 1, out=codes)", "x.dtype), out=codes)", LAYER),
    (C, "y[:, :p] = x[:, :p]", "pass", GOLDEN),
    (C, "index *= factor", "pass", GOLDEN),
    (C, "index += offset", "pass", GOLDEN),
    (C, "            start += table.size\n", "", GOLDEN),
    (C, "part[...] = table", "pass", LAYER),
    (C, "line.fill(0)", "pass", GOLDEN),
    (C, "np.add.at(line, index.reshape(-1), d.reshape(-1))", "line[index] = d", GOLDEN),
    (C, "d[...] = dy[:, p:]", "d[...] = 1", GOLDEN),
    (C, "begins[column] + np.array(within, np.intp)", "begins[column]", GOLDEN),
    (C, "dx[:, :p] = dy[:, :p]", "dx[:, :p] = 0", GOLDEN),
    (C, "dx[:, p:] = 0", "pass", LAYER),
    (C, "values[0] = 0", "pass", LAYER),
    (C, "min(self.size, codes)", "self.size", GOLDEN),
    (P, "ONE_HOT, CODES = 64, 4096", "ONE_HOT, CODES = 4096, 64", NET),
    (P, "rows = np.flatnonzero(rows)", "pass", TABLES),
    (P, "values if rows is None else values.gather(rows)", "values", TABLES),
    (P, 'if column.kind != "text"', "if True", NET),
    (P, "sorted(found, key=_is_code)", "found", NET),
    (P, "            while new in taken:\n", "            while False:\n", TREE),
    (P, 'c not in "[]<"', 'c not in ""', TREE),
    (BASE, "if times > 1", "if False", NET),
    (BASE, "abs(value) <= HIGHEST", "True", NET),
    (BASE, "len(set(value)) == len(value)", "True", NET),
    (S, "squash(values.to_numbers(column), self.center", "squash(values.numbers(column), 0.0", NET),
    (S, "finite = x[np.isfinite(x)]", "finite = x[~np.isnan(x)]", NET),
    (S, "    finite /= 2  # so that no difference overflows\n", "", NET),
    (S, "high - low or np.ptp(finite) / 2", "high - low", NET),
    (S, "high - low or np.ptp(finite) / 2", "high - low or np.ptp(finite)", NET),
    (S, "float(np.isinf(x).any()) / 2", "0.0", NET),
    (S, "min(float(width), HIGHEST / 2)", "float(width)", NET),
    (S, "np.clip(z, -1e9, 1e9, out=z)", "np.nan_to_num(z, copy=False)", NET),
    (S, "np.square(z / 3)", "np.square(z / 2)", NET),
    (S, "    z[unknown] = 0\n", "", NET),
    (S, "out[:, 1] = unknown", "out[:, 1] = 0", NET),
    (S, "\n    put_missing(unknown, out)\n", "\n", FILL),
    (N, "        put_missing(np.isnan(found), out)\n", "", FILL),
    (S, "        out[:, 0] = 0\n        return", "        return", FILL),
    (N, "level[code < 0] = known + self.others", "pass", NET),
    (N, "np.where(level < 0, 0, 2 * level - 1)", "2 * level - 1", NET),
    (N, "        out.fill(0)\n", "", FILL),
    (N, "1 + len(self.categories) + self.others", "1 + len(self.categories)", NET),
    (N, "known if self.others else -1) + 1", "-1) + 1", NET),
    (N, "        out[:, start:] = 0\n", "", FILL),
    (N, "np.cos(angle)[found[part]]", "np.sin(angle)[found[part]]", NET),
    (T, 'return ("int" if self.whole else "q",)', 'return ("q",)', TREE),
    (T, "(code >= known + self.others)", "(code >= known)", TREE),
    (T, "np.where(unknown, np.nan, code)", "code", TREE),
    (T, "        out[:, 1:] = np.nan\n", "", FILL),
    (T, "np.clip(x - shift, -FAR, FAR)", "x - shift", TREE),
    (T, "and apart < _apart(distinct, middle)", "and False", TREE),
    (T, "apart < 0.99 * len(distinct)", "apart < 2 * len(distinct)", TREE),
    (V, "descending=[True, False]", "descending=[False, False]", NET),
    (V, "tuple(sorted(found", "tuple((found", NET),
    (V, "found[text.is_null().to_numpy()] = -1", "pass", NET),
    (V, "(day.astype(np.int64) + 3) % 7", "day.astype(np.int64) % 7", NET),
    (V, "np.ptp(codes) > 0", "True", NET),
    (V, "found[np.isnat(times)] = np.nan", "pass", NET),
    (V, '_refuse(text, column, "numbers")', "pass", NET),
    (V, "    _refuse(text, found, expected)\n", "", NET),
    (V, "str.to_lowercase()", "str.strip_chars()", TABLES),
    (V, "zip_with(whole, text)", "zip_with(column.is_null(), text)", TABLES),
]
