"""How a field is cut into tiles, and which of them a part of the field touches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

_BITS = 8
_LEAST_SIDE, _MOST_SIDE = 0.75, 1.25
Selector = slice | np.ndarray


@dataclass(frozen=True)
class Tiling:
    """A field cut into tiles of equal shape.

    Those at the ends may reach beyond the field; what lies there is missing.

    Parameters
    ----------
    shape : tuple of int
        Shape of the field.
    tile : tuple of int
        Shape of a tile.
    """

    shape: tuple[int, ...]
    tile: tuple[int, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of tiles along each dimension."""
        return tuple(-(-size // side) for size, side in zip(self.shape, self.tile, strict=True))

    @property
    def count(self) -> int:
        """Number of tiles."""
        return math.prod(self.counts)

    @property
    def padded(self) -> tuple[int, ...]:
        """Shape of all tiles together, which Zarr wants for the shard."""
        return tuple(count * side for count, side in zip(self.counts, self.tile, strict=True))

    @cached_property
    def slices(self) -> tuple[tuple[slice, ...], ...]:
        """Place of each tile in the field, in C order."""
        axes = [
            [slice(start, min(start + side, size)) for start in range(0, size, side)]
            for size, side in zip(self.shape, self.tile, strict=True)
        ]
        return tuple(itertools.product(*axes))

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Numbers of the tiles in the order in which zarr-python stores them: along a Z-shaped curve."""
        coordinates = np.indices(self.counts).reshape(len(self.counts), -1)
        bits = [(count - 1).bit_length() for count in self.counts]
        codes = np.zeros(self.count, dtype=np.int64)
        place = 0
        for bit in range(max(bits)):
            for axis, most in enumerate(bits):
                if bit < most:
                    codes |= ((coordinates[axis] >> bit) & 1) << place
                    place += 1
        return tuple(np.argsort(codes).tolist())

    @cached_property
    def whole(self) -> Window:
        """All of the field."""
        return Window.of(self, (slice(None),) * len(self.shape))


@dataclass(frozen=True, slots=True)
class Piece:
    """What a window takes of one tile.

    Parameters
    ----------
    tile : int
        Number of the tile, in C order.
    source, target : tuple
        Where it lies in the tile and in the window, to index both with.
    is_all : bool
        Whether it is the whole tile, in its order.
    """

    tile: int
    source: tuple[Selector, ...]
    target: tuple[Selector, ...]
    is_all: bool


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a field: an outer product of indices, one a dimension.

    Parameters
    ----------
    shape : tuple of int
        Its shape; a dimension that is indexed by a number has length 1.
    pieces : tuple of Piece
        What it takes of the tiles that it touches.
    """

    shape: tuple[int, ...]
    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, tiling: Tiling, key: Sequence[Any]) -> Window:
        """The part that a key takes: an integer, a slice or an array of integers for each dimension."""
        positions = [positions_of(part, size) for part, size in zip(key, tiling.shape, strict=True)]
        axes = [_cut(found, side) for found, side in zip(positions, tiling.tile, strict=True)]
        pieces = tuple(_piece(tiling, parts) for parts in itertools.product(*axes))
        return cls(tuple(map(len, positions)), pieces)

    @property
    def tiles(self) -> tuple[int, ...]:
        """Numbers of the tiles that it touches."""
        return tuple(piece.tile for piece in self.pieces)


def positions_of(part: int | np.integer | slice | np.ndarray, size: int) -> range | np.ndarray:
    """Positions along a dimension that an integer, a slice or an array of integers takes; none of them is made up."""
    if isinstance(part, np.ndarray):
        return np.where(part < 0, part + size, part)
    found = range(size)[part]
    return found if isinstance(found, range) else range(found, found + 1)


@lru_cache(maxsize=64)
def tiling_of(shape: tuple[int, ...], tile: tuple[int, ...]) -> Tiling:
    """The tiling of a field; kept, since its parts are made once."""
    return Tiling(shape, tile)


@lru_cache(maxsize=64)
def tile_shape(shape: tuple[int, ...], points: int) -> tuple[int, ...]:
    """Shape of tiles of about so many points: whole rows of a field, or parts of one row where rows are longer.

    The points of a tile lie together in the field too, so that it is decoded where it belongs. Their number is within a
    quarter of what is asked for, such that the tiles reach little beyond the field, and a multiple of eight: blosc
    shuffles bits of no other number, and what it does not shuffle takes up to twice the bytes.

    Parameters
    ----------
    shape : tuple of int
        Shape of the field.
    points : int
        Wanted points of a tile.
    """
    *rest, row = shape
    rows = _BITS // math.gcd(_BITS, row)  # fewest that have such a number of points
    if rest and rows * row <= _MOST_SIDE * points:
        return (*(1 for _ in rest[1:]), _side(rest[-1], points / row, rows), row)
    return (*(1 for _ in rest), _side(row, points, _BITS))


def _side(size: int, ideal: float, step: int) -> int:
    """Side of the tiles along a dimension, a multiple of a step."""
    ideal = min(ideal, size)
    first = max(int(ideal * _LEAST_SIDE) // step * step, step)
    sides = range(first, max(int(ideal * _MOST_SIDE), first) + 1, step)
    return min(sides, key=lambda side: (-size % side, abs(side - ideal)))


def _cut(positions: range | np.ndarray, side: int) -> list[tuple[int, Selector, Selector]]:
    """Positions along a dimension by the tile that they lie in: its number, where in it, and where among them."""
    if isinstance(positions, range):
        return _cut_range(positions, side)
    numbers = positions // side
    order = np.argsort(numbers, kind="stable")
    found = []
    for where in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        if len(where):
            number = int(numbers[where[0]])
            found.append((number, _selector(positions[where] - number * side), _selector(where)))
    return found


def _cut_range(positions: range, side: int) -> list[tuple[int, Selector, Selector]]:
    found: list[tuple[int, Selector, Selector]] = []
    begin = 0
    while begin < len(positions):
        number = positions[begin] // side
        inside = range(positions[begin] - number * side, side if positions.step > 0 else -1, positions.step)
        end = min(begin + len(inside), len(positions))
        found.append((number, _slice(inside[: end - begin]), slice(begin, end, 1)))
        begin = end
    return found


def _slice(positions: range) -> slice:
    return slice(positions.start, None if positions.stop < 0 else positions.stop, positions.step)


def _selector(indices: np.ndarray) -> Selector:
    """Indices as a slice, where they are one; numpy is faster with it."""
    first, last = int(indices[0]), int(indices[-1])
    step = int(indices[1]) - first if len(indices) > 1 else 1
    if step == 0 or (len(indices) > 2 and (np.diff(indices) != step).any()):
        return indices
    return _slice(range(first, last + (1 if step > 0 else -1), step))


def _piece(tiling: Tiling, parts: Sequence[tuple[int, Selector, Selector]]) -> Piece:
    numbers = [number for number, _, _ in parts]
    source, target = tuple(one for _, one, _ in parts), tuple(one for _, _, one in parts)
    tile = int(np.ravel_multi_index(numbers, tiling.counts))
    is_all = all(
        isinstance(one, slice) and one.indices(side) == (0, side, 1)
        for one, side in zip(source, tiling.tile, strict=True)
    )
    return Piece(tile, _indexable(source), _indexable(target), is_all)


def _indexable(selectors: tuple[Selector, ...]) -> tuple[Selector, ...]:
    """Selectors to index with as an outer product."""
    if sum(isinstance(one, np.ndarray) for one in selectors) < 2:
        return selectors
    return np.ix_(*(_indices(one) for one in selectors))


def _indices(selector: Selector) -> np.ndarray:
    if isinstance(selector, np.ndarray):
        return selector
    return np.arange(selector.start, -1 if selector.stop is None else selector.stop, selector.step)
