"""A network's layers as a tree of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from graduel.layout import Layout
from graduel.nn.layers.layer import Layer, Plan, Shape, Spec
from graduel.nn.weights import Weights
from graduel.nn.workspace import Scope, views

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Node:
    """A layer in the tree, with its index path, plan and children."""

    name: str
    layer: Layer
    plan: Plan
    kids: tuple[Node, ...]

    @classmethod
    def grow(cls, name: str, layer: Layer, shape: Shape) -> Node:
        """Plan a layer and its children; an error names the layer."""
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
        """Return the scope of this node: views of θ, its gradient and the state, children too."""
        params = {k: f"{self.name}.{k}" for k in self.plan.params}
        state = {k: f"{self.name}.{k}" for k in self.plan.state}
        return Scope(
            self.name,
            views(layouts[0], weights.theta, params),
            views(layouts[0], g, params),
            views(layouts[1], weights.state, state),
            tuple(kid.scope(layouts, weights, g) for kid in self.kids),
        )


def iter_specs(
    nodes: Iterable[Node], which: Callable[[Plan], Mapping[str, Spec]]
) -> Iterator[tuple[str, Spec]]:
    """Yield the name and the spec of each array, depth first."""
    for top in nodes:
        for node in top.walk():
            for name, spec in which(node.plan).items():
                yield f"{node.name}.{name}", spec


def summary(nodes: Iterable[Node], layout: Layout) -> str:
    """Return a table: layer, output shape, parameters, multiply–adds per example."""
    lines = [("layer", "", "output shape", "parameters", "multiply–adds")]
    total = 0
    for top in nodes:
        for node in top.walk():
            size = sum(layout[f"{node.name}.{name}"].size for name in node.plan.params)
            total += node.plan.macs
            row = (node.name, type(node.layer).__name__, str(node.plan.out))
            lines.append((*row, f"{size:,}", f"{node.plan.macs:,}"))
    lines.append(("total", "", "", f"{layout.size:,}", f"{total:,}"))
    widths = [max(len(line[i]) for line in lines) for i in range(5)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i > 2 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
