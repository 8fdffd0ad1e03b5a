"""scikit-learn's own callbacks, where it has them (1.9 and later)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in: there are no callbacks to support."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "Tasks", "with_callbacks"]


class Tasks:
    """Tells callbacks of a fit's tasks: the fit as a whole, and each epoch in it.

    Parameters
    ----------
    estimator : whose fit it is
    epochs : the most epochs that there will be
    given : X, y and metadata, as the fit was given them
    """

    def __init__(self, estimator: Any, epochs: int, **given: Any) -> None:
        self.estimator, self.given = estimator, given
        self.whole: Any = None
        self.epoch: Any = None
        if hasattr(estimator, "_init_callback_context"):
            self.whole = estimator._init_callback_context(max_subtasks=epochs)
            self.whole.call_on_fit_task_begin(estimator=estimator, **given)

    def begin(self) -> None:
        """Begin an epoch."""
        if self.whole is not None:
            self.epoch = self.whole.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(estimator=self.estimator, **self.given)

    def done(self, attributes: Callable[[], dict[str, Any]]) -> bool:
        """End the epoch; return whether a callback wants to stop here.

        `attributes` makes the fitted attributes as they would be if the fit ended now.
        """
        if self.epoch is None:
            return False
        ended, self.epoch = self.epoch, None
        return bool(
            ended.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes=attributes, **self.given
            )
        )

    def end(self, attributes: Callable[[], dict[str, Any]]) -> None:
        """End the fit; an epoch that was begun and not trained ends empty."""
        if self.epoch is not None:
            self.epoch.call_on_fit_task_end(estimator=self.estimator)
        if self.whole is not None:
            self.whole.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes=attributes, **self.given
            )
