"""What a GRIB message is and says, as values that travel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dtedask.geo import Grid, PointOrder

if TYPE_CHECKING:
    from dtedask.grib.coordinates import Coordinate


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """What a message says of its field; shared between messages whose sections are equal, so leave it untouched.

    Parameters
    ----------
    keys : mapping
        MARS keys in canonical form; class, stream, expver, type, levtype, param, date, time and step are always there.
    short_name, name, units, standard_name : str
        What ecCodes calls the parameter; "" if unknown.
    step_type : str
        ``instant``, ``accum``, ``avg``, ``max``, ...
    interval : tuple of int, optional
        Start and end of the statistical interval, seconds after the reference time; None when instantaneous.
    step_seconds : int
        End of the step, seconds after the reference time.
    level_type : str
        ecCodes' typeOfLevel.
    level : float, optional
        The level in the units of `level_type`; the upper one of a layer.
    edition : int
        1 or 2.
    grid : Grid
        Where the points are.
    order : PointOrder
        How to bring decoded values into the order of `grid`.
    packing : str
        ecCodes' packingType.
    bits_per_value : int
        0 for a constant field.
    has_bitmap : bool
        Whether points may be missing.
    product : tuple of (str, str)
        What beyond `keys` tells two products apart, in GRIB's words; empty for most fields.
    attributes : mapping
        ``GRIB_*`` attributes that encoding needs, the same for all fields of a variable.
    """

    keys: Mapping[str, str]
    short_name: str
    name: str
    units: str
    standard_name: str
    step_type: str
    interval: tuple[int, int] | None
    step_seconds: int
    level_type: str
    level: float | None
    edition: int
    grid: Grid
    order: PointOrder
    packing: str
    bits_per_value: int
    has_bitmap: bool
    product: tuple[tuple[str, str], ...]
    attributes: Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field: what it is, its values, and where its points are.

    Parameters
    ----------
    description : FieldDescription
        What it is.
    values : numpy.ndarray
        In the shape and order of its grid; missing points are NaN.
    coordinates : mapping of str to Coordinate
        Those of its grid, as `dtedask.grib.coordinates` gives them.
    """

    description: FieldDescription
    values: np.ndarray
    coordinates: Mapping[str, Coordinate]


@dataclass(frozen=True, slots=True)
class Message:
    """Where a GRIB message lies, and what it says.

    Parameters
    ----------
    location : str
        Absolute path or URL, or "" when the bytes are in `data`.
    offset, length : int
        Place in the source, bytes. A message of several fields yields one `Message` a field, with the place of the
        whole message and the field's own message in `data`.
    field : FieldDescription
        What it says.
    data : bytes, optional
        The message itself.
    version : str or datetime
        State of the file when it was read, as object stores name it, or the time of its last change; "" for bytes.
    """

    location: str
    offset: int
    length: int
    field: FieldDescription
    data: bytes | None = None
    version: str | datetime = ""

    def read(self) -> bytes:
        """Return the message's bytes."""
        if self.data is not None:
            return self.data
        with Path(self.location).open("rb", buffering=0) as file:
            file.seek(self.offset)
            return file.read(self.length)
