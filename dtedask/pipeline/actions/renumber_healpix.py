"""The action `renumber-healpix`: HEALPix fields from one order of points to the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dtedask.core.errors import FieldError
from dtedask.geo import Grid, PointOrder, places_of, reordered
from dtedask.pipeline.action import Action, ActionOptions
from dtedask.pipeline.keys.glossary import value_of
from dtedask.pipeline.values.numbers import numbers_of

if TYPE_CHECKING:
    from dtedask.grib import Coordinate
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

Ordering = Literal["ring", "nested"]


class RenumberHealpixOptions(ActionOptions):
    """The grid of the field changes with its values: H128 and H128-nested are two grids."""

    type: Literal["renumber-healpix"] = "renumber-healpix"
    """What the action does."""
    to: Ordering = "nested"
    """The order that fields have afterwards; those that have it already go on as they are."""
    cache_file_name: str = Field("", alias="cache-file-name")
    """Accepted from MultIO's plans, without effect: the order is computed, no file is needed."""


@dataclass(frozen=True, slots=True)
class Renumber:
    """Puts values into another order of HEALPix.

    Parameters
    ----------
    nside : int
        Points along the side of a face.
    to : {"ring", "nested"}
        The order wanted.
    """

    nside: int
    to: Ordering

    def __call__(self, values: Any) -> Any:
        """Reorder an array over the points."""
        places = places_of(self.nside, self.to)
        if values.shape[-1] != places.size:
            raise FieldError(
                f"A field of {values.shape[-1]} points is on no HEALPix grid of nside {self.nside} "
                f"({places.size} points).",
                hint="Look at the grid that the field says it is on.",
            )
        return values[..., places]


class RenumberHealpix(Action):
    """Renumbers the points of fields on HEALPix; other messages go on as they are."""

    Options = RenumberHealpixOptions

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        return [message] if not message.is_field else [renumbered(message, self.options.to, compute)]


def renumbered(message: Message, to: Ordering, compute: Compute) -> Message:
    """Return a field on HEALPix in one order of points.

    Raises
    ------
    FieldError
        If it is not on HEALPix, or its grid has no other order.
    """
    found = _other_order(_grid_of(message), to)
    if found is None:
        return message
    wanted, renumber = found
    keys: dict[str, str] = {"orderingConvention": to, "grid": wanted.label}
    changes: dict[str, Any] = {
        "values": compute.call("renumber-healpix", renumber, numbers_of(message, "renumber-healpix")),
        "keys": {**message.keys, **{key: value for key, value in keys.items() if key in message.keys}},
        "data": None,
    }
    if message.description is not None:
        changes["description"] = replace(message.description, grid=wanted, order=PointOrder(wanted.shape))
    if message.coordinates is not None:
        changes["coordinates"] = _Coordinates(message.coordinates).renumbered(renumber)
    return message.replaced(**changes)


@lru_cache(64)
def _other_order(grid: Grid, to: Ordering) -> tuple[Grid, Renumber] | None:
    """Give the grid in an order, and what renumbers its points; None where it has the order."""
    wanted = reordered(grid, to)
    return None if wanted == grid else (wanted, Renumber(int(grid.description["nside"]), to))


def _grid_of(message: Message) -> Grid:
    """Grid of a field, which the keys of a model's message may give alone."""
    if message.description is not None:
        return message.description.grid
    nside, ordering = value_of(message, "nside"), value_of(message, "orderingConvention")
    if (value_of(message, "gridType") or "").lower() != "healpix" or nside is None or ordering is None:
        raise FieldError(
            f"The {message} does not say which HEALPix grid it is on.",
            hint="Its keys gridType (healpix), Nside and orderingConvention (ring or nested) do.",
        )
    size = 12 * int(nside) ** 2
    return Grid.of("healpix", {"nside": int(nside), "ordering": ordering.lower()}, ("values",), (size,))


class _Coordinates:
    """Coordinates of a grid by their identity: fields of a grid share them, and they are reordered once."""

    def __init__(self, coordinates: Any) -> None:
        self.coordinates = coordinates

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Coordinates) and self.coordinates is other.coordinates

    def __hash__(self) -> int:
        return id(self.coordinates)

    def renumbered(self, renumber: Renumber) -> dict[str, Coordinate]:
        """Coordinates in the other order, one object for all fields."""
        return _renumbered(self, renumber)


@lru_cache(16)
def _renumbered(coordinates: _Coordinates, renumber: Renumber) -> dict[str, Coordinate]:
    return {name: replace(one, values=renumber(one.values)) for name, one in coordinates.coordinates.items()}
