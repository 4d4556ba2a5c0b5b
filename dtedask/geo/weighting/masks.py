"""Weights that keep land and sea apart: points of the other kind lose their weight.

The rule is MIR's: in each row, weights of source points that are not of the kind of the target point are multiplied by
a factor, and the row is scaled to its former sum. MIR's factor (``lsm-weight-adjustment``) is 0.2, ours is 0 unless
given.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dtedask.core.errors import GridError
from dtedask.geo.grid import Grid

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Fallback = Literal["keep", "missing", "nearest"]
_THRESHOLD = 0.5
_CHORDS = 1 << 16  # rows whose nearest points are looked for at once


@dataclass(frozen=True)
class Mask:
    """The kind of each point of a grid, packed: eight points a byte, compressed.

    Parameters
    ----------
    size : int
        Number of points.
    packed : bytes
        zlib of the bits.
    """

    size: int
    packed: bytes

    @classmethod
    def of(cls, grid: Grid, values: ArrayLike, name: str) -> Mask:
        """Take a mask as users have it.

        Parameters
        ----------
        grid : Grid
            The grid that it belongs to.
        values : array-like, shape (grid.size,) or grid.shape
            True and False, or fractions of which those from 0.5 on count as true (as MIR's
            ``lsm-value-threshold``).
        name : str
            What it is called in errors.

        Raises
        ------
        GridError
            If it has another number of points, or points without a value.
        """
        array = np.asarray(values)
        if array.size != grid.size:
            raise GridError(
                f"The {name} has {array.size} points, and the grid {grid.label} has {grid.size}.",
                hint="A mask has one value for each point of its grid, in the grid's order.",
            )
        if array.dtype != bool:
            array = array.astype(np.float64)
            if np.isnan(array).any():
                raise GridError(f"The {name} has points without a value.", hint="Fill them before: 1 or 0.")
            array = array >= _THRESHOLD
        return cls(grid.size, zlib.compress(np.packbits(array.reshape(-1)).tobytes(), 1))

    @property
    def bits(self) -> NDArray[np.bool_]:
        """The kind of each point, shape (size,)."""
        packed = np.frombuffer(zlib.decompress(self.packed), np.uint8)
        return np.unpackbits(packed, count=self.size).astype(bool)

    @cached_property
    def digest(self) -> str:
        """sha256 of the bits, in hexadecimal."""
        return hashlib.sha256(zlib.decompress(self.packed)).hexdigest()


@dataclass(frozen=True)
class Masks:
    """The kinds of points of two grids, and what they do to weights.

    Parameters
    ----------
    source, target : Mask
        Kinds of the points.
    factor : float
        What weights of points of the other kind are multiplied with: from 0 (not used at all) to 1.
    fallback : {"keep", "missing", "nearest"}
        What becomes of a point all of whose weights are lost: it keeps them as they were without masks, it has no
        value, or it takes that of the nearest source point of its kind.
    """

    source: Mask
    target: Mask
    factor: float = 0.0
    fallback: Fallback = "keep"

    def __post_init__(self) -> None:
        if not 0.0 <= self.factor <= 1.0:
            raise GridError(
                f"The factor {self.factor!r} of points of the other kind is impossible.",
                hint="It is from 0 (they are not used) to 1 (masks do nothing).",
            )
        if self.fallback not in get_args(Fallback):
            raise GridError(
                f"There is no fallback {self.fallback!r} of masks.", hint=f"Use one of {', '.join(get_args(Fallback))}."
            )

    @property
    def identity(self) -> dict[str, Any]:
        """What the weights depend on."""
        return {
            "source": self.source.digest,
            "target": self.target.digest,
            "factor": self.factor,
            "fallback": self.fallback,
        }

    def apply(self, weights: csr_array, source: Grid, target: Grid) -> csr_array:
        """Return weights that keep the kinds apart.

        Parameters
        ----------
        weights : scipy.sparse.csr_array, shape (target.size, source.size)
            Left untouched.
        source, target : Grid
            The grids; their points are looked at for the fallback "nearest" only.

        Returns
        -------
        scipy.sparse.csr_array of the same shape
            Each row that has points of both kinds sums up to what it did before.
        """
        of_source, of_target = self.source.bits, self.target.bits
        rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
        is_other = of_source[weights.indices] != of_target[rows]
        changed = _renormalised(weights, rows, np.where(is_other, weights.data * self.factor, weights.data))
        lost = np.flatnonzero(changed.lost)
        if lost.size and self.fallback == "keep":
            in_lost = changed.lost[rows]
            changed.data[in_lost] = weights.data[in_lost]
        found = _compressed(weights, changed.data)
        if lost.size and self.fallback == "nearest":
            found = _with_rows(found, lost, _nearest_of_kind(source, target, of_source, of_target, lost))
        return found


@dataclass(frozen=True)
class _Renormalised:
    data: NDArray[np.float64]
    lost: NDArray[np.bool_]


def _renormalised(weights: csr_array, rows: NDArray[np.int64], data: NDArray[np.float64]) -> _Renormalised:
    """Scale each row that changed to its old sum; say which rows had weights and lost them all."""
    count = weights.shape[0]
    before = np.bincount(rows, weights.data, count)
    after = np.bincount(rows, data, count)
    has_weights = np.bincount(rows, data != 0, count) > 0
    is_changed = np.bincount(rows, data != weights.data, count) > 0
    is_lost = is_changed & (~has_weights | (np.abs(after) < np.finfo(np.float64).eps))
    scale = np.ones(count)
    np.divide(before, after, out=scale, where=is_changed & ~is_lost)
    found = data * scale[rows]
    found[is_lost[rows]] = 0.0
    return _Renormalised(found, is_lost)


def _compressed(weights: csr_array, data: NDArray[np.float64]) -> csr_array:
    """Weights of other values, without zeros."""
    from scipy.sparse import csr_array

    kept = data != 0
    before = np.concatenate([[0], np.cumsum(kept)])
    indptr = before[weights.indptr].astype(weights.indptr.dtype)
    return csr_array((data[kept], weights.indices[kept], indptr), shape=weights.shape)


def _nearest_of_kind(
    source: Grid, target: Grid, of_source: NDArray[np.bool_], of_target: NDArray[np.bool_], places: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Nearest source point of its kind for each place of the target; -1 where there is none at all."""
    from scipy.spatial import KDTree

    at_source, at_target = source.points(), target.points()
    found = np.full(places.size, -1, np.int64)
    for kind in (False, True):
        candidates = np.flatnonzero(of_source == kind)
        wanted = np.flatnonzero(of_target[places] == kind)
        if not (candidates.size and wanted.size):
            continue
        tree = KDTree(_on_sphere(at_source.latitude[candidates], at_source.longitude[candidates]))
        for first in range(0, wanted.size, _CHORDS):
            part = wanted[first : first + _CHORDS]
            spots = places[part]
            _, nearest = tree.query(_on_sphere(at_target.latitude[spots], at_target.longitude[spots]))
            found[part] = candidates[nearest]
    return found


def _on_sphere(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    height, turn = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.column_stack([np.cos(height) * np.cos(turn), np.cos(height) * np.sin(turn), np.sin(height)])


def _with_rows(weights: csr_array, places: NDArray[np.int64], columns: NDArray[np.int64]) -> csr_array:
    """Give rows without weights one weight of 1 each; a column of -1 stays without."""
    from scipy.sparse import csr_array

    filled, columns = places[columns >= 0], columns[columns >= 0]
    position = weights.indptr[filled]
    data = np.insert(weights.data, position, 1.0)
    indices = np.insert(weights.indices, position, columns)
    added = np.zeros(weights.shape[0] + 1, weights.indptr.dtype)
    added[filled + 1] = 1
    return csr_array((data, indices, weights.indptr + np.cumsum(added)), shape=weights.shape)
