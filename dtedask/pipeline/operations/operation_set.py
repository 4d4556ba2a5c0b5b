"""Several operations on the same fields, which share what they keep."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from dtedask.core.errors import FieldError
from dtedask.pipeline.operations.options import OperationOptions, parse_operations
from dtedask.pipeline.operations.parts import Arrays, Counts, Exceedance, Last, Lowest, Moments, Part, Sum
from dtedask.pipeline.operations.results import of_last_field, result
from dtedask.pipeline.operations.sketch import Sketch
from dtedask.pipeline.operations.state import OperationState
from dtedask.pipeline.statistics.facts import WindowFacts

__all__ = ["OperationSet"]

_BLOCK = 32_768  # values that one core keeps in its cache, with the parts of a state beside them
_MISSING = "missing"
_SPREADS = ("stddev", "variance")
_NEED_COUNTS = frozenset({"count", "exceedance", "quantile"})


class OperationSet:
    """Operations on a series of fields, as a `Fold` (see `compute`) whose states can be merged.

    A field is taken once for all operations, block by block. The order of additions follows from the order of the
    fields and of the merges only, never from the operations that are asked for together.

    Parameters
    ----------
    operations : iterable of str, mapping or OperationOptions
        What is wanted, as a plan says it.
    value_count_threshold : int, optional
        How many values a point needs; by default a missing value makes the point missing.
    """

    def __init__(
        self,
        operations: Iterable[str | Mapping[str, Any] | OperationOptions],
        *,
        value_count_threshold: int | None = None,
    ) -> None:
        self.operations = parse_operations(operations)
        self._required = {one.name: one.required(value_count_threshold) for one in self.operations}
        self._by_name = {one.name: one for one in self.operations}
        skip = any(required is not None for required in self._required.values())
        self._parts = tuple(_parts(self.operations, skip=skip))
        self._sketches = tuple(Sketch(size) for size in sorted({one.size for one in self._of("quantile")}))
        self._counts = skip or any(one.operation in _NEED_COUNTS for one in self.operations)
        # Where every value and state is read once in any case, blocks gain nothing.
        self._reads_once = not self._counts and len(self._parts) < 2 and not any(self._of(one) for one in _SPREADS)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the results, in the order of the plan."""
        return tuple(self._by_name)

    @property
    def needs_opening(self) -> bool:
        """Whether `finish` needs the values at the start of the window."""
        return any(one.info.needs_opening for one in self.operations)

    def begin(self, values: np.ndarray) -> OperationState:
        """Return the state of one field; its values stay as they are."""
        values = np.asarray(values)
        missing = np.isnan(values) if self._counts else None
        missing = missing if missing is not None and missing.any() else None
        arrays: Arrays = {} if missing is None else {_MISSING: missing.astype(np.int64)}
        with np.errstate(all="ignore"):
            for part in self._parts:
                arrays |= part.begin(values, missing)
        for sketch in self._sketches:
            arrays |= sketch.begin(values)
        return OperationState(1, values.shape, arrays)

    def update(self, state: OperationState, values: np.ndarray) -> OperationState:
        """Take one more field into a state, in place.

        Raises
        ------
        FieldError
            If it has another shape than those before.
        """
        return self.update_all(state, [values])

    def update_all(self, state: OperationState, fields: Sequence[np.ndarray]) -> OperationState:
        """Take more fields into a state, in place and in order: the same bits as one after the other, in less time.

        Raises
        ------
        FieldError
            If one has another shape than those before.
        """
        fields = [np.asarray(values) for values in fields]
        for values in fields:
            _check(state, values)
        with np.errstate(all="ignore"):
            self._update_parts(state, fields)
        for values in fields:
            for sketch in self._sketches:
                sketch.update(state.arrays, state.fields, values)
            state.fields += 1
        return state

    def merge(self, earlier: OperationState, later: OperationState) -> OperationState:
        """Return the state of the fields of both; they stay as they are."""
        arrays: Arrays = {}
        missing = [one.arrays[_MISSING] for one in (earlier, later) if _MISSING in one.arrays]
        if missing:
            arrays[_MISSING] = np.add(missing[0], missing[1]) if len(missing) > 1 else missing[0].copy()
        counts = self.count(earlier), self.count(later)
        with np.errstate(all="ignore"):
            for part in self._parts:
                arrays |= part.merge(earlier.arrays, later.arrays, counts)
        for sketch in self._sketches:
            arrays |= sketch.merge(earlier.arrays, later.arrays, (earlier.fields, later.fields))
        return OperationState(earlier.fields + later.fields, earlier.shape, arrays)

    def finish(
        self, operation: str, state: OperationState, facts: WindowFacts, opening: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the result of one operation; the state stays as it is.

        Parameters
        ----------
        operation : str
            Its name, as `OperationOptions.name` has it.
        state : OperationState
            Of all fields of the window.
        facts : WindowFacts
            Of the window.
        opening : numpy.ndarray, optional
            Values at the start of the window, for operations that need them; None where the model starts to accumulate
            there, which is 0.

        Returns
        -------
        numpy.ndarray of float64, in the shape of the field
            NaN where it is missing. It shares no memory with the state.

        Raises
        ------
        FieldError
            If a rate is asked for of a window in which no time has passed.
        """
        options = self._by_name[operation]
        with np.errstate(all="ignore"):
            made = result(options, state, self.count(state), facts, opening)
        return self._masked(options, state, made)

    def carry(self, state: OperationState) -> np.ndarray | None:
        """Return what the next window needs as its `opening`: the last values; None where no operation needs it."""
        return state.arrays["last"].copy() if self.needs_opening else None

    def count(self, state: OperationState) -> Counts:
        """Values that are not missing: of each point, or one number for all."""
        missing = state.arrays.get(_MISSING)
        return state.fields if missing is None else state.fields - missing

    def memory_bytes(self, fields: int, field_bytes: int) -> int:
        """Memory of a state of so many fields, whose float64 values take `field_bytes` each."""
        arrays = sum(len(part.names) for part in self._parts) + self._counts
        return field_bytes * (arrays + sum(sketch.values_kept(fields) for sketch in self._sketches))

    def _of(self, operation: str) -> list[OperationOptions]:
        return [one for one in self.operations if one.operation == operation]

    def _update_parts(self, state: OperationState, fields: Sequence[np.ndarray]) -> None:
        block_size = _BLOCK if len(fields) > 1 or not self._reads_once else math.prod(state.shape)
        if math.prod(state.shape) <= block_size:
            for values in fields:
                self._update_block(state, state.arrays, values, ...)
            return
        flat = [np.ascontiguousarray(values).reshape(-1) for values in fields]
        views = {name: state.arrays[name].reshape(-1) for part in self._parts for name in part.names}
        for start in range(0, flat[0].size, block_size):
            block = slice(start, start + block_size)
            arrays = {name: view[block] for name, view in views.items()}
            for values in flat:
                self._update_block(state, arrays, values[block], block)

    def _update_block(
        self, state: OperationState, arrays: Arrays, values: np.ndarray, block: slice | EllipsisType
    ) -> None:
        missing = np.isnan(values) if self._counts else None
        if missing is not None and missing.any():
            _count_missing(state, missing, block)
        else:
            missing = None
        for part in self._parts:
            part.update(arrays, values, missing)

    def _masked(self, options: OperationOptions, state: OperationState, made: np.ndarray) -> np.ndarray:
        if options.operation == "count" or of_last_field(options.operation):
            return made
        required, count = self._required[options.name], self.count(state)
        gone = count < (state.fields if required is None else required)
        if np.any(gone):
            made[np.broadcast_to(gone, state.shape)] = np.nan
        return made


def _check(state: OperationState, values: np.ndarray) -> None:
    if state.shape != values.shape:
        raise FieldError(
            f"A field of the shape {values.shape} follows fields of the shape {state.shape}.",
            hint="Statistics need one grid: select the fields of one grid before.",
        )


def _count_missing(state: OperationState, missing: np.ndarray, block: slice | EllipsisType) -> None:
    counts = state.arrays.setdefault(_MISSING, np.zeros(0, np.int64))
    if counts.shape != state.shape:
        counts = state.arrays[_MISSING] = np.zeros(state.shape, np.int64)
    part = counts if block is ... else counts.reshape(-1)[block]
    np.add(part, missing, out=part)


def _parts(operations: Iterable[OperationOptions], *, skip: bool) -> Iterable[Part]:
    found: dict[tuple[str, ...], Part] = {}
    for one in operations:
        part = _part(one, skip=skip)
        if part is not None:
            found.setdefault(part.names, part)
    return found.values()


def _part(one: OperationOptions, *, skip: bool) -> Part | None:
    match one.operation:
        case "average" | "accumulate":
            return Sum(skip=skip)
        case "minimum":
            return Lowest("minimum", skip=skip)
        case "maximum":
            return Lowest("maximum", skip=skip)
        case "stddev" | "variance":
            return Moments(skip=skip)
        case "exceedance":
            return Exceedance(one.compare, float(one.threshold or 0.0))
        case "count" | "quantile":
            return None
        case _:
            return Last()
