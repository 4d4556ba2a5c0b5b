"""Cut the fields of a request into commits: by cube, time after time, as many as fit into so many bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from dtedask.store.opaque import is_opaque
from dtedask.store.selection import Record

if TYPE_CHECKING:
    from dtedask.store.selection import Selection

_TIME = "forecast_reference_time"
# What a field takes in memory and history however small it is; it keeps the number of fields of a commit in bounds.
_LEAST_BYTES = 256 * 2**10


@dataclass(frozen=True, slots=True)
class Piece:
    """Fields of one variable and one reference time.

    Parameters
    ----------
    selection : Selection
        The variable.
    slots : numpy.ndarray of int64, shape (fields, dimensions)
        Which of its fields.
    time : int
        Place of their reference time among those of the cube; -1 where they have none.
    field_bytes : int
        What one of them counts.
    """

    selection: Selection
    slots: np.ndarray
    time: int
    field_bytes: int

    @property
    def size_bytes(self) -> int:
        """What all of them count."""
        return len(self.slots) * self.field_bytes

    def records(self) -> Iterator[Record]:
        """The fields."""
        for slots in map(tuple, self.slots.tolist()):
            yield Record(self.selection, slots)


Batch = list[Piece]


def in_batches(selections: Sequence[Selection], most_bytes: int) -> Iterator[Batch]:
    """Cut fields into what is committed at once.

    Fields of one reference time stay together as far as they fit; a batch is never of two cubes.

    Parameters
    ----------
    selections : sequence of Selection
        The fields.
    most_bytes : int
        Bytes of decoded fields in one batch; a single field may have more.
    """
    for _, parts in groupby(sorted(selections, key=attrgetter("cube")), key=attrgetter("cube")):
        yield from _packed(_pieces(list(parts)), most_bytes)


def decoded_bytes(selection: Selection) -> int:
    """Bytes of one decoded field of a variable; 0 for opaque bytes, whose size is not known before they are read."""
    grid = selection.group.grid
    return 0 if is_opaque(grid) else grid.size * np.dtype(selection.variable.codec.dtype).itemsize


def _pieces(selections: Sequence[Selection]) -> list[Piece]:
    """Fields of a cube by reference time."""
    labels = [_times(part) for part in selections]
    known = np.unique(np.concatenate([part for part in labels if part is not None] or [np.empty(0)]))
    found = []
    for selection, times in zip(selections, labels, strict=True):
        size = max(decoded_bytes(selection), _LEAST_BYTES)
        if times is None:
            found.append(Piece(selection, selection.slots, -1, size))
            continue
        places = np.searchsorted(known, times)
        found += [Piece(selection, selection.slots[places == one], int(one), size) for one in np.unique(places)]
    return sorted(found, key=attrgetter("time"))


def _times(selection: Selection) -> np.ndarray | None:
    """Reference time of each field."""
    dims = selection.variable.dims
    if _TIME not in dims:
        return None
    labels: np.ndarray = selection.group.axes[_TIME].labels[selection.slots[:, dims.index(_TIME)]]
    return labels


def _packed(pieces: Sequence[Piece], most_bytes: int) -> Iterator[Batch]:
    batch: Batch = []
    filled = 0
    for _, part in groupby(pieces, key=attrgetter("time")):
        group = list(part)
        total = sum(piece.size_bytes for piece in group)
        if batch and filled + total > most_bytes:
            yield batch
            batch, filled = [], 0
        for piece in _cut(group, most_bytes):
            if batch and filled + piece.size_bytes > most_bytes:
                yield batch
                batch, filled = [], 0
            batch.append(piece)
            filled += piece.size_bytes
    if batch:
        yield batch


def _cut(pieces: Sequence[Piece], most_bytes: int) -> Iterator[Piece]:
    """Pieces none of which has more bytes than that."""
    for piece in pieces:
        rows = max(most_bytes // piece.field_bytes, 1)
        for start in range(0, len(piece.slots), rows):
            yield Piece(piece.selection, piece.slots[start : start + rows], piece.time, piece.field_bytes)
