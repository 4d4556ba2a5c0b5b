"""The scanning mode of a GRIB grid."""

from __future__ import annotations

from dataclasses import dataclass

from dtedask.geo.order import PointOrder


@dataclass(frozen=True, slots=True)
class ScanMode:
    """In which order a message runs through its grid.

    Parameters
    ----------
    columns_reversed, rows_reversed : bool
        East to west, south to north.
    rows_fastest : bool
        Neighbours in the message lie below each other.
    alternating : bool
        Every second line runs backwards.
    """

    columns_reversed: bool = False
    rows_reversed: bool = False
    rows_fastest: bool = False
    alternating: bool = False

    @property
    def is_usual(self) -> bool:
        """Whether it is north to south, west to east, row by row."""
        return not (self.columns_reversed or self.rows_reversed or self.rows_fastest or self.alternating)

    def order(self, shape: tuple[int, ...], *, roll: int = 0, row_lengths: tuple[int, ...] = ()) -> PointOrder:
        """Return the order of points of a message with this scanning mode."""
        flags = (self.columns_reversed, self.rows_reversed, self.rows_fastest, self.alternating)
        return PointOrder(shape, *flags, roll, row_lengths)
