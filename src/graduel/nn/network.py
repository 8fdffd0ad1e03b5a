"""The network: a sequence of layers, a loss, and the layout of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.layout import Layout
from graduel.nn import serialization as specs
from graduel.nn import tree
from graduel.nn.arguments import as_layers, as_shape, check_part
from graduel.nn.layers.layer import (
    Joins,
    Layer,
    Shape,
    backward_through,
    calibrate_through,
    find_joins,
    forward_through,
)
from graduel.nn.losses import Loss, SoftmaxCrossEntropy
from graduel.nn.tree import Node
from graduel.nn.weights import Weights
from graduel.nn.workspace import INFERENCE, Call, Scope, views

Array = NDArray[Any]
SHOWN_LAYERS, SHOWN_LINES = 6, 100
"""Layers in a ``repr``, and lines of HTML."""


class Workspace:
    """The arrays of one fit or thread: scopes over the weights, one gradient, buffers.

    Workspaces may share weights; gradient and buffers belong to one.
    """

    __slots__ = ("gradient", "loss", "network", "scopes", "state", "theta")

    def __init__(self, network: Network, weights: Weights, *, gradient: bool = True) -> None:
        for name, layout, vector in (
            ("θ", network.layout, weights.theta),
            ("the state", network.state_layout, weights.state),
        ):
            if vector.shape != (layout.size,):
                raise ValueError(
                    f"{name} must have shape ({layout.size},) for this network; "
                    f"got {vector.shape}. Create weights with network.init(rng)"
                )
        # Not the Weights object: it keeps idle workspaces, and a reference cycle would hold
        # megabytes until the garbage collector runs.
        self.network, self.theta, self.state = network, weights.theta, weights.state
        self.gradient = np.empty_like(weights.theta) if gradient else None
        layouts = (network.layout, network.state_layout)
        self.scopes = [node.scope(layouts, weights, self.gradient) for node in network.nodes]
        nothing = views(Layout(()), None, {})
        self.loss = Scope("loss", nothing, nothing, nothing, ())

    def buffers(self) -> list[Array]:
        """Return all buffers (for :func:`check_poison`)."""
        return [b for scope in (*self.scopes, self.loss) for b in scope.buffers()]


@dataclass(frozen=True)
class Network:
    """A sequence of layers and a loss: configuration without weights.

    Rows are examples: x has shape (n, *input_shape).

    Parameters
    ----------
    layers : the layers, first to last; the same object may occur twice
    input_shape : the shape of one example
    loss : the loss on raw predictions, with the link that turns them into predictions
    dtype : of θ and of the computation, 'float32' or 'float64'

    Raises
    ------
    ValueError
        If a layer does not fit its input; the message names the layer.
    TypeError
        If an argument is of another kind, such as the name of a layer.

    Examples
    --------
    >>> from graduel.nn import Dense, Network, ReLU
    >>> net = Network((Dense(16), ReLU(), Dense(3)), input_shape=(4,))
    >>> net.layout.size, net.output_shape
    (131, (3,))
    >>> weights = net.init(np.random.default_rng(0))
    >>> net.predict(np.zeros((2, 4)), weights).sum(axis=1)
    array([1., 1.], dtype=float32)
    >>> print(net.summary())
    layer         output shape  parameters  multiply–adds
    0      Dense  (16,)                 80             64
    1      ReLU   (16,)                  0              0
    2      Dense  (3,)                  51             48
    total                              131            112
    """

    layers: tuple[Layer, ...]
    input_shape: Shape
    loss: Loss = SoftmaxCrossEntropy()
    dtype: str = "float32"
    nodes: tuple[Node, ...] = field(init=False, repr=False, compare=False)
    layout: Layout = field(init=False, repr=False, compare=False)
    state_layout: Layout = field(init=False, repr=False, compare=False)
    _joins: Joins = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f"dtype must be 'float32' or 'float64'; got {self.dtype!r}")
        layers, input_shape = as_layers(self.layers), as_shape(self.input_shape)
        check_part(self.loss, "loss", "value_and_gradient")
        nodes, shape = [], input_shape
        for i, layer in enumerate(layers):
            nodes.append(Node.grow(str(i), layer, shape))
            shape = nodes[-1].plan.out
        layouts = [
            Layout.build((name, spec.shape, spec.role) for name, spec in self._specs(nodes, which))
            for which in ("params", "state")
        ]
        put = object.__setattr__
        put(self, "layers", layers)
        put(self, "input_shape", input_shape)
        put(self, "nodes", tuple(nodes))
        put(self, "layout", layouts[0])
        put(self, "state_layout", layouts[1])
        put(self, "_joins", find_joins(layers))

    def __repr__(self) -> str:
        head, *rows, total = self.summary().splitlines()
        if len(rows) > SHOWN_LAYERS:
            rows[SHOWN_LAYERS - 1 :] = [f"… and {len(rows) - SHOWN_LAYERS + 1} more: summary()"]
        return "\n".join([self._title(), head, *rows, total])

    def _repr_html_(self) -> str:
        lines = self.summary().splitlines()
        if len(lines) > SHOWN_LINES:
            lines[SHOWN_LINES - 1 : -1] = [f"… and {len(lines) - SHOWN_LINES} more: summary()"]
        text = escape("\n".join([self._title(), *lines]))
        return f'<pre style="background:none;color:inherit;font-family:monospace">{text}</pre>'

    def _title(self) -> str:
        loss = type(self.loss).__name__
        return f"Network from {self.input_shape} to {self.output_shape}, {self.dtype}, {loss}"

    @staticmethod
    def _specs(nodes: Sequence[Node], which: str) -> list[tuple[str, Any]]:
        return list(tree.iter_specs(nodes, lambda plan: getattr(plan, which)))

    @property
    def output_shape(self) -> Shape:
        """The shape of one example's raw prediction."""
        return self.nodes[-1].plan.out if self.nodes else self.input_shape

    @property
    def prediction_shape(self) -> Shape:
        """The shape of one example's prediction; for an ensemble, that of the mean."""
        shape: Shape = getattr(self.loss, "prediction_shape", lambda shape: shape)(
            self.output_shape
        )
        return shape

    @property
    def multiply_adds(self) -> int:
        """The multiply–adds of one example's forward pass."""
        return sum(node.plan.macs for top in self.nodes for node in top.walk())

    def summary(self) -> str:
        """Return a table: layer, output shape, parameters, multiply–adds per example."""
        return tree.summary(self.nodes, self.layout)

    def to_spec(self) -> dict[str, Any]:
        """Return plain data for JSON, from which :meth:`from_spec` builds an equal network."""
        return specs.write(self.layers, self.input_shape, self.loss, self.dtype)

    @classmethod
    def from_spec(cls, spec: dict[str, Any], parts: Sequence[type] = ()) -> Network:
        """Build a network from plain data.

        Parameters
        ----------
        spec : the result of :meth:`to_spec`, directly or read from JSON
        parts : user-defined classes of layers, losses and initializers in the network

        Raises
        ------
        ValueError
            If the data do not describe a network, or name an unknown part.

        Examples
        --------
        >>> from graduel.nn import Dense
        >>> net = Network((Dense(3),), (4,))
        >>> Network.from_spec(net.to_spec()) == net
        True
        """
        return cls(**specs.read(spec, parts))

    def init(self, rng: np.random.Generator | int) -> Weights:
        """Draw initial weights, layer by layer, depth first, from a generator or a seed."""
        rng = np.random.default_rng(rng)
        weights = Weights(
            np.empty(self.layout.size, self.dtype), np.empty(self.state_layout.size, self.dtype)
        )
        for which, layout, vector in (
            ("params", self.layout, weights.theta),
            ("state", self.state_layout, weights.state),
        ):
            for name, spec in self._specs(self.nodes, which):
                layout[name].view(vector)[...] = spec.init(rng, spec.shape, self.dtype)
        return weights

    def workspace(self, weights: Weights, *, gradient: bool = True) -> Workspace:
        """Return a workspace for `weights`; use one for each fit or thread."""
        return Workspace(self, weights, gradient=gradient)

    def calibrate(self, x: Array, weights: Weights, rng: np.random.Generator | int) -> None:
        """Set the parameters of layers with ``calibrate`` from the first rows."""
        ws, rng = self.workspace(weights, gradient=False), np.random.default_rng(rng)
        calibrate_through(self.layers, ws.scopes, x, Call(rng=rng))

    def forward(self, x: Array, ws: Workspace, call: Call = INFERENCE) -> Array:
        """Return raw predictions, borrowed until the workspace's next call."""
        return forward_through(self.layers, ws.scopes, x, call, self._joins)

    def loss_and_gradient(
        self, x: Array, y: Array, ws: Workspace, call: Call, weight: Array | None = None
    ) -> float:
        """Return the loss and leave its gradient in ``ws.gradient``."""
        return self.loss_and_input_gradient(x, y, ws, call, weight, need_dx=False)[0]

    def loss_and_input_gradient(
        self,
        x: Array,
        y: Array,
        ws: Workspace,
        call: Call,
        weight: Array | None = None,
        *,
        need_dx: bool = True,
    ) -> tuple[float, Array | None]:
        """Return the loss and its gradient by `x`; leave that by θ in ``ws.gradient``."""
        raw = self.forward(x, ws, call)
        loss, dy = self.loss.value_and_gradient(raw, y, weight, ws.loss)
        if call.share != 1.0:
            loss *= call.share
            dy *= call.share
        if call.watch is not None:
            call.watch("loss", "backward", dy)
        return loss, self.backward(dy, ws, call, need_dx=need_dx)

    def backward(
        self, dy: Array, ws: Workspace, call: Call, *, need_dx: bool = True
    ) -> Array | None:
        """Leave the gradient by θ in ``ws.gradient``; return that by the rows, if needed.

        `dy` is the gradient by the raw predictions of the last :meth:`forward`, which `call` must
        be like. It may be overwritten.
        """
        return backward_through(
            self.layers, ws.scopes, dy, call, need_dx=need_dx, joins=self._joins
        )

    def trace(self, x: Array, weights: Weights, call: Call = INFERENCE) -> dict[str, Array]:
        """Return a copy of the output of each layer, children included, by index path.

        Examples
        --------
        >>> from graduel.nn import Dense, ReLU
        >>> net = Network((Dense(3), ReLU()), (2,))
        >>> seen = net.trace(np.ones((1, 2), "float32"), net.init(np.random.default_rng(0)))
        >>> {name: array.shape for name, array in seen.items()}
        {'0': (1, 3), '1': (1, 3)}
        """
        seen: dict[str, Array] = {}

        def watch(name: str, way: str, array: Array) -> None:
            seen[name] = array.copy()

        watched = Call(call.train, call.rng, call.t, watch)
        self.forward(x, self.workspace(weights, gradient=False), watched)
        return seen

    def predict(
        self,
        X: Array,
        weights: Weights,
        *,
        rows: Callable[[int, int], Array] | None = None,
        chunk: int = 1024,
    ) -> Array:
        """Return predictions (``loss.link`` of the raw predictions) as a new array.

        Parameters
        ----------
        X : shape (n, *input_shape)
        weights : from :meth:`init` or a fit
        rows : ``(start, stop) → float rows``, if X is not a float array itself
        chunk : number of rows in one forward pass

        Raises
        ------
        ValueError
            If the shape of X does not match the network's input.
        """
        if X.shape[1:] != self.input_shape:
            raise ValueError(
                f"X must have shape (n, {', '.join(map(str, self.input_shape))}); got {X.shape}"
            )
        n = len(X)
        ws = self._idle_workspace(weights)
        if n <= chunk:
            x = rows(0, n) if rows else np.asarray(X, self.dtype)
            out = self.forward(x, ws).copy()
        else:
            out = np.empty((n, *self.output_shape), self.dtype)
            for start in range(0, n, chunk):
                stop = min(start + chunk, n)
                x = rows(start, stop) if rows else np.asarray(X[start:stop], self.dtype)
                out[start:stop] = self.forward(x, ws)
        weights.idle.append(ws)
        return self.loss.link(out)

    def _idle_workspace(self, weights: Weights) -> Workspace:
        """Return an idle workspace or a new one; creating one costs more than predicting a row."""
        while True:
            try:
                ws: Workspace = weights.idle.pop()
            except IndexError:
                return self.workspace(weights, gradient=False)
            if ws.network is self and ws.theta is weights.theta and ws.state is weights.state:
                return ws
