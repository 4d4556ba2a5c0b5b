"""Fields on other grids: the grid and area that are wanted, and what a message says afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from dtedask.core.errors import DocumentError, DtedaskError, FieldError, GridError, PlanError
from dtedask.geo import Grid, PointOrder, Subset
from dtedask.geo import read_area as area_of
from dtedask.geo.application.winds import known_pairs
from dtedask.geo.area import Area
from dtedask.grib import Coordinate
from dtedask.grib.coordinates import of_grid
from dtedask.pipeline.actions.renumber_healpix import renumbered
from dtedask.pipeline.values.numbers import numbers_of
from dtedask.pipeline.values.placing import How, Placement, placement
from dtedask.request import canonical_value

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

__all__ = ["AreaOption", "GridName", "GridOption", "Target", "grid_name", "read_area"]

GridName = str | float | Sequence[float]
_OF_GRIDS = frozenset({"gridType", "gridName", "Nside", "nside", "orderingConvention", "Ni", "Nj", "N", "isOctahedral"})
"""Keys by which a model's message names its grid; they would be wrong for another one."""


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
    try:
        return area_of(value)
    except GridError as error:
        raise DocumentError(error.message, hint=error.hint) from error


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
    how : How
        How to interpolate.
    """

    grid: str = ""
    area: Area | None = None
    how: How = field(default_factory=How)

    def check(self) -> None:
        """Look whether there are such a grid and such a method, before the first field.

        Raises
        ------
        PlanError
            If there are not.
        """
        try:
            grid = self.how.whole(self.grid) if self.grid else _SOME_GRID
            self.how.check(grid)
        except GridError as error:
            raise PlanError(f"An interpolation to {self} cannot be done: {error.message}", hint=error.hint) from error

    def apply(self, message: Message, compute: Compute) -> Message:
        """Return a field on the grid and area.

        Raises
        ------
        FieldError
            If the field does not say its grid, or none of its points lies in the area.
        PlanError
            If it cannot be interpolated so; names both grids.
        """
        if message.description is None:
            raise FieldError(
                f"The {message} does not say which grid it is on.",
                hint="Only fields with a grid are put on another one.",
            )
        grid = message.description.grid
        if self.area is None and self.grid in ("", grid.label) and self.how.is_plain:
            return message
        if self.how.rotation is not None and message.description.short_name in _WINDS:
            raise PlanError(
                f"The {message} is one component of a wind, which turns together with the other on a turned grid.",
                hint="Leave winds out of plans with 'rotation'; products take both components.",
            )
        if self._is_reordered(grid):
            return renumbered(message, "nested" if self.grid.endswith("-nested") else "ring", compute)
        try:
            found = placement(grid, self.grid, self.area, self.how)
        except GridError as error:
            raise self._cannot(grid, error) from error
        return _placed(message, found, compute)

    def __str__(self) -> str:
        place = "" if self.area is None else f" in {'/'.join(f'{edge:g}' for edge in self.area)}"
        turned = "" if self.how.rotation is None else f" turned to {'/'.join(f'{one:g}' for one in self.how.rotation)}"
        return (self.grid or "its own grid") + turned + place

    def _is_reordered(self, grid: Grid) -> bool:
        labels = {grid.label.removesuffix("-nested"), self.grid.removesuffix("-nested")}
        return grid.kind == "healpix" and self.area is None and len(labels) == 1 and self.how.is_plain

    def _cannot(self, grid: Grid, error: GridError) -> PlanError:
        return PlanError(
            f"A field on the grid {grid.label} ({grid.kind}) cannot be put on {self} by the method "
            f"{self.how.method or 'linear'!r}: {error.message}",
            hint=error.hint,
        )


_SOME_GRID = Grid([90.0, 90.0])
_WINDS = frozenset(name for pair in known_pairs() for name in pair)


def _placed(message: Message, how: Placement, compute: Compute) -> Message:
    assert message.description is not None  # looked at before
    values = compute.call(how.name, how.function, numbers_of(message, "interpolate"))
    description = replace(message.description, grid=how.grid, order=PointOrder(how.grid.shape))
    places = _coordinates_of(how.grid) if how.subset is None else _cut(message, how.subset)
    changed = message.replaced(values=values, description=description, coordinates=places, data=None)
    keys: dict[str, Any] = {"grid": how.grid.label} if "grid" in message.keys else {}
    return changed.with_keys(**keys, **dict.fromkeys(_OF_GRIDS & message.keys.keys()))


@lru_cache(32)
def _coordinates_of(grid: Grid) -> dict[str, Coordinate] | None:
    return of_grid(grid)


def _cut(message: Message, part: Subset) -> dict[str, Coordinate] | None:
    return None if message.coordinates is None else _coordinates(part, *_attributes(message))


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
