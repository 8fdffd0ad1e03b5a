"""scikit-learn's own callbacks, where it has them (1.9 and later)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stand-in: there are no callbacks to support."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "CallbackTasks", "with_callbacks"]


class CallbackTasks:
    """Notify callbacks of a fit's tasks: the fit as a whole, and each epoch in it.

    `epochs` is the most there will be; `data` are X, y and metadata, as passed to the fit.
    """

    def __init__(self, estimator: Any, epochs: int, **data: Any) -> None:
        self.estimator, self.data = estimator, data
        self.fit_context: Any = None
        self.epoch_context: Any = None
        if hasattr(estimator, "_init_callback_context"):
            self.fit_context = estimator._init_callback_context(max_subtasks=epochs)
            self.fit_context.call_on_fit_task_begin(estimator=estimator, **data)

    def begin(self) -> None:
        """Begin an epoch."""
        if self.fit_context is not None:
            self.epoch_context = self.fit_context.subcontext(task_name="epoch")
            self.epoch_context.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def done(self, attributes: Callable[[], dict[str, Any]]) -> bool:
        """End the epoch; return whether a callback wants to stop here.

        `attributes` returns the fitted attributes as if the fit ended now.
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
        """End the fit; an epoch that was begun and not trained ends empty."""
        if self.epoch_context is not None:
            self.epoch_context.call_on_fit_task_end(estimator=self.estimator)
        if self.fit_context is not None:
            self.fit_context.call_on_fit_task_end(
                estimator=self.estimator, reconstruction_attributes=attributes, **self.data
            )
