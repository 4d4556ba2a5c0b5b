"""Which grid MIR's keywords mean, and which part of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from dtedask.core.errors import GridError
from dtedask.geo import Grid, cropped

if TYPE_CHECKING:
    from dtedask.geo.area import Area
    from dtedask.products.requirement import PostProcessing

__all__ = ["Target", "target_of"]

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
    """

    whole: Grid
    area: Area | None = None


def target_of(how: PostProcessing) -> Target:
    """Say where fields are wanted that come from any other grid.

    Distances of points begin at the south-west corner of the area, as MIR counts them: its west and south edges are a
    column and a row, its north and east edges need not be. All other grids have their points where they are, and the
    area takes those that lie in it.

    Raises
    ------
    GridError
        If there is no such grid, or no point of it lies in the area.
    """
    return _target(how.grid, how.area, how.rotation)


@lru_cache(4096)
def _target(name: str, area: Area | None, rotation: tuple[float, float] | None) -> Target:
    said: dict[str, object] = {"grid": name}
    if rotation is not None:
        said["rotation"] = rotation
    if area is None:
        return Target(Grid(said))
    distances = _distances(name)
    if distances is None:
        return Target(Grid(said), area)
    said["grid"] = distances
    local = Grid(said | {"area": area})
    return _within_the_globe(said, area, local) or Target(local)


def _within_the_globe(said: dict[str, object], area: Area, local: Grid) -> Target | None:
    """The same points as a part of the globe; None where the distance of columns does not divide the circle."""
    whole = Grid(said | {"reference": (area[1], area[2])})
    plain = Grid(said)
    try:
        for one in (plain, whole):
            if cropped(one, area).grid == local:
                return Target(one, area if local != one else None)
    except GridError:  # no point of it lies in the area
        return None
    return None


def _distances(name: str) -> tuple[float, float] | None:
    from dtedask.geo.grids.named import distances_of

    return distances_of(name)
