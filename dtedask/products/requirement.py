"""What was ordered: which fields, how they are made, where they go, and by when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from dtedask.geo.area import Area
    from dtedask.products.delivery import DeliveryOptions
    from dtedask.products.format import FormatOptions

__all__ = ["ClockTime", "Cycle", "Formula", "FormulaPoint", "PostProcessing", "Requirement"]

FormulaPoint = Literal["prologue", "raw", "spectral", "gridded", "epilogue"]
"""Where a formula acts: before all else, on fields as they come, on their harmonics, on the final grid, at the end."""


@dataclass(frozen=True, slots=True, order=True)
class Cycle:
    """One run of a model, named by its base time.

    Parameters
    ----------
    time : datetime
        Base time, UTC.
    """

    time: datetime

    @classmethod
    def of(cls, keys: Mapping[str, str]) -> Cycle:
        """The cycle of a field, by its keys ``date`` and ``time`` in canonical form."""
        return cls(datetime.strptime(keys["date"] + keys["time"], "%Y%m%d%H%M").replace(tzinfo=UTC))

    @classmethod
    def at(cls, seconds: int) -> Cycle:
        """The cycle of a base time in seconds since 1970."""
        return cls(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))

    @property
    def keys(self) -> dict[str, str]:
        """MARS keys in canonical form."""
        date, _, time = str(self).partition("T")
        return {"date": date, "time": time}

    def __str__(self) -> str:
        return _text(self.time)


@lru_cache(maxsize=4096)
def _text(time: datetime) -> str:
    return f"{time:%Y%m%dT%H%M}"


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day, UTC, as a deadline.

    Parameters
    ----------
    minute : int
        Minutes after midnight.
    days : int, optional
        Days after the day of the base time; None for the first such time after the base time.
    """

    minute: int
    days: int | None = None

    def after(self, base: datetime) -> datetime:
        """When it is, for a base time."""
        at = base.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=self.minute)
        if self.days is not None:
            return at + timedelta(days=self.days)
        return at if at > base else at + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula over values.

    Parameters
    ----------
    text : str
        Such as ``f - 273.15``; ``f`` is the field itself, other names are parameters.
    at : FormulaPoint
        Where on the way it acts.
    param : str
        What the result is, canonical; "" for what the field is.
    """

    text: str
    at: FormulaPoint = "gridded"
    param: str = ""


@dataclass(frozen=True, slots=True)
class PostProcessing:
    """How fields are made, in MIR's keywords; hashable, and the same object for the same keywords.

    Parameters
    ----------
    grid : str
        Canonical name of the grid, "" for the field's own.
    area : tuple of float, optional
        North, west, south, east in degrees.
    rotation : tuple of float, optional
        Latitude and longitude of the rotated south pole.
    interpolation : str
        The method, by our names or MIR's; "" for the default.
    method_options : tuple of (str, value)
        Options of the method.
    intgrid : str
        Intermediate grid, ``source`` or ``none``; "" for the default.
    resol, truncation : str
        Truncation of spherical harmonics before they are summed up, and of spectral results; "" for the default.
    gaussian : str
        ``reduced`` or ``regular`` for grids that are only a number; "" for the default.
    frame : int
        Width of the frame of points that is kept; 0 keeps all.
    bitmap : str
        File of points that are left out; "" for none.
    missing : str
        Policy of missing values, as `dtedask.geo.regrid` has it; "" for the default.
    lsm : bool
        Whether land and sea are kept apart.
    vod2uv : bool
        Whether vorticity and divergence are made to winds.
    formulas : tuple of Formula
        In the order in which they act at one point.
    derive : str
        ``target`` for derived parameters of fields that are on their grid already; "" for those of native fields.
    """

    grid: str = ""
    area: Area | None = None
    rotation: tuple[float, float] | None = None
    interpolation: str = ""
    method_options: tuple[tuple[str, Any], ...] = ()
    intgrid: str = ""
    resol: str = ""
    truncation: str = ""
    gaussian: str = ""
    frame: int = 0
    bitmap: str = ""
    missing: str = ""
    lsm: bool = False
    vod2uv: bool = False
    formulas: tuple[Formula, ...] = ()
    derive: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Requirement:
    """One requirement, checked; compared by identity.

    Parameters
    ----------
    name : str
        What it is called; no two of one run have the same.
    owner : str
        Who ordered it.
    request : mapping of str to tuple of str
        MARS keys in canonical form with all of their values, in the order of the requirement. Without ``date`` it is
        for every cycle; ``param`` may name derived parameters (`dtedask.products.derived`).
    how : PostProcessing
        How the fields are made.
    format : FormatOptions
        How they are written.
    delivery : tuple of DeliveryOptions
        Where they go; empty for the output that the run names.
    file_name : str
        Template of the names of its products: fields that give the same name are one product.
    deadline : timedelta or ClockTime, optional
        By when: after the base time of the cycle, or at a time of day.
    priority : int
        Greater goes first among equal deadlines.
    place : str
        Where it stands, ``file:line``.
    digest : str
        Of all that says what is made; not of names, owners, deliveries, deadline and priority.
    """

    name: str
    owner: str
    request: Mapping[str, tuple[str, ...]]
    how: PostProcessing
    format: FormatOptions
    delivery: tuple[DeliveryOptions, ...] = ()
    file_name: str = ""
    deadline: timedelta | ClockTime | None = None
    priority: int = 0
    place: str = ""
    digest: str = ""

    def due(self, cycle: Cycle) -> datetime | None:
        """By when the products of a cycle are wanted, UTC."""
        if isinstance(self.deadline, ClockTime):
            return self.deadline.after(cycle.time)
        return None if self.deadline is None else cycle.time + self.deadline

    def __repr__(self) -> str:
        return f"<Requirement {self.name} of {self.owner or 'nobody'} at {self.place or 'no place'}>"
