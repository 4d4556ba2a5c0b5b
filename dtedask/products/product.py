"""What a requirement gives for one cycle: one file, object or commit each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dtedask.products.requirement import Cycle, Requirement

if TYPE_CHECKING:
    import numpy as np

    from dtedask.grib import Coordinate, FieldDescription

__all__ = ["Part", "Product"]

_NUMBER = re.compile("[0-9]+")
_DIGITS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """What is made and delivered as one: whole or not at all.

    Parameters
    ----------
    requirement : Requirement
        What it is of.
    cycle : Cycle
        The run that it is of.
    file_name : str
        Its name below each place of delivery, with ``/`` for folders.
    fields : tuple of mapping
        MARS keys of what it holds, in the order in which it holds them.
    due : datetime, optional
        By when it is wanted, UTC.
    """

    requirement: Requirement
    cycle: Cycle
    file_name: str
    fields: tuple[Mapping[str, str], ...]
    due: datetime | None = None

    @property
    def id(self) -> str:
        """What it is called everywhere: requirement, cycle and file name."""
        return f"{self.requirement.name}/{self.cycle}/{self.file_name}"

    @property
    def urgency(self) -> tuple[float, int, str]:
        """The least goes first: deadline, then priority, then the name, in which step 6 comes before step 12."""
        due = self.due.timestamp() if self.due is not None else float("inf")
        return (due, -self.requirement.priority, _NUMBER.sub(lambda found: found[0].zfill(_DIGITS), self.id))

    def __repr__(self) -> str:
        return f"<Product {self.id}: {len(self.fields)} fields>"


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One field of a product, made.

    Parameters
    ----------
    description : FieldDescription
        What it is.
    payload : numpy.ndarray or bytes
        Its values in the shape of its grid, missing points NaN; or what the format's operation made of them.
    coordinates : mapping of str to Coordinate
        Of its grid.
    """

    description: FieldDescription
    payload: np.ndarray | bytes | Any
    coordinates: Mapping[str, Coordinate]
