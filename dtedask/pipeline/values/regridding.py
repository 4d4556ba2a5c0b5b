"""Fields on other grids, as far as no number has to be made up: the same grid, another order, some of the points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from dtedask.core.errors import DocumentError, DtedaskError, FieldError, PlanError
from dtedask.geo import Grid, PointOrder, Subset, subset
from dtedask.grib import Coordinate
from dtedask.pipeline.actions.renumber_healpix import renumbered
from dtedask.pipeline.values.numbers import numbers_of
from dtedask.request import canonical_value

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

__all__ = ["AreaOption", "GridName", "GridOption", "Target", "grid_name", "read_area"]

GridName = str | float | Sequence[float]
Area = tuple[float, float, float, float]
_AT_POINTS = frozenset({"", "none", "linear", "bilinear", "nn", "nearest-neighbour", "nearest-neighbor", "k-nearest"})
"""Methods that give a field's own values at its own points."""


def grid_name(value: GridName) -> str:
    """Write the name of a grid in canonical form: ``0.25x0.25`` for ``[0.25, 0.25]`` and ``0.25/0.25``; ``O320``.

    Raises
    ------
    DocumentError
        If it names none.
    """
    text = value if isinstance(value, str) else "x".join(f"{part:.10g}" for part in _parts(value))
    try:
        return canonical_value("grid", text)
    except DtedaskError as error:
        raise DocumentError(
            f"{value!r} is no grid.", hint="A grid is such as O320, H128, 0.25/0.25 or [0.25, 0.25]."
        ) from error


def _parts(value: float | Sequence[float]) -> list[float]:
    return [value, value] if isinstance(value, int | float) else list(value)


def read_area(value: str | Sequence[float]) -> Area:
    """Read an area: north, west, south and east, in a list or between slashes.

    Raises
    ------
    DocumentError
        If it is none.
    """
    parts = value.split("/") if isinstance(value, str) else value
    try:
        north, west, south, east = (float(part) for part in parts)
    except ValueError:
        raise DocumentError(
            f"{value!r} is no area.", hint="An area is north/west/south/east, such as 70/-10/30/40."
        ) from None
    if not -90 <= south <= north <= 90:
        raise DocumentError(
            f"The area {value!r} lies upside down, or off the Earth.", hint="It is north/west/south/east."
        )
    return north, west, south, east


def _checked_grid(value: Any) -> Any:
    grid_name(value)
    return value


def _checked_area(value: Any) -> Any:
    if value:
        read_area(value)
    return value


GridOption = Annotated[str | float | list[float], AfterValidator(_checked_grid)]
"""An option that names a grid."""
AreaOption = Annotated[str | list[float], AfterValidator(_checked_area)]
"""An option that is an area, or empty."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a field is wanted on.

    Parameters
    ----------
    grid : str
        Canonical name, "" for its own grid.
    area : tuple of float, optional
        North, west, south, east.
    method : str
        How to interpolate, as MultIO calls it; "" for its default, which is linear.
    """

    grid: str = ""
    area: Area | None = None
    method: str = ""

    def apply(self, message: Message, compute: Compute) -> Message:
        """Return a field on the grid and area.

        Raises
        ------
        FieldError
            If the field does not say its grid.
        PlanError
            If values would have to be interpolated, which cannot be done yet; names both grids.
        """
        if message.description is None:
            raise FieldError(
                f"The {message} does not say which grid it is on.",
                hint="Only fields with a grid are put on another one.",
            )
        grid = message.description.grid
        if self.area is None and self.grid in ("", grid.label):
            return message
        if self._is_reordered(grid):
            return renumbered(message, "nested" if self.grid.endswith("-nested") else "ring", compute)
        return _cut(message, self._part(grid), compute)

    def __str__(self) -> str:
        place = "" if self.area is None else f" in {'/'.join(f'{edge:g}' for edge in self.area)}"
        return (self.grid or "its own grid") + place

    def _is_reordered(self, grid: Grid) -> bool:
        labels = {grid.label.removesuffix("-nested"), self.grid.removesuffix("-nested")}
        return grid.kind == "healpix" and self.area is None and len(labels) == 1

    def _part(self, grid: Grid) -> Subset:
        spacing = _spacing(self.grid) if self.grid and self.grid != grid.label else None
        if grid.kind != "regular_ll" or (self.grid not in ("", grid.label) and spacing is None):
            raise self._cannot(grid)
        if spacing is not None and self.method not in _AT_POINTS:
            raise self._cannot(grid, f" by the method {self.method!r}")
        try:
            return _subset(grid, spacing, self.area)
        except FieldError as error:
            if self.area is not None and error.message.startswith("No point"):
                raise
            raise self._cannot(grid) from error

    def _cannot(self, grid: Grid, how: str = "") -> PlanError:
        return PlanError(
            f"A field on the grid {grid.label} ({grid.kind}) cannot be put on {self}{how} yet: it would have to be "
            "interpolated.",
            hint="What can be done: the same grid, HEALPix ring to nested and back, areas and every n-th point of "
            "regular latitude-longitude grids.",
        )


def _spacing(label: str) -> tuple[float, float] | None:
    dx, cross, dy = label.partition("x")
    try:
        return (float(dx), float(dy)) if cross else None
    except ValueError:
        return None


@lru_cache(32)
def _subset(grid: Grid, spacing: tuple[float, float] | None, area: Area | None) -> Subset:
    return subset(grid, spacing=spacing, area=area)


def _cut(message: Message, part: Subset, compute: Compute) -> Message:
    assert message.description is not None  # looked at before
    values = compute.call("cut", part.take, numbers_of(message, "interpolate"))
    description = replace(message.description, grid=part.grid, order=PointOrder(part.grid.shape))
    keys: dict[str, Any] = {"grid": part.grid.label} if "grid" in message.keys else {}
    places = None if message.coordinates is None else _coordinates(part, *_attributes(message))
    changed = message.replaced(values=values, description=description, coordinates=places, data=None)
    return changed.with_keys(**keys)


def _attributes(message: Message) -> tuple[tuple[tuple[str, Any], ...], ...]:
    known = message.coordinates or {}
    return tuple(tuple(known[name].attrs.items()) if name in known else () for name in ("latitude", "longitude"))


@lru_cache(32)
def _coordinates(
    part: Subset, latitude: tuple[tuple[str, Any], ...], longitude: tuple[tuple[str, Any], ...]
) -> dict[str, Coordinate]:
    return {
        "latitude": Coordinate(("latitude",), part.latitude, dict(latitude)),
        "longitude": Coordinate(("longitude",), part.longitude, dict(longitude)),
    }
