"""Which grid MIR's keywords mean, and which part of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import GridError
from dtedask.geo import Grid, cropped
from dtedask.geo.grids.named import distances_of

if TYPE_CHECKING:
    from dtedask.geo.area import Area
    from dtedask.products.requirement import PostProcessing

__all__ = ["Target", "target_of"]

_LATTICE = 1e-6  # of the distance of two points
_CIRCLE = 360.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where fields are wanted.

    Parameters
    ----------
    whole : Grid
        The grid that weights are made for: where it can be the whole globe, so that all areas share them.
    area : tuple of float, optional
        The part of it that is wanted.
    part : Grid, optional
        That part as a grid, where it is known.
    """

    whole: Grid
    area: Area | None = None
    part: Grid | None = None

    @property
    def grid(self) -> Grid:
        """The points that are wanted."""
        if self.area is None:
            return self.whole
        return self.part or cropped(self.whole, self.area).grid


def target_of(how: PostProcessing, source: Grid) -> Target | None:
    """Say where fields are wanted; None where their own points are.

    Distances of points begin at the south-west corner of the area, as MIR counts them: its west and south edges are a
    column and a row, its north and east edges need not be. All other grids have their points where they are, and the
    area takes those that lie in it. Of fields that do not go around the globe only points between their outermost ones
    are made.

    Raises
    ------
    GridError
        If there is no such grid, or no point of it lies in the area.
    """
    name = _name(how, source)
    is_own = name == source.label and how.rotation is None and (how.area is None or source.kind != "regular_ll")
    if not name or is_own:
        return None
    target = _target(name, how.area, how.rotation, None if how.rotation is not None else _domain(source))
    return None if how.rotation is None and _has_points_of(source, target) else target


def _name(how: PostProcessing, source: Grid) -> str:
    """The name of the grid: numbers alone are Gaussian grids, and what is only turned keeps its distances."""
    name = how.grid.strip()
    if name.isdigit():
        return f"{_letter(how.gaussian)}{name}"
    if name or how.rotation is None or source.kind == "sh":
        return name
    place = source.description
    return f"{place['dx']:.10g}x{place['dy']:.10g}" if source.kind == "regular_ll" else source.label


def _letter(gaussian: str) -> str:
    kinds = {"": "F", "regular": "F", "reduced": "N", "octahedral": "O"}
    if gaussian.lower() not in kinds:
        raise GridError(f"There are no {gaussian!r} Gaussian grids.", hint="gaussian is regular or reduced.")
    return kinds[gaussian.lower()]


@lru_cache(16_384)
def _target(name: str, area: Area | None, rotation: tuple[float, float] | None, domain: Area | None) -> Target:
    inner = area if domain is None else _intersection(area, domain)
    if inner is None:
        return Target(_whole(name, rotation, None))
    distances = distances_of(name)
    if distances is None:
        whole = _whole(name, rotation, None)
        return Target(whole, inner if area is not None or _has_rows(whole) else None)
    reference = (0.0, 0.0) if area is None else (area[1], area[2])
    local = Grid({"grid": distances, "area": inner, "reference": reference} | _rotated(rotation))
    return _within_the_globe(name, rotation, local) or Target(local)


@lru_cache(256)
def _domain(source: Grid) -> Area | None:
    """The box of the points of a grid that does not go around the globe."""
    if not _has_rows(source) and len(source.shape) == 1:
        return None  # what lists of points leave out may lie between them
    north, west, south, east = (float(edge) for edge in source.bounding_box)
    return None if (north - south, east - west) == (180.0, _CIRCLE) else (north, west, south, east)


def _intersection(area: Area | None, domain: Area) -> Area:
    """What an area and the domain of a field have in common."""
    if area is None:
        return domain
    north, south = min(area[0], domain[0]), max(area[2], domain[2])
    arcs = [(west, east) for west, east in map(partial(_arc, area, domain), (-1, 0, 1, 2)) if west <= east]
    if south > north or not arcs:
        raise GridError(
            f"The area {'/'.join(f'{edge:g}' for edge in area)} lies outside the field, which goes from "
            f"{domain[0]:g}/{domain[1]:g} to {domain[2]:g}/{domain[3]:g}.",
            hint="An area is north/west/south/east.",
        )
    west, east = max(arcs, key=lambda arc: arc[1] - arc[0])
    return north, west, south, east


def _arc(area: Area, domain: Area, turns: int) -> tuple[float, float]:
    shift = _CIRCLE * (round((area[1] - domain[1]) / _CIRCLE) + turns)
    if domain[3] - domain[1] >= _CIRCLE:
        return area[1], area[3]
    return max(area[1], domain[1] + shift), min(area[3], domain[3] + shift)


def _has_rows(grid: Grid) -> bool:
    return grid.kind in ("regular_ll", "regular_gg", "reduced_gg")


def _within_the_globe(name: str, rotation: tuple[float, float] | None, local: Grid) -> Target | None:
    """The same points as a part of the globe; None where the distance of columns does not divide the circle."""
    place = local.description
    dx, dy = place["dx"], place["dy"]
    if not (dx and dy) or abs(_CIRCLE / dx - round(_CIRCLE / dx)) > _LATTICE:
        return None
    reference = (_offset(place["west"], dx), _offset(place["south"], dy))
    whole = _whole(name, rotation, reference if any(reference) else None)
    if whole == local:
        return Target(whole)
    east = place["west"] + _CIRCLE if place["periodic"] else place["east"]
    return Target(whole, (place["north"], place["west"], place["south"], east), local)


def _offset(edge: float, step: float) -> float:
    """How far an edge is from a multiple of the distance; 0 for what is rounding."""
    offset = round(edge % step, 9)
    return 0.0 if min(offset, step - offset) < _LATTICE * step else offset


@lru_cache(1024)
def _whole(name: str, rotation: tuple[float, float] | None, reference: tuple[float, float] | None) -> Grid:
    said = _specified(name) | _rotated(rotation)
    return Grid(said if reference is None else said | {"reference": reference})


def _specified(name: str) -> dict[str, Any]:
    """A grid by its name or its specification as a specification."""
    if not name.startswith("{"):
        return {"grid": distances_of(name) or name}
    said: dict[str, Any] = json.loads(name)
    return said


def _rotated(rotation: tuple[float, float] | None) -> dict[str, Any]:
    return {} if rotation is None else {"rotation": rotation}


def _has_points_of(source: Grid, target: Target) -> bool:
    """Whether a regular grid has the distances that are wanted, and points where they are: as MIR has it, it is cut."""
    if source.kind != "regular_ll" or target.whole.kind != "regular_ll":
        return False
    here, there = source.description, target.grid.description
    if any(abs(here[step] - there[step]) > _LATTICE * here[step] for step in ("dx", "dy") if here[step]):
        return False
    offsets = ((here["west"] - there["west"]) / here["dx"], (here["south"] - there["south"]) / here["dy"])
    return all(abs(offset - round(offset)) < 1e3 * _LATTICE for offset in offsets)
