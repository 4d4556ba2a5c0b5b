"""Several areas of one field: a larger one is made once and they are cut out of it, where that is less work."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from dtedask.products.node import inputs_of
from dtedask.products.operations.crop import Crop
from dtedask.products.operations.regrid import Regrid

if TYPE_CHECKING:
    from dtedask.geo import Grid
    from dtedask.geo.area import Area
    from dtedask.products.node import Node, Nodes

__all__ = ["covering_areas", "share_areas"]

_CIRCLE = 360.0


def share_areas(nodes: Nodes, wanted: Iterable[Node]) -> dict[Node, Node]:
    """Find what is to be computed in place of nodes, with the same bits and less work.

    Parameters
    ----------
    nodes : Nodes
        Makes the nodes that take their place.
    wanted : iterable of Node
        What is wanted in the end.

    Returns
    -------
    dict of Node to Node
        For those of `wanted`, and of what is behind them, that are made in another way, how. Their keys are other ones:
        who names results by keys takes those of the nodes that were asked for.
    """
    every = inputs_of(wanted)
    found: dict[Node, Node] = {}
    for group in _areas_of_one(every):
        found |= _covered(nodes, group)
    if not found:
        return {}
    for node in every:
        inputs = tuple(found.get(one, one) for one in node.inputs)
        if node not in found and inputs != node.inputs:
            found[node] = nodes.make(node.operation, *inputs, is_checked=True)
    return found


def _areas_of_one(every: Iterable[Node]) -> list[list[Node]]:
    """Nodes that put one field on parts of one grid by the same weights."""
    groups: dict[tuple[object, ...], list[Node]] = {}
    wholes: dict[int, Regrid] = {}
    for node in every:
        operation = node.operation
        if isinstance(operation, Regrid):
            if id(operation) not in wholes:
                wholes[id(operation)] = replace(operation, area=None, part=None)
            place = (wholes[id(operation)], *node.inputs)
            groups.setdefault(place, []).append(node)
    return [group for group in groups.values() if len(group) > 1]


def _covered(nodes: Nodes, group: Sequence[Node]) -> dict[Node, Node]:
    operations = [node.operation for node in group]
    assert all(isinstance(operation, Regrid) for operation in operations)
    areas = [operation.area for operation in operations if isinstance(operation, Regrid)]
    whole = operations[0]
    assert isinstance(whole, Regrid)
    coverings = covering_areas(areas, whole.handle.interpolation.target)
    found: dict[Node, Node] = {}
    made: dict[Covering, Node] = {}
    for node, area, covering in zip(group, areas, coverings, strict=True):
        if covering is None or area is None:
            continue
        if covering not in made:
            made[covering] = nodes.make(replace(whole, area=covering.area, part=None), *node.inputs)
        larger = made[covering]
        if larger.description.grid != node.description.grid:
            cut = _cut(larger.description.grid, area)
            found[node] = nodes.make(cut, larger, described=node.description)
        elif larger is not node:
            found[node] = larger
    return found


@lru_cache(65_536)
def _cut(grid: Grid, area: Area) -> Crop:
    """What cuts an area out of a grid: one object for all fields, so that its grid is made out once."""
    return Crop(grid, area)


@dataclass(slots=True, eq=False)
class Covering:
    """What several areas are cut out of.

    Parameters
    ----------
    area : tuple of float, optional
        North, west, south, east; None for the whole grid.
    points : float
        About how many points it has.
    members : int
        How many areas are cut out of it.
    """

    area: Area | None
    points: float
    members: int = 1


def covering_areas(areas: Sequence[Area | None], whole: Grid) -> list[Covering | None]:
    """Decide which areas of a grid are cut out of larger ones.

    Parameters
    ----------
    areas : sequence of tuple of float or None
        North, west, south, east; None for the whole grid.
    whole : Grid
        The grid.

    Returns
    -------
    list of Covering or None
        For each area what it is cut out of; None where it is made by itself. All points of a covering area are made
        once, so it pays as long as it grows by fewer points than the area has that it takes in.
    """
    if None in areas:
        globe = Covering(None, float(whole.size), len(areas))
        return [None if area is None else globe for area in areas]
    known = [area for area in areas if area is not None]
    is_table = len(whole.shape) == 2  # parts of reduced grids cannot be cut again
    groups = _grouped(known, whole) if is_table else _alone(known, whole)
    total = sum(group.points for group in set(groups))
    if total > whole.size and len(known) > 1:
        globe = Covering(None, float(whole.size), len(known))
        return [globe] * len(known)
    return [group if group.members > 1 else None for group in groups]


def _alone(areas: Sequence[Area], whole: Grid) -> list[Covering]:
    return [Covering(area, _points(area, whole)) for area in areas]


def _grouped(areas: Sequence[Area], whole: Grid) -> list[Covering]:
    """Put each area, the largest first, to that covering one that grows least."""
    places: list[Covering] = []
    of_area: dict[int, Covering] = {}
    points = [_points(area, whole) for area in areas]
    for number in sorted(range(len(areas)), key=lambda number: -points[number]):
        area, own = areas[number], points[number]
        grown = [
            (_points(box, whole) - place.points, box, place) for place in places if (box := _union(place.area, area))
        ]
        best = min(grown, key=lambda one: one[0], default=None)
        if best is None or best[0] >= own:
            of_area[number] = Covering(area, own)
            places.append(of_area[number])
            continue
        growth, box, place = best
        place.area, place.points, place.members = box, place.points + growth, place.members + 1
        of_area[number] = place
    return [of_area[number] for number in range(len(areas))]


def _points(area: Area, whole: Grid) -> float:
    """About how many points of a grid lie in an area."""
    north, west, south, east = area
    step, size = _step(whole), whole.size
    share = (max(north - south, 0.0) + step) / 180.0 * (east - west + step) / _CIRCLE
    return min(share, 1.0) * size


def _step(whole: Grid) -> float:
    return 180.0 / math.sqrt(max(whole.size / 2.0, 1.0))


def _union(first: Area | None, second: Area) -> Area | None:
    """The smallest box around two; None where it goes around the globe."""
    if first is None:
        return None
    boxes = []
    for one, other in ((first, second), (second, first)):
        shift = (other[1] - one[1]) % _CIRCLE
        boxes.append((one[1], max(one[3], one[1] + shift + other[3] - other[1])))
    west, east = min(boxes, key=lambda box: box[1] - box[0])
    if east - west >= _CIRCLE - 1e-6:
        return None
    return (max(first[0], second[0]), west, min(first[2], second[2]), east)
