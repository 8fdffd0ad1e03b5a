"""Support for scikit-learn's callbacks (scikit-learn 1.9 and later)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Empty stand-in for versions without callbacks."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method unchanged."""
        return method


__all__ = ["CallbackSupportMixin", "CallbackTasks", "with_callbacks"]


class CallbackTasks:
    """Notification of callbacks about the begin and end of a fit and of its epochs.

    `epochs` is their maximum number; `data` are X, y and metadata, as passed to the fit.
    """

    def __init__(self, estimator: Any, epochs: int, **data: Any) -> None:
        self.estimator, self.data = estimator, data
        self.fit_context: Any = None
        self.epoch_context: Any = None
        if hasattr(estimator, "_init_callback_context"):
            self.fit_context = estimator._init_callback_context(max_subtasks=epochs)
            self.fit_context.call_on_fit_task_begin(estimator=estimator, **data)

    def begin(self) -> None:
        """Notify callbacks that an epoch begins."""
        if self.fit_context is not None:
            self.epoch_context = self.fit_context.subcontext(task_name="epoch")
            self.epoch_context.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def done(self, attributes: Callable[[], dict[str, Any]]) -> bool:
        """Notify callbacks that the epoch ended; return whether one of them stops the fit.

        `attributes` returns the fitted attributes after this epoch.
        """
        if self.epoch_context is None:
            return False
        context, self.epoch_context = self.epoch_context, None
        return bool(
            context.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes=attributes, **self.data
            )
        )

    def end(self, attributes: Callable[[], dict[str, Any]]) -> None:
        """Notify callbacks that the fit ended, and an unfinished epoch with it."""
        if self.epoch_context is not None:
            self.epoch_context.call_on_fit_task_end(estimator=self.estimator)
        if self.fit_context is not None:
            self.fit_context.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes=attributes, **self.data
            )
