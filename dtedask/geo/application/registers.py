"""Vectors of many fields in registers: the few steps that numba's loops do at a third of the speed.

A *lane* is a field. The scratch memory of a block has a row a point and `lanes` columns, 128 bytes, so that one step
treats 32 fields of float32 or 16 of float64. Steps are written as vectors of LLVM, which become whatever the machine
has. An address is that of a value in memory that numpy owns, a stride is in bytes; nothing checks either.
"""

# ruff: noqa: ARG001, PLR0917 - numba asks a step for the types of all its arguments, which it calls by their place

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

POINTS_PER_TILE = 16
_LINE_BYTES = 64
_INDEX = ir.IntType(64)
_DOUBLE = ir.DoubleType()
_CONTRACT = ("contract",)  # a product and a sum may be one instruction
_SMALLEST_SUM = 1e-15


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Put a function's code where it is called: to pass an array takes longer than what is done with a row."""
    made: Callable[..., Any] = njit(nogil=True, inline="always")(function)
    return made


def _step(function: Callable[..., Any]) -> Callable[..., Any]:
    made: Callable[..., Any] = intrinsic(function)
    return made


class _Step:
    """What the steps share while their code is made: vectors of one type of value."""

    def __init__(self, context: Any, builder: Any, array_type: Any) -> None:
        self.context, self.builder = context, builder
        self.bytes = array_type.dtype.bitwidth // 8
        self.value = context.get_value_type(array_type.dtype)
        self.width = _LINE_BYTES // self.bytes
        self.lanes = 2 * self.width

    def item(self, array_type: Any, array: Any, index: Any) -> Any:
        """One item of an array of one dimension."""
        made = self.context.make_array(array_type)(self.context, self.builder, array)
        return self.builder.load(self.builder.gep(made.data, [index]))

    def load(self, address: Any, count: int) -> Any:
        vector = ir.VectorType(self.value, count)
        return self.builder.load(self.builder.inttoptr(address, vector.as_pointer()), align=self.bytes)

    def store(self, vector: Any, address: Any) -> Any:
        return self.builder.store(vector, self.builder.inttoptr(address, vector.type.as_pointer()), align=self.bytes)

    def wide(self, address: Any) -> Any:
        """All lanes of a row, as float64."""
        loaded = self.load(address, self.lanes)
        return loaded if self.bytes == 8 else self.builder.fpext(loaded, ir.VectorType(_DOUBLE, self.lanes))

    def narrow(self, vector: Any) -> Any:
        """Round to the type of the values, once."""
        if self.bytes == 8:
            return vector
        return self.builder.fptrunc(vector, ir.VectorType(self.value, self.lanes))

    def all_of(self, number: Any) -> Any:
        """A number in every lane."""
        vector = ir.VectorType(_DOUBLE, self.lanes)
        one = self.builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)

    def constant(self, number: float) -> Any:
        return ir.Constant(ir.VectorType(_DOUBLE, self.lanes), [number] * self.lanes)

    def is_any(self, mask: Any) -> Any:
        """Whether a mask holds in any lane."""
        bits = ir.IntType(self.lanes)
        return self.builder.icmp_unsigned("!=", self.builder.bitcast(mask, bits), bits(0))


def _variable(builder: Any, kind: Any) -> Any:
    make: Callable[..., Any] = cgutils.alloca_once
    return make(builder, kind)


def _transpose(builder: Any, rows: list[Any]) -> list[Any]:
    """Transpose a square of vectors: blocks off the diagonal change places, at half the size each time."""
    width, rows = len(rows), list(rows)
    distance = width // 2
    while distance:
        low = [lane if not lane & distance else width + lane - distance for lane in range(width)]
        high = [lane + distance if not lane & distance else width + lane for lane in range(width)]
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), width), mask) for mask in (low, high)]
        for row in range(width):
            if not row & distance:
                pair = rows[row], rows[row + distance]
                rows[row], rows[row + distance] = (builder.shuffle_vector(*pair, mask) for mask in masks)
        distance //= 2
    return rows


@_step
def move_square(_typing: Any, lanes: Any, source: Any, source_stride: Any, target: Any, target_stride: Any) -> Any:
    """Move a square of values, 64 bytes wide, and transpose it; `lanes` only says the type of value."""

    def generate(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        _move(_Step(context, builder, lanes), given[1:], is_streamed=False)
        return context.get_dummy_value()

    return types.void(lanes, types.intp, types.intp, types.intp, types.intp), generate


@_step
def stream_square(_typing: Any, lanes: Any, source: Any, source_stride: Any, target: Any, target_stride: Any) -> Any:
    """Move and transpose a square past the caches, to lines that begin at multiples of 64 bytes."""

    def generate(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        _move(_Step(context, builder, lanes), given[1:], is_streamed=True)
        return context.get_dummy_value()

    return types.void(lanes, types.intp, types.intp, types.intp, types.intp), generate


def _move(step: _Step, given: Any, *, is_streamed: bool) -> None:
    first, apart, place, between = given
    builder = step.builder
    rows = [step.load(builder.add(first, builder.mul(apart, _INDEX(row))), step.width) for row in range(step.width)]
    for row, vector in enumerate(_transpose(builder, rows)):
        stored = step.store(vector, builder.add(place, builder.mul(between, _INDEX(row))))
        if is_streamed:
            stored.align = _LINE_BYTES
            stored.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))


@_step
def is_nothing(_typing: Any, lanes: Any, source: Any) -> Any:
    """Whether all lanes of a point are NaN."""

    def generate(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        step = _Step(context, builder, lanes)
        values = step.load(given[1], step.lanes)
        return builder.not_(step.is_any(builder.fcmp_ordered("ord", values, values)))

    return types.boolean(lanes, types.intp), generate


@_step
def move_line(_typing: Any, lanes: Any, source: Any, target: Any) -> Any:
    """Move 64 bytes of neighbours."""

    def generate(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        step = _Step(context, builder, lanes)
        step.store(step.load(given[1], step.width), given[2])
        return context.get_dummy_value()

    return types.void(lanes, types.intp, types.intp), generate


@_step
def move_value(_typing: Any, lanes: Any, source: Any, target: Any) -> Any:
    """Move one value."""

    def generate(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        pointer = _Step(context, builder, lanes).value.as_pointer()
        value = builder.load(builder.inttoptr(given[1], pointer))
        builder.store(value, builder.inttoptr(given[2], pointer))
        return context.get_dummy_value()

    return types.void(lanes, types.intp, types.intp), generate


def _loop(builder: Any, first: Any, last: Any, body: Any) -> None:
    """Run `body(index)` for the indices from first to last (exclusive)."""
    index = _variable(builder, _INDEX)
    builder.store(first, index)
    head, inside, after = (builder.append_basic_block(name) for name in ("entries", "entry", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    now = builder.load(index)
    builder.cbranch(builder.icmp_signed("<", now, last), inside, after)
    builder.position_at_end(inside)
    body(now)
    builder.store(builder.add(now, _INDEX(1)), index)
    builder.branch(head)
    builder.position_at_end(after)


@_step
def value_at(_typing: Any, lanes: Any, source: Any) -> Any:
    """Read one value, as float64."""

    def generate(context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        value = builder.load(builder.inttoptr(given[1], _Step(context, builder, lanes).value.as_pointer()))
        return value if value.type == _DOUBLE else builder.fpext(value, _DOUBLE)

    return types.float64(lanes, types.intp), generate


@_step
def weighted_sums(
    _typing: Any, lanes: Any, base: Any, apart: Any, places: Any, data: Any, first: Any, last: Any, target: Any
) -> Any:
    """Write the weighted sums of a row of weights, in all lanes, and say whether one of them is NaN.

    Entries `first` to `last` of `data` are weights of the points `places`, whose lanes stand `apart` bytes from each
    other from `base` on. They are added up in float64, in their order, and rounded once. Without entries all is NaN.
    """

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        step = _Step(context, builder, lanes)
        _, start_of, between, where, weights, start, stop, out = given
        total = _variable(builder, ir.VectorType(_DOUBLE, step.lanes))
        is_empty = builder.icmp_signed(">=", start, stop)
        builder.store(step.all_of(builder.select(is_empty, _DOUBLE(float("nan")), _DOUBLE(0.0))), total)

        def add(index: Any) -> None:
            at = builder.mul(builder.zext(step.item(signature.args[3], where, index), _INDEX), between)
            weight = step.all_of(step.item(signature.args[4], weights, index))
            product = builder.fmul(weight, step.wide(builder.add(start_of, at)), flags=_CONTRACT)
            builder.store(builder.fadd(builder.load(total), product, flags=_CONTRACT), total)

        _loop(builder, start, stop, add)
        found = builder.load(total)
        step.store(step.narrow(found), out)
        return builder.zext(step.is_any(builder.fcmp_unordered("uno", found, found)), ir.IntType(8))

    taken = types.intp, types.intp, places, data, types.intp, types.intp, types.intp
    return types.uint8(lanes, *taken), generate


@_step
def sums_of_present(
    _typing: Any, lanes: Any, base: Any, apart: Any, places: Any, data: Any, span: Any, judge: Any, target: Any
) -> Any:
    """Write the weighted means of those entries of a row that are not NaN; `span` is the first entry and the last.

    Lanes without NaN get the weighted sum as it is. A lane is NaN if all its entries are, if the weights of those that
    are not add up to nothing, or if the point `judge` is NaN; a negative `judge` asks for no such point.
    """

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        step = _Step(context, builder, lanes)
        _, start_of, between, where, weights, ends, judged, out = given
        vector, mask = ir.VectorType(_DOUBLE, step.lanes), ir.VectorType(ir.IntType(1), step.lanes)
        total, weight_of, gaps = _variable(builder, vector), _variable(builder, vector), _variable(builder, mask)
        for pointer in (total, weight_of):
            builder.store(step.constant(0.0), pointer)
        builder.store(ir.Constant(mask, [0] * step.lanes), gaps)
        nothing = step.constant(0.0)

        def add(index: Any) -> None:
            at = builder.mul(builder.zext(step.item(signature.args[3], where, index), _INDEX), between)
            weight = step.all_of(step.item(signature.args[4], weights, index))
            entry = step.wide(builder.add(start_of, at))
            gap = builder.fcmp_unordered("uno", entry, entry)
            product = builder.fmul(weight, builder.select(gap, nothing, entry), flags=_CONTRACT)
            builder.store(builder.fadd(builder.load(total), product, flags=_CONTRACT), total)
            builder.store(builder.fadd(builder.load(weight_of), builder.select(gap, nothing, weight)), weight_of)
            builder.store(builder.or_(builder.load(gaps), gap), gaps)

        _loop(builder, builder.extract_value(ends, 0), builder.extract_value(ends, 1), add)
        result = _mean_of_present(step, builder.load(total), builder.load(weight_of), builder.load(gaps))
        judge_at = builder.add(start_of, builder.mul(_at_least_0(builder, judged), between))
        step.store(step.narrow(_unless_missing(step, result, judge_at, judged)), out)
        return context.get_dummy_value()

    taken = types.intp, types.intp, places, data, span, types.intp, types.intp
    return types.void(lanes, *taken), generate


def _mean_of_present(step: _Step, total: Any, weight: Any, gaps: Any) -> Any:
    builder, smallest = step.builder, step.constant(_SMALLEST_SUM)
    size = builder.select(
        builder.fcmp_ordered("<", weight, step.constant(0.0)),
        builder.fsub(step.constant(0.0), weight),
        weight,
    )
    is_enough = builder.fcmp_ordered(">", size, smallest)
    divisor = builder.select(gaps, builder.select(is_enough, weight, step.constant(float("nan"))), step.constant(1.0))
    return builder.fdiv(total, divisor)


def _at_least_0(builder: Any, number: Any) -> Any:
    return builder.select(builder.icmp_signed("<", number, _INDEX(0)), _INDEX(0), number)


def _unless_missing(step: _Step, result: Any, address: Any, judged: Any) -> Any:
    builder = step.builder
    entry = step.wide(address)
    is_asked = builder.icmp_signed(">=", judged, _INDEX(0))
    bits = ir.IntType(step.lanes)
    asked = builder.bitcast(builder.select(is_asked, bits(2**step.lanes - 1), bits(0)), _mask(step))
    missing = builder.and_(asked, builder.fcmp_unordered("uno", entry, entry))
    return builder.select(missing, step.constant(float("nan")), result)


def _mask(step: _Step) -> Any:
    return ir.VectorType(ir.IntType(1), step.lanes)
