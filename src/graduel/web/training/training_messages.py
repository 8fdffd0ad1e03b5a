"""Messages to a client about its training, as plain data for JSON."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

from graduel.web.array_codec import pack
from graduel.web.training.training_run import TrainingRun


def step_message(run: TrainingRun) -> dict[str, Any]:
    """Return the progress of the network's training."""
    return {
        "type": "step",
        "step": run.step,
        "steps": run.total_steps,
        "epoch": run.epoch,
        "epochs": run.recipe.epochs,
        "t": run.t,
        "loss": run.loss,
        "rate": run.fit.lr * run.fit.schedule(run.t),
        "seconds": run.seconds["net"],
        "round": 0 if run.trees is None else run.trees.round,
    }


def point_message(run: TrainingRun, who: str) -> dict[str, Any]:
    """Return a contender's scores on the validation rows."""
    point = asdict(run.validate(who))
    finite = {k: v if isinstance(v, str) or isfinite(v) else None for k, v in point.items()}
    return {"type": "point", **finite}


def layers_message(run: TrainingRun) -> dict[str, Any]:
    """Return the summaries of the dense layers, and the weights of the first."""
    layers = run.summarize_layers()
    weights = pack(run.first_weights())
    if not all(isfinite(layer["gradient_norm"]) for layer in layers):
        return {"type": "state", "state": "running", "said": "gradients are no longer finite"}
    return {"type": "layers", "layers": layers, "weights": weights}
