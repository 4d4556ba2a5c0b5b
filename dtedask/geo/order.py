"""Bring the points of a message into the one order that dtedask uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray


@dataclass(frozen=True, slots=True)
class PointOrder:
    """How the points of a message stand, against our order: rows north to south, columns west to east, columns fastest.

    Parameters
    ----------
    shape : tuple of int
        Shape of the field in our order: rows and columns, or points.
    columns_reversed, rows_reversed : bool
        The message runs east to west, south to north.
    rows_fastest : bool
        Neighbours in the message lie below each other.
    alternating : bool
        Every second line of the message runs backwards.
    roll : int
        Column of the message that becomes the first of ours (a global grid that starts at 180 degrees).
    row_lengths : tuple of int
        Points of each row in our order, only for reduced grids whose rows must be moved.
    """

    shape: tuple[int, ...]
    columns_reversed: bool = False
    rows_reversed: bool = False
    rows_fastest: bool = False
    alternating: bool = False
    roll: int = 0
    row_lengths: tuple[int, ...] = ()

    @property
    def is_identity(self) -> bool:
        """Whether the message is in our order already."""
        moved = self.columns_reversed or self.rows_reversed or self.rows_fastest or self.alternating
        return not (moved or self.roll)

    def apply(
        self, values: NDArray[np.float64], *, dtype: DTypeLike = "float32", out: NDArray[np.floating] | None = None
    ) -> NDArray[np.floating]:
        """Copy values into our order while casting them.

        Parameters
        ----------
        values : numpy.ndarray
            One value a point, in the order of the message; left untouched.
        dtype : dtype-like
            Type of the result when `out` is not given.
        out : numpy.ndarray, optional
            Written in place; its shape is `shape`.

        Returns
        -------
        numpy.ndarray, shape `shape`
            `out`, or a new array.
        """
        target = np.empty(self.shape, dtype) if out is None else out
        arranged = self._arranged(values)
        if self.roll:
            split = self.shape[-1] - self.roll
            target[..., :split] = arranged[..., self.roll :]
            target[..., split:] = arranged[..., : self.roll]
        else:
            target[...] = arranged
        return target

    def _arranged(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.is_identity or len(self.shape) == 1:
            flat = values if self.is_identity else values[self._permutation()]
            return flat.reshape(self.shape)
        rows, columns = self.shape
        lines = values.reshape((columns, rows) if self.rows_fastest else (rows, columns))
        if self.alternating:
            lines = lines.copy()
            lines[1::2] = lines[1::2, ::-1].copy()
        if self.rows_fastest:
            lines = lines.T
        return lines[:: -1 if self.rows_reversed else 1, :: -1 if self.columns_reversed else 1]

    def _permutation(self) -> NDArray[np.intp]:
        """Place in the message of each point of a reduced grid."""
        lengths = self.row_lengths[::-1] if self.rows_reversed else self.row_lengths
        rows, start = [], 0
        for number, length in enumerate(lengths):
            row = np.arange(start, start + length)
            backwards = self.columns_reversed != (self.alternating and number % 2 == 1)
            rows.append(row[::-1] if backwards else row)
            start += length
        return np.concatenate(rows[::-1] if self.rows_reversed else rows)
