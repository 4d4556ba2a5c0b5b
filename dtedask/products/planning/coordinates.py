"""Coordinates of the grids of products, made when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dtedask.grib.coordinates import of_grid
from dtedask.products.node import inputs_of
from dtedask.products.planning.read import Read

if TYPE_CHECKING:
    from dtedask.geo import Grid
    from dtedask.grib import Coordinate
    from dtedask.products.node import Node

__all__ = ["Coordinates"]


class Coordinates(Mapping[str, Mapping[str, "Coordinate"]]):
    """Coordinates of the grids of some nodes, by the grids' uid; made once for all makes that share this."""

    def __init__(self) -> None:
        self._waiting: list[Node] = []
        self._nodes: dict[str, Node] = {}
        self._met: dict[int, Grid] = {}
        self._known: dict[str, Mapping[str, Coordinate]] = {}

    def note(self, node: Node) -> None:
        """Keep in mind that a node is on some grid."""
        self._waiting.append(node)

    def __getitem__(self, uid: str) -> Mapping[str, Coordinate]:
        if uid not in self._known:
            self._known[uid] = _coordinates(self._by_grid[uid])
        return self._known[uid]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_grid)

    def __len__(self) -> int:
        return len(self._by_grid)

    @property
    def _by_grid(self) -> Mapping[str, Node]:
        while self._waiting:
            node = self._waiting.pop()
            grid = node.description.grid
            if id(grid) not in self._met:
                self._met[id(grid)] = grid  # held, so that its identity stays its own
                self._nodes.setdefault(grid.uid, node)
        return self._nodes


def _coordinates(node: Node) -> Mapping[str, Coordinate]:
    """Those of its grid; where only messages know where the points are, those of the field that it is made of."""
    grid = node.description.grid
    found = of_grid(grid)
    if found is not None:
        return found
    for one in inputs_of([node]):
        if isinstance(one.operation, Read) and one.description.grid == grid:
            return one.operation.coordinates()
    return {}
