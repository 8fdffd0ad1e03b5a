"""Mutants of optimizers, wrappers and line search; see `test_mutants.py`."""

from __future__ import annotations

OPTIM = ("tests/optim/test_rules.py",)
MUON = ("tests/optim/test_muon.py",)
WRAPPERS = ("tests/optim/test_wrappers.py",)
LBFGS = ("tests/optim/test_linesearch.py", "tests/optim/test_lbfgs.py")
O, R = "optim/", "kernels/rules_numpy.py"

MUTANTS = [
    # file, code, mutated code, tests of which one must fail
    (R, "G += work", "G[...] = work", OPTIM),
    (R, "_over_root(dW, G, eps, work)", "_over_root(dW, G, 0, work)", OPTIM),
    (O + "adagrad.py", "state.moments[0].fill(self.initial)", "pass", OPTIM),
    (O + "optimizer.py", "        flush_denormals(state)\n", "", OPTIM),
    (R, "V *= decay", "pass", OPTIM),
    (O + "rmsprop.py", "lr / root, self.eps / root", "lr / root, self.eps", OPTIM),
    (O + "rmsprop.py", "lr / root, self.eps / root", "lr, self.eps / root", OPTIM),
    (R, "B *= momentum", "pass", OPTIM),
    (R, "np.multiply(B, rate, out=work)", "work *= rate", OPTIM),
    (R, "np.maximum(U, V, out=U)", "np.copyto(U, V)", OPTIM),
    (O + "optimizer.py", "state.penalty, 1 - lr", "0.0, 1 - lr", OPTIM),
    (O + "lion.py", "(1 - self.beta2) / (1 - self.beta1)", "1", OPTIM),
    (R, "M *= beta2", "pass", OPTIM),
    (R, "np.clip(work, -TINY, TINY, out=work)", "pass", OPTIM),
    (R, "work += dW\n        # rate", "# rate", OPTIM),
    (O + "muon.py", "M *= self.momentum", "pass", OPTIM),
    (O + "muon.py", "            U += dW\n", "", OPTIM),
    (O + "muon.py", "square *= C", "square *= -C", OPTIM),
    (O + "muon.py", "diagonal += A", "pass", OPTIM),
    (O + "muon.py", "X, Y = Y, X", "pass", OPTIM),
    (O + "muon.py", "n_out / n_in", "n_in / n_out", OPTIM),
    (O + "muon.py", "W *= 1 - lr * self.weight_decay", "pass", OPTIM),
    (O + "muon.py", "lr * self.others_rate", "lr", OPTIM),
    (O + "muon.py", "start += entry.size", "pass", OPTIM),
    (O + "muon.py", "flush_denormals(state.momentum)", "pass", OPTIM),
    (O + "muon.py", "[] if self.last else matrices[-1:]", "[]", MUON),
    (O + "muon.py", "len(e.shape) > 1", "e.shape", MUON),
    (O + "sublayout.py", "entry.start - start", "entry.start", WRAPPERS),
    (O + "sublayout.py", "(*ROLES, *known, *layout.roles)", "layout.roles", WRAPPERS),
    (O + "chunking.py", "        return nan\n", "        return 1.0\n", WRAPPERS),
    (O + "chunking.py", "return most * sqrt(total)", "return most", WRAPPERS),
    (O + "wrappers.py", "g *= self.maximum / length", "g *= self.maximum", WRAPPERS),
    (O + "wrappers.py", "length > self.maximum", "True", WRAPPERS),
    (R, "isfinite(low) and isfinite(high) and", "", WRAPPERS),
    (R, "max(-low, high)", "high", WRAPPERS),
    (R, "np.sqrt(np.einsum(", "(np.einsum(", WRAPPERS),
    (R, "np.maximum(lengths, maximum)", "lengths", WRAPPERS),
    (
        O + "by_role.py",
        "theta[where] *= 1 - factor * amount",
        "theta[where] *= 1 - amount",
        WRAPPERS,
    ),
    (O + "by_role.py", "rule_state, lr * rate)", "rule_state, lr)", WRAPPERS),
    (O + "by_role.py", "rules.get(role, self.rule)", "self.rule", WRAPPERS),
    (O + "by_role.py", "key=lambda pair: pair[0]", "key=lambda pair: 0", WRAPPERS),
    (O + "linesearch.py", "+ c1 * point.at * start.slope", "+ 10", LBFGS),
    (O + "linesearch.py", "<= -c2 * start.slope", "<= -start.slope", LBFGS),
    (O + "linesearch.py", "finite and point.value", "point.value", LBFGS),
    (O + "linesearch.py", "point.slope * (high.at - low.at) >= 0", "False", LBFGS),
    (O + "linesearch.py", "if width > 0 else -sqrt(inside)", "", LBFGS),
    (O + "linesearch.py", "min(max(share, 0.1), 0.9)", "0.999", LBFGS),
    (O + "lbfgs.py", "line.d *= self.scale", "pass", LBFGS),
    (O + "lbfgs.py", "self.share[k] - back", "self.share[k]", LBFGS),
    (O + "lbfgs.py", "in reversed(newest_first)", "in newest_first", LBFGS),
    (O + "lbfgs.py", "self.theta[...] = self.base", "pass", LBFGS),
    (O + "lbfgs.py", "point = phi(point.at)", "pass", LBFGS),
    (O + "lbfgs.py", "self.trial[...] = gradient", "self.trial = gradient", LBFGS),
    (O + "lbfgs.py", "if not point.at and pairs.count:", "if False:", LBFGS),
]
