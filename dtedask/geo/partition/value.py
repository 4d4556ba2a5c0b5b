"""A partition as a value."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """The part of each point.

    Parameters
    ----------
    part : numpy.ndarray of int64, shape (points,)
        From 0 to `parts` - 1.
    parts : int
    name : str
        How it was made.

    Raises
    ------
    GridError
        If a part is out of range.
    """

    part: Integers
    parts: int
    name: str = "partition"

    def __post_init__(self) -> None:
        if self.part.size and not (self.part.min() >= 0 and self.part.max() < self.parts):
            raise GridError(
                f"Parts from {self.part.min()} to {self.part.max()} are not from 0 to {self.parts - 1}.",
                hint="Count the parts from 0.",
            )

    @property
    def counts(self) -> Integers:
        """Points of each part, shape (parts,)."""
        return np.bincount(self.part, minlength=self.parts)

    def points(self) -> list[Integers]:
        """Return the points of each part, ascending."""
        order = np.argsort(self.part, kind="stable")
        return np.split(order, np.cumsum(self.counts)[:-1])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Partition):
            return NotImplemented
        return self.parts == other.parts and np.array_equal(self.part, other.part)

    def __hash__(self) -> int:
        return hash((self.parts, self.part.tobytes()))

    def __repr__(self) -> str:
        counts = self.counts
        each = f"{counts.min():,}" if counts.min() == counts.max() else f"{counts.min():,} to {counts.max():,}"
        return f"<Partition {self.name}: {self.part.size:,} points in {self.parts} parts of {each}>"

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"
