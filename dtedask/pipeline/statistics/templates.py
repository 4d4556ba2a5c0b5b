"""Messages without values as JSON: keys, description, and the coordinates of each grid once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from dtedask.geo import Grid, PointOrder
from dtedask.grib import Coordinate, FieldDescription
from dtedask.pipeline.message import Kind, Message

if TYPE_CHECKING:
    import numpy as np


@dataclass(slots=True)
class Templates:
    """What messages share: grids, with the order of their points and their coordinates.

    Parameters
    ----------
    grids : list of dict
        Grid, order and coordinates of each, as JSON has them; arrays of coordinates are kept apart.
    """

    grids: list[dict[str, Any]] = field(default_factory=list)
    _places: dict[Any, int] = field(default_factory=dict)
    _held: dict[int, tuple[Grid, PointOrder, Mapping[str, Coordinate] | None]] = field(default_factory=dict)

    def add(self, message: Message, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
        """Return a message as JSON has it; arrays of coordinates that are new are put with the others."""
        document: dict[str, Any] = {"keys": dict(message.keys), "origin": message.origin}
        if message.description is not None:
            said = {one.name: getattr(message.description, one.name) for one in fields(FieldDescription)}
            grid, order = said.pop("grid"), said.pop("order")
            document |= {"description": said | {"keys": dict(said["keys"]), "attributes": dict(said["attributes"])}}
            document["grid"] = self._place(grid, order, message.coordinates, arrays)
        return document

    def document(self) -> list[dict[str, Any]]:
        """Return what JSON holds of the grids."""
        return self.grids

    @classmethod
    def load(cls, document: list[dict[str, Any]], arrays: Mapping[str, np.ndarray]) -> Self:
        """Return what was saved."""
        found = cls(document)
        for place, one in enumerate(document):
            found._held[place] = (_grid(one["grid"]), _order(one["order"]), _coordinates(one["coordinates"], arrays))
        return found

    def message(self, document: dict[str, Any]) -> Message:
        """Return a message of what `add` gave."""
        if "description" not in document:
            return Message(Kind.FIELD, document["keys"], origin=document["origin"])
        said = dict(document["description"])
        grid, order, coordinates = self._held[document["grid"]]
        interval = said["interval"]
        said["interval"] = None if interval is None else tuple(interval)
        said["product"] = tuple((key, value) for key, value in said["product"])
        description = FieldDescription(grid=grid, order=order, **said)
        return Message(Kind.FIELD, document["keys"], None, description, coordinates, origin=document["origin"])

    def _place(
        self,
        grid: Grid,
        order: PointOrder,
        coordinates: Mapping[str, Coordinate] | None,
        arrays: dict[str, np.ndarray],
    ) -> int:
        known = (grid, order, id(coordinates))
        if known not in self._places:
            self._places[known] = place = len(self.grids)
            self.grids.append(
                {
                    "grid": asdict(grid),
                    "order": asdict(order),
                    "coordinates": None if coordinates is None else _saved(coordinates, place, arrays),
                }
            )
        return self._places[known]


def _saved(coordinates: Mapping[str, Coordinate], place: int, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    found = {}
    for name, coordinate in coordinates.items():
        array = f"grid-{place}-{name}"
        arrays[array] = coordinate.values
        found[name] = {"dims": list(coordinate.dims), "values": array, "attrs": dict(coordinate.attrs)}
    return found


def _coordinates(document: dict[str, Any] | None, arrays: Mapping[str, np.ndarray]) -> dict[str, Coordinate] | None:
    if document is None:
        return None
    return {name: Coordinate(tuple(one["dims"]), arrays[one["values"]], one["attrs"]) for name, one in document.items()}


def _grid(document: dict[str, Any]) -> Grid:
    return Grid(document["kind"], document["spec"], tuple(document["dims"]), tuple(document["shape"]))


def _order(document: dict[str, Any]) -> PointOrder:
    shape, row_lengths = tuple(document["shape"]), tuple(document["row_lengths"])
    return PointOrder(**{**document, "shape": shape, "row_lengths": row_lengths})
