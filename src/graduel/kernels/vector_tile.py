"""The inner loop of a matrix product, written in vector instructions.

A *tile* is a small part of a product, held in registers while its terms are added up. The compiler
does not find it in a loop over numbers, so it is spelled out here, one instruction after the other.
"""

# mypy: disable-error-code="no-untyped-call,no-any-return,untyped-decorator,import-untyped"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba.core import types
from numba.extending import intrinsic

_intrinsic: Any = intrinsic
_features = binding.get_host_cpu_features()
BYTES = 64 if _features.get("avx512f") else 32 if _features.get("avx") else 16
"""The length of a vector register."""
ROWS = 7 if BYTES == 64 else 6
"""Rows of a tile: with two vectors in each they fill the registers, 32 of them or 16."""
INDEX, LANE = ir.IntType(64), ir.IntType(32)


@_intrinsic
def address(typing: Any, array: Any, offset: Any) -> Any:
    """Return the address of an element, by its distance from the first one in memory."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, offset = arguments
        start = context.make_array(signature.args[0])(context, builder, array).data
        return builder.gep(start, [offset])

    return types.CPointer(array.dtype)(array, types.intp), generate


def make_tile(vectors: int, *, add: bool) -> Any:
    """Return the function that computes a tile of ROWS rows, each of `vectors` vectors.

    y[r] = start + Σₘ Σₖ x[r, m, k] w[m, k]; with `add`, the sum is added to y[r], without a start.
    The arguments are addresses, and the distances between elements:
    ``x, x_row, x_outer, x_inner, w, w_outer, w_inner, outer, inner, start, y, y_row``. `outer` and
    `inner` are the numbers of terms m and k, at least 1.
    """

    @_intrinsic
    def tile(
        typing: Any,
        x: Any,
        x_row: Any,
        x_outer: Any,
        x_inner: Any,
        w: Any,
        w_outer: Any,
        w_inner: Any,
        outer: Any,
        inner: Any,
        start: Any,
        y: Any,
        y_row: Any,
    ) -> Any:
        size = 4 if x.dtype == types.float32 else 8
        n = types.intp
        signature = types.void(x, n, n, n, w, n, n, n, n, start, y, n)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            number = context.get_value_type(x.dtype)
            _Writer(builder, number, size, vectors).write(*arguments, add=add)
            return context.get_dummy_value()

        return signature, generate

    return tile


class _Writer:
    """Writes the instructions of a tile."""

    def __init__(self, builder: Any, number: Any, size: int, vectors: int) -> None:
        self.builder, self.size = builder, size
        self.lanes, self.vectors = BYTES // size, vectors
        self.vector = ir.VectorType(number, self.lanes)

    def write(
        self,
        x: Any,
        x_row: Any,
        x_outer: Any,
        x_inner: Any,
        w: Any,
        w_outer: Any,
        w_inner: Any,
        outer: Any,
        inner: Any,
        start: Any,
        y: Any,
        y_row: Any,
        *,
        add: bool,
    ) -> None:
        """Write two nested loops around the products of a row of w with ROWS numbers of x."""
        builder = self.builder
        zero = ir.Constant(self.vector, None)
        sums = [zero] * (ROWS * self.vectors) if add else self._load(start) * ROWS
        rows = [builder.mul(x_row, _constant(r)) for r in range(ROWS)]

        def multiply_add(m: Any, sums: list[Any]) -> list[Any]:
            x_m = builder.gep(x, [builder.mul(m, x_outer)])
            w_m = builder.gep(w, [builder.mul(m, w_outer)])

            def add_products(k: Any, sums: list[Any]) -> list[Any]:
                x_k = builder.gep(x_m, [builder.mul(k, x_inner)])
                w_k = self._load(builder.gep(w_m, [builder.mul(k, w_inner)]))
                total = iter(sums)
                return [
                    builder.fadd(next(total), product, flags=("contract",))
                    for row in rows
                    for product in self._products(builder.gep(x_k, [row]), w_k)
                ]

            return self._loop(inner, sums, add_products)

        sums = self._loop(outer, sums, multiply_add)
        for r in range(ROWS):
            place = builder.gep(y, [builder.mul(y_row, _constant(r))])
            row = sums[r * self.vectors : (r + 1) * self.vectors]
            if add:
                row = [builder.fadd(a, b) for a, b in zip(self._load(place), row, strict=True)]
            for at, value in zip(self._places(place), row, strict=True):
                builder.store(value, at, align=self.size)

    def _loop(
        self, count: Any, values: list[Any], body: Callable[[Any, list[Any]], list[Any]]
    ) -> list[Any]:
        """Write a loop over `count` steps that carries values; return them after the last."""
        builder = self.builder
        before, block = builder.block, builder.append_basic_block()
        builder.branch(block)
        builder.position_at_end(block)
        step = builder.phi(INDEX)
        carried = [builder.phi(self.vector) for _ in values]
        results = body(step, carried)
        after = builder.add(step, _constant(1))
        end = builder.append_basic_block()
        branch = builder.cbranch(builder.icmp_signed("<", after, count), block, end)
        option = ir.MetaDataString(builder.module, "llvm.loop.unroll.disable")
        option = builder.module.add_metadata([option])
        branch.set_metadata("llvm.loop", builder.module.add_metadata([option, option]))
        step.add_incoming(_constant(0), before)
        step.add_incoming(after, branch.parent)
        for phi, first, result in zip(carried, values, results, strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(result, branch.parent)
        builder.position_at_end(end)
        return results

    def _places(self, pointer: Any) -> list[Any]:
        """Return the addresses of a row's vectors."""
        places = [
            self.builder.gep(pointer, [_constant(v * self.lanes)]) for v in range(self.vectors)
        ]
        return [self.builder.bitcast(place, self.vector.as_pointer()) for place in places]

    def _load(self, pointer: Any) -> list[Any]:
        """Load a row's vectors."""
        return [self.builder.load(place, align=self.size) for place in self._places(pointer)]

    def _products(self, pointer: Any, row: list[Any]) -> list[Any]:
        """Multiply a row of vectors by one number."""
        number, nothing = self.builder.load(pointer), ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(nothing, number, ir.Constant(LANE, 0))
        everywhere = ir.Constant(ir.VectorType(LANE, self.lanes), [0] * self.lanes)
        same = self.builder.shuffle_vector(first, nothing, everywhere)
        return [self.builder.fmul(same, value, flags=("contract",)) for value in row]


def _constant(value: int) -> Any:
    return ir.Constant(INDEX, value)
