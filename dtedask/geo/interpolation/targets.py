"""Points of a target grid, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grids.rows import Points, Rows, tidied

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Points of a grid, from its rows where it has some: a block costs as much as it has points, and all pickle small.

    Parameters
    ----------
    rows : Rows or None
        Rows of the grid.
    points : Points or None
        All points of a grid without rows.
    """

    rows: Rows | None
    points: Points | None

    @classmethod
    def of(cls, grid: Grid) -> Targets:
        """Take the points of a grid.

        Raises
        ------
        GridError
            If the grid does not say where its points are.
        """
        rows = grid.structure()
        return cls(rows, grid.points() if rows is None else None)

    def part(self, first: int, last: int) -> Points:
        """Return the points `first` to `last` (exclusive)."""
        if self.points is not None:
            return Points(self.points.latitude[first:last], self.points.longitude[first:last])
        assert self.rows is not None
        place: NDArray[np.int64] = np.arange(first, last, dtype=np.int64)
        row = np.searchsorted(self.rows.first, place, side="right") - 1
        longitude = self.rows.west[row] + (place - self.rows.first[row]) * self.rows.step[row]
        return Points(self.rows.latitude[row], tidied(longitude))
