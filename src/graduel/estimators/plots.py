"""Plots of a fitted estimator, with matplotlib."""

from __future__ import annotations

from math import ceil, isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.estimators.fit.fitted_network import FittedNetwork

Array = NDArray[Any]

TRAIN, VALIDATION = "#2a78d6", "#eb6834"


def plot_training(estimator: Any, ax: Any = None) -> Any:
    """Draw losses by epoch, and the validation score in a panel below."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    losses, validation_losses = estimator.loss_curve_, estimator.validation_loss_curve_
    scores = estimator.validation_scores_
    below = None
    if ax is None:
        rows = 2 if scores else 1
        _, panels = plt.subplots(
            rows, 1, figsize=(6.4, 2.4 + 1.8 * rows), sharex=True, layout="constrained",
            squeeze=False,
        )  # fmt: skip
        ax, below = panels[0, 0], panels[1, 0] if scores else None
    epochs = np.arange(1, len(losses) + 1)
    _curve(ax, epochs, losses, TRAIN, "training")
    if validation_losses:
        _curve(ax, epochs, validation_losses, VALIDATION, "validation")
    ax.set_ylabel("loss")
    ax.legend(frameon=False)
    axes = [ax]
    if below is not None:
        axes.append(below)
        last = epochs[-len(scores) :]
        _curve(below, epochs, scores, VALIDATION, "validation")
        if not np.isnan(scores).all():
            best = int(np.nanargmax(scores))
            below.plot(last[best], scores[best], "o", color=VALIDATION)
            below.set_title(
                f"best: {scores[best]:.4g} at epoch {last[best]}", loc="right", fontsize=10
            )
        below.set_ylabel(f"validation {_score_name(estimator)}")
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", alpha=0.25)
    axes[-1].set_xlabel("epoch")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return ax


def _curve(ax: Any, epochs: Array, values: list[float], color: str, label: str) -> None:
    """Draw the values of the last epochs as a line, or a single one as a point."""
    marker = "o" if len(values) == 1 else None
    ax.plot(epochs[-len(values) :], values, color=color, label=label, marker=marker)


def _score_name(estimator: Any) -> str:
    if isinstance(estimator.scoring, str):
        return "−loss" if estimator.scoring == "loss" else estimator.scoring
    if callable(estimator.scoring):
        return "score"
    return "R²" if estimator._is_regressor else "accuracy"


def plot_weights(fitted: FittedNetwork, layer: int = 0, max_units: int = 40) -> Any:
    """Draw a layer's weights: as images if its inputs are pixels, otherwise as one heat map."""
    import matplotlib.pyplot as plt

    arrays = fitted.arrays("W")
    if not -len(arrays) <= layer < len(arrays):
        raise ValueError(
            f"layer must be from 0 to {len(arrays) - 1}, one of the {len(arrays)} layers with "
            f"weights; got {layer}"
        )
    if max_units < 1:
        raise ValueError(f"max_units must be at least 1; got {max_units}")
    W = arrays[layer]
    images = _images(W, fitted, layer % len(arrays))
    if images is None:
        return _table(W.reshape(-1, W.shape[-1]), fitted, layer % len(arrays))
    count = min(max_units, len(images))
    columns = min(count, 10)
    rows = ceil(count / columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(max(6.0, 0.9 * columns), 0.95 * rows + 0.5), layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for i, panel in enumerate(panels.flat):
        panel.set_axis_off()
        if i < count:
            top = float(np.abs(images[i]).max()) or 1.0
            panel.imshow(images[i], cmap="RdBu_r", vmin=-top, vmax=top)
    units = f"{count} of {len(images)} units" if count < len(images) else f"{count} units"
    figure.suptitle(f"weights of {units}: red positive, blue negative, each on its own scale",
                    fontsize=9)  # fmt: skip
    return figure


def _images(W: Array, fitted: FittedNetwork, layer: int) -> Array | None:
    """Return weights as (units, height, width), or None if the inputs are not pixels."""
    if W.ndim == 4:
        return W.mean(axis=2).transpose(2, 0, 1) if max(W.shape[:2]) > 1 else None
    n_in = W.shape[0]
    if layer or n_in != fitted.n_features:
        return None
    if fitted.image is not None:
        height, width, channels = fitted.image
        return W.T.reshape(-1, height, width, channels).mean(axis=3)
    side = isqrt(n_in)
    if fitted.names is None and side >= 5 and side * side == n_in:
        return W.T.reshape(-1, side, side)
    return None


def _table(W: Array, fitted: FittedNetwork, layer: int) -> Any:
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    figure, ax = plt.subplots(figsize=(7, 1.5 + 4 * min(1, len(W) / 20)), layout="constrained")
    top = float(np.abs(W).max()) or 1.0
    image = ax.imshow(W, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto", interpolation="nearest")
    figure.colorbar(image, ax=ax, label="weight")
    ax.set_xlabel("unit")
    ax.set_ylabel("feature" if layer == 0 else "input")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if layer == 0 and fitted.names is not None and len(W) <= 40:
        # matplotlib takes a dollar sign for the start of a formula.
        ax.set_yticks(range(len(W)), [str(name).replace("$", r"\$") for name in fitted.names])
    return figure
