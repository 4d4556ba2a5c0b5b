"""Compare the fields of two sides: which there are, what is said of them, and their values."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import DtedaskError
from dtedask.grib import decode, header_differences, packing_step
from dtedask.store.moving.comparison import Comparison, FieldDifference, HeaderDifference
from dtedask.store.moving.tolerance import Tolerance, ValueDifference, value_difference
from dtedask.store.opaque import Opaque, OpaqueCodec
from dtedask.store.progress import Progress, Tracker
from dtedask.store.write import HELD_BYTES, FileSlice, StoredField, fetched, task_bytes

if TYPE_CHECKING:
    from dtedask.request import Request
    from dtedask.store.execute import Execution
    from dtedask.store.moving.sides import Side, SideField

_PAIRS_AT_ONCE = 20_000
_EDITION = "GRIB_edition"
Headers = tuple[HeaderDifference, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A field that both sides have.

    Parameters
    ----------
    left, right : SideField
        The field on each side.
    headers : tuple of HeaderDifference
        What is said differently of their variables.
    """

    left: SideField
    right: SideField
    headers: Headers

    def __str__(self) -> str:
        return ",".join(f"{key}={value}" for key, value in self.left.keys.items())


@dataclass(frozen=True)
class Comparing:
    """A comparison that is to be made.

    Parameters
    ----------
    request : Request
        What was asked for.
    left, right : Side
        What is compared.
    tolerance : Tolerance
        What counts as equal.
    batch_bytes : int
        Bytes of decoded fields that one task compares at most.
    """

    request: Request
    left: Side
    right: Side
    tolerance: Tolerance
    batch_bytes: int

    def run(self, execution: Execution, on_progress: Callable[[Progress], None] | None = None) -> Comparison:
        """Compare; a field that cannot be read is a difference that says so."""
        begin = time.perf_counter()
        tracker = Tracker(max(self.left.count(), self.right.count()), 0, on_progress)
        execution = replace(execution, on_done=lambda done: tracker.add(done[0], done[1]))
        differences: list[FieldDifference] = []
        compared = 0
        for pairs in self._pairs(differences):
            compared += len(pairs)
            batches = _batches(pairs, execution.width, execution.at_most(self.batch_bytes))
            task = partial(compare_batch, self.tolerance)
            for _, _, found in execution.map(task, batches, "compare", memory=memory_of, about=str):
                differences += found
        return Comparison(
            self.request,
            self.left.name,
            self.right.name,
            self.tolerance,
            compared,
            tuple(differences),
            time.perf_counter() - begin,
        )

    def _pairs(self, alone: list[FieldDifference]) -> Iterator[list[Pair]]:
        """Fields that both have, many at a time; those that one side has alone are put into a list."""
        pairs: list[Pair] = []
        for place in dict.fromkeys([*self.left.places(), *self.right.places()]):
            rights = {field.identity: field for field in self.right.fields(place)}
            described = _Described()
            for left in self.left.fields(place):
                right = rights.pop(left.identity, None)
                if right is None:
                    alone.append(FieldDifference("left-only", left.keys, left.grid))
                    continue
                pairs.append(Pair(left, right, described.headers(left, right)))
                if len(pairs) == _PAIRS_AT_ONCE:
                    yield pairs
                    pairs = []
            alone += [FieldDifference("right-only", field.keys, field.grid) for field in rights.values()]
        if pairs:
            yield pairs


class _Described:
    """What is said differently of variables; worked out once for all fields of both."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[SideField, SideField, Headers]] = {}

    def headers(self, left: SideField, right: SideField) -> Headers:
        """What differs between the attributes of the variables of two fields."""
        place = (id(left.attributes), id(right.attributes))
        if place not in self._known:
            # With both, so that neither is forgotten and its number used again.
            self._known[place] = (left, right, _attribute_differences(left, right))
        return self._known[place][2]


def _attribute_differences(left: SideField, right: SideField) -> Headers:
    one, two = left.attributes, right.attributes
    names = [*one, *(name for name in two if name not in one)]
    if left.is_message or right.is_message:
        # A variable has the attributes of all of its messages, those of the newest edition where there are two.
        names = [name for name in names if name in one and name in two and name != _EDITION]
        if one[_EDITION] != two[_EDITION]:
            names = ["units"]
    return tuple(
        HeaderDifference(name, str(one.get(name, "")), str(two.get(name, "")))
        for name in names
        if one.get(name) != two.get(name)
    )


def _batches(pairs: Sequence[Pair], width: int, batch_bytes: int) -> list[list[Pair]]:
    return cut(pairs, task_bytes(sum(pair.left.size_bytes for pair in pairs), width, batch_bytes))


def cut(pairs: Sequence[Pair], most_bytes: int) -> list[list[Pair]]:
    """Pairs of so many bytes together at most, and at least one."""
    parts: list[list[Pair]] = [[]]
    filled = 0
    for pair in pairs:
        if parts[-1] and filled + pair.left.size_bytes > most_bytes:
            parts.append([])
            filled = 0
        parts[-1].append(pair)
        filled += pair.left.size_bytes
    return parts


def memory_of(pairs: Sequence[Pair]) -> int:
    """Bytes that a task of some pairs holds at most: what is fetched, and both sides of one pair in float64."""
    sizes = [pair.left.size_bytes for pair in pairs]
    return min(2 * sum(sizes), 2 * HELD_BYTES) + 8 * max(sizes, default=0)


def compare_batch(tolerance: Tolerance, pairs: Sequence[Pair]) -> tuple[int, int, list[FieldDifference]]:
    """Compare some fields; a task.

    Returns
    -------
    tuple of (int, int, list of FieldDifference)
        Number of fields, their bytes, and those that differ.
    """
    found = [_difference(pair, tolerance) for part in cut(pairs, HELD_BYTES) for pair in with_data(part)]
    size = sum(pair.left.size_bytes for pair in pairs)
    return len(pairs), size, [one for one in found if one is not None]


def with_data(pairs: Sequence[Pair]) -> list[Pair]:
    """Pairs with the stored bytes of both sides, read side by side."""
    sources = [side.source for pair in pairs for side in (pair.left, pair.right)]
    fields = [one for one in sources if isinstance(one, StoredField) and not isinstance(one.codec, OpaqueCodec)]
    stored = dict(zip(fields, fetched(fields), strict=True))

    def read(side: SideField) -> SideField:
        found = stored.get(side.source) if isinstance(side.source, StoredField) else None
        return side if found is None else replace(side, source=found)

    return [replace(pair, left=read(pair.left), right=read(pair.right)) for pair in pairs]


def _difference(pair: Pair, tolerance: Tolerance) -> FieldDifference | None:
    headers, values, reason = pair.headers, None, ""
    try:
        messages = _message(pair.left), _message(pair.right)
        if not _is_same(pair, messages):
            if messages[0] and messages[1]:
                headers += tuple(HeaderDifference(*one) for one in header_differences(messages[0], messages[1]))
            values = _compare_values(pair, _widened(tolerance, pair, messages))
    except DtedaskError as error:
        reason = str(error)
    if not headers and values is None and not reason:
        return None
    return FieldDifference("differs", pair.left.keys, pair.left.grid, headers, values, reason)


def are_equal(pair: Pair) -> bool:
    """Whether both fields have the same values to the last bit, and missing points in the same places.

    Raises
    ------
    DamagedError
        If one cannot be read.
    """
    return _is_same(pair, (_message(pair.left), _message(pair.right))) or _compare_values(pair, Tolerance()) is None


def _message(side: SideField) -> bytes | None:
    """The GRIB message of a field, where there is one."""
    if isinstance(side.source, StoredField):
        return side.source.message()
    return side.source.read() if isinstance(side.source, FileSlice) else side.source


def _is_same(pair: Pair, messages: tuple[bytes | None, bytes | None]) -> bool:
    """Whether both sides are the same bytes, so that nothing needs to be decoded."""
    if messages[0] is not None and messages[1] is not None:
        return messages[0] == messages[1]
    one, two = pair.left.source, pair.right.source
    if not isinstance(one, StoredField) or not isinstance(two, StoredField):
        return False
    return one.codec == two.codec and one.shape == two.shape and one.data is not None and one.data == two.data


def _widened(tolerance: Tolerance, pair: Pair, messages: tuple[bytes | None, bytes | None]) -> Tolerance:
    """The tolerance with what the packing of these fields adds to it."""
    if not tolerance.packing:
        return tolerance
    half_steps = sum(packing_step(message) / 2 for message in messages if message is not None)
    rounding = float(np.finfo(np.float32).eps) / 2 if "float32" in (_dtype(pair.left), _dtype(pair.right)) else 0.0
    return replace(tolerance, absolute=tolerance.absolute + half_steps, relative=tolerance.relative + rounding)


def _compare_values(pair: Pair, tolerance: Tolerance) -> ValueDifference | None:
    # A message of a file is decoded to what the root would store of it.
    dtype = _dtype(pair.left) or _dtype(pair.right) or "float64"
    left, right = _values(pair.left, dtype), _values(pair.right, dtype)
    if isinstance(left, Opaque) or isinstance(right, Opaque):
        return None if left == right else ValueDifference(1, 1, 0, np.inf, np.inf)
    return value_difference(left, right, tolerance)


def _dtype(side: SideField) -> str:
    """Data type of a stored field."""
    return side.source.codec.dtype if isinstance(side.source, StoredField) else ""


def _values(side: SideField, dtype: str) -> np.ndarray | Opaque:
    source = side.source
    if isinstance(source, StoredField):
        return source.read()
    assert side.order is not None
    return decode(source.read() if isinstance(source, FileSlice) else source, side.order, dtype=dtype)
