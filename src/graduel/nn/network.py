"""A network: layers in a row, a loss, and where each of their numbers lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.layout import Layout
from graduel.nn.layers.base import Layer, Plan, Shape, Spec
from graduel.nn.losses import Loss, SoftmaxCrossEntropy
from graduel.nn.workspace import INFERENCE, Call, Scope, views

Array = NDArray[Any]


@dataclass(slots=True)
class Weights:
    """Everything a fitted network has learned: θ and the state (running means, …)."""

    theta: Array
    state: Array

    def copy(self) -> Weights:
        """Return a snapshot."""
        return Weights(self.theta.copy(), self.state.copy())

    @property
    def nbytes(self) -> int:
        """Bytes that a file of these numbers takes."""
        return int(self.theta.nbytes + self.state.nbytes)


@dataclass(frozen=True, slots=True)
class Node:
    """A layer at its place in the tree: its index path, its plan, its children."""

    name: str
    layer: Layer
    plan: Plan
    kids: tuple[Node, ...]

    @classmethod
    def grow(cls, name: str, layer: Layer, shape: Shape) -> Node:
        """Plan a layer and everything inside it."""
        try:
            plan = layer.plan(shape)
        except ValueError as error:
            raise ValueError(f"layer {name} ({type(layer).__name__}): {error}") from None
        kids = tuple(
            cls.grow(f"{name}.{i}", kid, kid_shape)
            for i, (kid, kid_shape) in enumerate(plan.children)
        )
        return cls(name, layer, plan, kids)

    def walk(self) -> Iterator[Node]:
        """Yield this node and its descendants, depth first."""
        yield self
        for kid in self.kids:
            yield from kid.walk()

    def scope(self, layouts: tuple[Layout, Layout], weights: Weights, g: Array | None) -> Scope:
        """Lay views of θ, of its gradient and of the state for this node and its kids."""
        params = {k: f"{self.name}.{k}" for k in self.plan.params}
        state = {k: f"{self.name}.{k}" for k in self.plan.state}
        return Scope(
            self.name,
            views(layouts[0], weights.theta, params),
            views(layouts[0], g, params),
            views(layouts[1], weights.state, state),
            tuple(kid.scope(layouts, weights, g) for kid in self.kids),
        )


class Workspace:
    """One thread's room to compute in: scopes over the weights, a gradient, the buffers.

    Weights may be shared among workspaces; a gradient and buffers belong to one.
    """

    __slots__ = ("gradient", "loss", "scopes", "weights")

    def __init__(self, network: Network, weights: Weights, *, gradient: bool = True) -> None:
        if weights.theta.shape != (network.layout.size,):
            raise ValueError(
                f"θ must have shape ({network.layout.size},) for this network; "
                f"got {weights.theta.shape}. Make it with network.init(rng)"
            )
        self.weights = weights
        self.gradient = np.empty_like(weights.theta) if gradient else None
        layouts = (network.layout, network.state_layout)
        self.scopes = [node.scope(layouts, weights, self.gradient) for node in network.nodes]
        nothing = views(Layout(()), None, {})
        self.loss = Scope("loss", nothing, nothing, nothing, ())

    def buffers(self) -> list[Array]:
        """Every buffer in use (for tests that poison them)."""
        return [b for scope in (*self.scopes, self.loss) for b in scope.buffers()]


@dataclass(frozen=True)
class Network:
    """Layers in a row under a loss: configuration, no numbers.

    Rows are examples: x has shape (n, *input_shape).

    Parameters
    ----------
    layers : the layers, first to last; the same object may stand twice
    input_shape : the shape of one example
    loss : on raw predictions, and the link that makes answers of them
    dtype : of θ and of the computation, float32 or float64

    Raises
    ------
    ValueError
        If a layer does not fit its input; the message names the layer.

    Examples
    --------
    >>> from graduel.nn import Dense, Network, ReLU
    >>> net = Network((Dense(16), ReLU(), Dense(3)), input_shape=(4,))
    >>> net.layout.size, net.output_shape
    (131, (3,))
    >>> weights = net.init(np.random.default_rng(0))
    >>> net.predict(np.zeros((2, 4)), weights).sum(axis=1)
    array([1., 1.], dtype=float32)
    """

    layers: tuple[Layer, ...]
    input_shape: Shape
    loss: Loss = SoftmaxCrossEntropy()
    dtype: str = "float32"
    nodes: tuple[Node, ...] = field(init=False, repr=False, compare=False)
    layout: Layout = field(init=False, repr=False, compare=False)
    state_layout: Layout = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f"dtype must be 'float32' or 'float64'; got {self.dtype!r}")
        nodes, shape = [], tuple(self.input_shape)
        for i, layer in enumerate(self.layers):
            nodes.append(Node.grow(str(i), layer, shape))
            shape = nodes[-1].plan.out
        put = object.__setattr__
        put(self, "layers", tuple(self.layers))
        put(self, "input_shape", tuple(self.input_shape))
        put(self, "nodes", tuple(nodes))
        put(self, "layout", self._lay(lambda plan: plan.params))
        put(self, "state_layout", self._lay(lambda plan: plan.state))

    def _specs(self, which: Callable[[Plan], Any]) -> Iterator[tuple[str, Spec]]:
        for top in self.nodes:
            for node in top.walk():
                for name, spec in which(node.plan).items():
                    yield f"{node.name}.{name}", spec

    def _lay(self, which: Callable[[Plan], Any]) -> Layout:
        return Layout.build((name, s.shape, s.role) for name, s in self._specs(which))

    @property
    def output_shape(self) -> Shape:
        """Shape of one example's raw prediction."""
        return self.nodes[-1].plan.out if self.nodes else self.input_shape

    def init(self, rng: np.random.Generator) -> Weights:
        """Draw fresh weights, layer by layer, depth first."""
        weights = Weights(
            np.empty(self.layout.size, self.dtype), np.empty(self.state_layout.size, self.dtype)
        )
        for which, layout, vector in (
            (lambda plan: plan.params, self.layout, weights.theta),
            (lambda plan: plan.state, self.state_layout, weights.state),
        ):
            for name, spec in self._specs(which):
                layout[name].view(vector)[...] = spec.init(rng, spec.shape, self.dtype)
        return weights

    def workspace(self, weights: Weights, *, gradient: bool = True) -> Workspace:
        """Make room to compute with `weights`: one for each fit or thread."""
        return Workspace(self, weights, gradient=gradient)

    def forward(self, x: Array, ws: Workspace, call: Call = INFERENCE) -> Array:
        """Return raw predictions, borrowed until the workspace's next call."""
        for layer, scope in zip(self.layers, ws.scopes, strict=True):
            x = layer.forward(x, scope, call)
        return x

    def loss_and_gradient(
        self, x: Array, y: Array, ws: Workspace, call: Call, weight: Array | None = None
    ) -> float:
        """One pass forward and back: return the loss, leave its gradient in ``ws.gradient``."""
        loss, dy = self.loss_and_input_gradient(x, y, ws, call, weight, need_dx=False)
        del dy
        return loss

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
        """Like :meth:`loss_and_gradient`, and also return the loss's gradient by `x`."""
        raw = self.forward(x, ws, call)
        loss, grad = self.loss.value_and_gradient(raw, y, weight, ws.loss)
        dy: Array | None = grad
        for i in reversed(range(len(self.layers))):
            assert dy is not None
            dy = self.layers[i].backward(dy, ws.scopes[i], call, need_dx=need_dx or i > 0)
        return loss, dy

    def predict(
        self,
        X: Array,
        weights: Weights,
        *,
        rows: Callable[[int, int], Array] | None = None,
        chunk: int = 1024,
    ) -> Array:
        """Return answers (``loss.link`` of the raw predictions) as a fresh array.

        Parameters
        ----------
        X : shape (n, *input_shape)
        weights : from :meth:`init` or a fit
        rows : ``(start, stop) → float rows``, when X is not itself such an array
        chunk : how many rows go through at once
        """
        n = len(X)
        ws = self.workspace(weights, gradient=False)
        out = np.empty((n, *self.output_shape), self.dtype)
        for start in range(0, n, chunk):
            stop = min(start + chunk, n)
            x = rows(start, stop) if rows else np.asarray(X[start:stop], self.dtype)
            out[start:stop] = self.forward(x, ws)
        return self.loss.link(out)
