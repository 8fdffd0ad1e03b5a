"""Mutants of a training over several workers; see `test_mutants.py`."""

from __future__ import annotations

PARALLEL = ("tests/train/test_parallel.py",)
P, F, N = "train/loop/parallel.py", "train/loop/fit.py", "nn/layers/normalization.py"

MUTANTS = [
    # file, code, mutated code, tests of which one must fail
    ("nn/network.py", "dy *= call.share", "pass", PARALLEL),
    ("nn/network.py", "loss *= call.share", "pass", PARALLEL),
    (P, "n * (rank + 1) // size", "n * (rank + 1) // size - rank", PARALLEL),
    (
        P,
        "scaled = batch_weights(loss, y, weight)",
        "scaled = weight",
        PARALLEL,
    ),
    (P, "len(y) / self.batch_rows", "1 / self.collective.size", PARALLEL),
    (P, "self.collective.all_reduce(sums)", "pass", PARALLEL),
    (P, "(0, 0, step, purpose)", "(0, 0, 0, purpose)", PARALLEL),
    (P, "(0, 0, step, purpose)", "(0, 0, step, 0)", PARALLEL),
    (P, "[seed, collective.rank]", "[seed, 0]", PARALLEL),
    (P, "whole[start:stop] = part", "whole[: len(part)] = part", PARALLEL),
    (P, "float(first[0] != checksum)", "0.0", PARALLEL),
    (F, "parallel.collective.all_reduce(workspace.gradient)", "pass", PARALLEL),
    (F, "loss = parallel.sum_number(loss)", "pass", PARALLEL),
    (F, "parallel.collective.broadcast(vector)", "pass", PARALLEL),
    (F, "return order[skip * self.batch_size :]", "return order", PARALLEL),
    (F, "self.rng.bit_generator.state = now\n", "pass\n", PARALLEL),
    (F, "loss, n = self._epoch_sums if inside else (0.0, 0)", "loss, n = 0.0, 0", PARALLEL),
    (N, "n = _sum_means(mean, n, w, call.sum_over_workers)", "pass", PARALLEL),
    (N, "call.sum_over_workers(var)", "pass", PARALLEL),
    (N, "gamma, beta = sum_over_workers(np.stack((gamma, beta)))", "pass", PARALLEL),
]
