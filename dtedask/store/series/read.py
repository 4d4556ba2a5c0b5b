"""Reading parts of many fields from time series, where that touches fewer bytes than the fields themselves."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import DamagedError
from dtedask.store.layouts.tiling import positions_of
from dtedask.store.pool import decoding_pool
from dtedask.store.series.shards import NOWHERE, are_known, indexes, read_ranges

if TYPE_CHECKING:
    from dtedask.store.series.array import Block, SeriesArray
    from dtedask.store.snapshot import Snapshot

logger = logging.getLogger(__name__)
_BYTES_AT_ONCE = 64 * 2**20
_FEW_PIECES = 8


@dataclass(frozen=True)
class Points:
    """The points of a grid that are asked for, and the patches that hold them.

    Parameters
    ----------
    patch : tuple of int
        Shape of a patch.
    indices : tuple of numpy.ndarray
        Of each dimension of the grid.
    """

    patch: tuple[int, ...]
    indices: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, patch: tuple[int, ...], key: Sequence[Any], shape: tuple[int, ...]) -> Points:
        """Points of an outer index: an integer, slice or array for each dimension of the grid."""
        parts = zip(key, shape, strict=True)
        return cls(patch, tuple(np.asarray(positions_of(part, size)) for part, size in parts))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points along each dimension."""
        return tuple(map(len, self.indices))

    @cached_property
    def patches(self) -> list[tuple[int, ...]]:
        """Places of the patches."""
        return list(itertools.product(*(parts for parts in self._parts)))

    @property
    def count(self) -> int:
        """Number of patches."""
        return math.prod(len(parts) for parts in self._parts)

    def within(self, patch: tuple[int, ...]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Places, among the indices of each dimension, of the points in a patch; and their places there."""
        found = [parts[place] for parts, place in zip(self._parts, patch, strict=True)]
        return [where for where, _ in found], [inside for _, inside in found]

    @cached_property
    def _parts(self) -> list[dict[int, tuple[np.ndarray, np.ndarray]]]:
        return [_by_patch(found, size) for found, size in zip(self.indices, self.patch, strict=True)]


def _by_patch(indices: np.ndarray, size: int) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    patches = indices // size
    found = {}
    for patch in np.unique(patches).tolist():
        where = np.flatnonzero(patches == patch)
        found[patch] = where, indices[where] - patch * size
    return found


@dataclass(frozen=True)
class Choice:
    """Which fields of a read come from time series.

    Parameters
    ----------
    blocks : numpy.ndarray of int64, shape (blocks, dimensions)
        The blocks that are read.
    owners : numpy.ndarray of int64, shape (fields,)
        Place of each field's block among them; -1 for a field that is read by itself.
    size_bytes : int
        Decoded size of the pieces that are touched.
    """

    blocks: np.ndarray
    owners: np.ndarray
    size_bytes: int

    @property
    def fields(self) -> int:
        """Number of fields that come from time series."""
        return int((self.owners >= 0).sum())


def choose(snapshot: Snapshot, series: SeriesArray, rows: np.ndarray, points: Points, field_bytes: int) -> Choice:
    """Decide, block by block, whether time series touch fewer bytes than the fields.

    Parameters
    ----------
    snapshot : Snapshot
        The cube.
    series : SeriesArray
        Time series of a variable.
    rows : numpy.ndarray of int64, shape (fields, dimensions)
        Slots of the fields.
    points : Points
        What is wanted of each.
    field_bytes : int
        Bytes that reading it from one field touches.
    """
    nothing = Choice(np.empty((0, rows.shape[1]), dtype=np.int64), np.full(len(rows), -1), 0)
    patch_bytes = points.count * series.piece_bytes
    if not len(rows) or patch_bytes >= series.steps * field_bytes:
        return nothing
    blocks, owners, fields = _distinct(series.blocks_of(rows))
    chunks = rows[:, series.step_position] // series.steps
    pieces = np.unique(owners * (int(chunks.max()) + 1) + chunks) // (int(chunks.max()) + 1)
    touched = np.bincount(pieces, minlength=len(blocks)) * patch_bytes
    better = np.flatnonzero(touched < fields * field_bytes)
    taken = better[_exist(snapshot, series, [tuple(row) for row in blocks[better].tolist()])]
    if not len(taken):
        return nothing
    places = np.full(len(blocks), -1)
    places[taken] = np.arange(len(taken))
    return Choice(blocks[taken], places[owners], int(touched[taken].sum()))


def _distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows without repeats, the place among them of each row, and how often each comes; as NumPy, ten times as fast."""
    codes = np.ravel_multi_index(tuple(rows.T), tuple(rows.max(axis=0) + 1))
    _, first, owners, counts = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    return rows[first], owners, counts


def _exist(snapshot: Snapshot, series: SeriesArray, blocks: Sequence[Block]) -> np.ndarray:
    """Whether blocks exist; of those that were read lately nobody is asked."""
    found = np.array(are_known(snapshot, [series.key(block) for block in blocks]), dtype=bool)
    asked = np.flatnonzero(~found)
    if len(asked):
        found[asked] = snapshot.exist([(series.path, series.coordinates(blocks[place])) for place in asked.tolist()])
    return found


def read_better(
    snapshot: Snapshot, series: SeriesArray, rows: np.ndarray, points: Points, field_bytes: int, out: np.ndarray
) -> np.ndarray:
    """Read those fields from time series of which that touches fewer bytes.

    Parameters
    ----------
    snapshot, series, rows, points, field_bytes
        As for `choose`.
    out : numpy.ndarray, shape (fields, points of each dimension of the grid)
        Where to.

    Returns
    -------
    numpy.ndarray of bool, shape (fields,)
        Which of the fields were read. Where time series are damaged it is none: the fields hold the same.
    """
    try:
        choice = choose(snapshot, series, rows, points, field_bytes)
        if choice.fields:
            _read(snapshot, series, rows, points, choice, out)
    except DamagedError as error:
        logger.warning("%s The fields are read instead.", error)
        return np.zeros(len(rows), dtype=bool)
    return choice.owners >= 0


def _read(
    snapshot: Snapshot, series: SeriesArray, rows: np.ndarray, points: Points, choice: Choice, out: np.ndarray
) -> None:
    pieces = _pieces(series, rows, points, choice)
    many = max(_BYTES_AT_ONCE // series.piece_bytes, 1)
    while part := list(itertools.islice(pieces, many)):
        _read_some(snapshot, series, points, part, out)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece that is read, and where its steps go."""

    key: str
    number: int
    patch: tuple[int, ...]
    fields: np.ndarray
    steps: np.ndarray


def _pieces(series: SeriesArray, rows: np.ndarray, points: Points, choice: Choice) -> Iterator[_Piece]:
    position = series.step_position
    fields = np.flatnonzero(choice.owners >= 0)
    steps = rows[fields, position]
    numbers = np.stack([choice.owners[fields], steps // series.steps], axis=1)
    order = np.lexsort((numbers[:, 1], numbers[:, 0]))
    cuts = np.flatnonzero(np.diff(numbers[order], axis=0).any(axis=1)) + 1
    for part in np.split(order, cuts):
        owner, chunk = numbers[part[0]].tolist()
        block = tuple(choice.blocks[owner].tolist())
        key = series.key(block)
        inside = chunk - block[position] * series.pieces[0]
        for patch in points.patches:
            number = int(np.ravel_multi_index((inside, *patch), series.pieces))
            yield _Piece(key, number, patch, fields[part], steps[part] - chunk * series.steps)


def _read_some(
    snapshot: Snapshot, series: SeriesArray, points: Points, pieces: Sequence[_Piece], out: np.ndarray
) -> None:
    index = indexes(snapshot, list(dict.fromkeys(piece.key for piece in pieces)), math.prod(series.pieces))
    places = [index[piece.key][piece.number].tolist() for piece in pieces]
    stored = [(piece, tuple(place)) for piece, place in zip(pieces, places, strict=True) if place[0] != NOWHERE]
    found = read_ranges(snapshot, [(piece.key, place) for piece, place in stored])
    data = {id(piece): part for (piece, _), part in zip(stored, found, strict=True)}

    def put(piece: _Piece) -> None:
        _put(series, points, piece, data.get(id(piece)), out)

    if len(pieces) <= _FEW_PIECES:  # to hand them to threads would take as long
        for piece in pieces:
            put(piece)
    else:
        list(decoding_pool().map(put, pieces))


def _put(series: SeriesArray, points: Points, piece: _Piece, data: bytes | None, out: np.ndarray) -> None:
    where, inside = points.within(piece.patch)
    if data is None:
        out[np.ix_(piece.fields, *where)] = np.nan
        return
    values: Any = series.codec.decode(data, series.piece_shape, f"the time series {piece.key!r}")
    out[np.ix_(piece.fields, *where)] = values[np.ix_(piece.steps, *inside)]
