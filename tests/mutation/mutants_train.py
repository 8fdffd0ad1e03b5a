"""What is broken on purpose around the loop: schedules, averages, full batch, files of models."""

from __future__ import annotations

SCHEDULES = ("tests/optim/test_schedules.py",)
PLATEAU = ("tests/train/test_plateau.py",)
FIT = ("tests/train/test_train.py",)
AVERAGE = ("tests/train/test_average.py",)
FULL_BATCH = ("tests/train/test_full_batch.py",)
MODELS = ("tests/train/test_models.py",)

MUTANTS = [
    # file, what stands there, what is put in its place, the tests that must notice
    ("optim/schedules.py", "share + end * (1 - share)", "share + end * share", SCHEDULES),
    ("optim/schedules.py", "t / self.every + NEAR", "t / self.every", SCHEDULES),
    ("optim/schedules.py", "self.drop ** floor(min(", "self.drop ** (min(", SCHEDULES),
    ("optim/schedules.py", "self.end**t", "self.end ** (t * t + t)", SCHEDULES),
    ("optim/schedules.py", "** -self.power", "** -1", SCHEDULES),
    ("optim/schedules.py", "(1 - t) + self.end * t", "(1 - t) + self.end", SCHEDULES),
    ("optim/schedules.py", "max(0.0, t - self.flat)", "max(0.0, t - 0.5)", SCHEDULES),
    ("optim/schedules.py", "log2(1 + 15 * t)", "log2(1 + 16 * t)", SCHEDULES),
    ("optim/schedules.py", "self.growth**i for", "1.0 for", SCHEDULES),
    ("optim/schedules.py", "length * (1 - NEAR)", "length", SCHEDULES),
    ("optim/schedules.py", "_fall(1 - t / self.peak", "_fall(t / self.peak", SCHEDULES),
    (
        "optim/schedules.py",
        "self.then((t - self.share) / (1 - self.share))",
        "self.then(t)",
        SCHEDULES,
    ),
    ("train/plateau.py", "value < self.best - self.min_delta", "value < self.best", PLATEAU),
    ("train/plateau.py", "self.waited > self.patience", "self.waited >= self.patience", PLATEAU),
    (
        "train/plateau.py",
        "max(self.now * self.factor, self.min_factor), 0",
        "max(self.now * self.factor, self.min_factor), self.waited",
        PLATEAU,
    ),
    (
        "train/plateau.py",
        "max(self.now * self.factor, self.min_factor)",
        "self.now * self.factor",
        PLATEAU,
    ),
    ("train/loop.py", "dW[part] += np.multiply", "np.multiply", FIT),
    ("train/loop.py", "self.penalty / total, out", "self.penalty, out", FIT),
    ("train/loop.py", "return self.penalty / 2 *", "return self.penalty *", FIT),
    ("train/loop.py", "workspace, call, weight)", "workspace, call)", FIT),
    ("train/loop.py", "if memory is None:", "if True:", FIT),
    ("train/average.py", "scratch *= 1 - decay", "scratch *= decay", AVERAGE),
    (
        "train/average.py",
        "(1 + self.step) / (10 + self.step)",
        "self.step / (10 + self.step)",
        AVERAGE,
    ),
    (
        "train/average.py",
        "Weights(self.theta.copy(), self._weights.state.copy())",
        "Weights(self.theta, self._weights.state.copy())",
        AVERAGE,
    ),
    ("train/average.py", "self._weights.state.copy())", "self._weights.state)", AVERAGE),
    ("train/average.py", "Call(train=True, rng=rng, t=1.0)", "Call(rng=rng, t=1.0)", AVERAGE),
    ("train/average.py", "if len(x) < size or done", "if done", AVERAGE),
    ("train/average.py", "if done > batches // 2:", "if done:", AVERAGE),
    ("train/average.py", "total / (batches - batches // 2)", "total / batches", AVERAGE),
    ("train/full_batch.py", "loss += share * self._chunk", "loss += self._chunk", FULL_BATCH),
    (
        "train/full_batch.py",
        "self._add(share, workspace.gradient",
        "self._add(1, workspace.gradient",
        FULL_BATCH,
    ),
    (
        "train/full_batch.py",
        "float(self.weight[start:stop].sum())",
        "float(stop - start)",
        FULL_BATCH,
    ),
    ("train/full_batch.py", "self._total.fill(0)", "pass", FULL_BATCH),
    ("train/full_batch.py", "self._add(self.weight_decay, theta, role)", "pass", FULL_BATCH),
    (
        "train/full_batch.py",
        "self.weight_decay / 2 * squares",
        "self.weight_decay * squares",
        FULL_BATCH,
    ),
    ("train/full_batch.py", "        refuse_random(network)\n", "", FULL_BATCH),
    ("train/full_batch.py", 'getattr(node.layer, "rate", None) == 0', "False", FULL_BATCH),
    (
        "train/full_batch.py",
        "1.0 if done.end else done.step / self.steps",
        "done.step / self.steps",
        FULL_BATCH,
    ),
    ("train/models.py", "os.fsync(file.fileno())", "pass", MODELS),
    ("train/models.py", "os.replace(aside, path)", "path.write_bytes(content)", MODELS),
    ("train/models.py", "aside.unlink(missing_ok=True)", "pass", MODELS),
    ("train/models.py", "if number > FORMAT:", "if False:", MODELS),
    ("train/models.py", "for name in [*want, *found]:", "for name in want:", MODELS),
    ("train/models.py", "for name in [*want, *found]:", "for name in found:", MODELS),
    ("train/models.py", "except Exception as error:", "except ValueError as error:", MODELS),
    ("train/models.py", "Network.from_spec(spec, parts)", "Network.from_spec(spec)", MODELS),
]
