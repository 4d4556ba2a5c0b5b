"""Values at places: all that travels of a field to a table of points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import ProductError
from dtedask.geo import Grid, PointOrder, WeightsHandle
from dtedask.geo.interpolation.frame import frame_of
from dtedask.geo.weighting import named_weights
from dtedask.products.operation import Operation
from dtedask.products.operations.regrid import ensured

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.formats.stations import StationOptions, Stations

__all__ = ["Extract", "extraction", "refuse_placeless"]

_PLACELESS = {"sh": "spherical harmonics", "opaque": "bytes of which nobody knows more"}


@dataclass(frozen=True, slots=True)
class Extract(Operation):
    """Takes the values at places out of a field.

    Parameters
    ----------
    handle : WeightsHandle
        The weights from the grid of the field to the places.
    """

    name: ClassVar[str] = "extract"
    handle: WeightsHandle

    @property
    def identity(self) -> str:
        """See `Operation`."""
        return self.handle.key

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`."""
        (field,) = fields
        places = self.handle.interpolation.target
        return replace(field, grid=places, order=PointOrder(places.shape))

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.floating]:
        """See `Operation`."""
        (field,) = values
        found: NDArray[np.floating]
        (found,) = self.batch([(field,)])
        return found

    def batch(self, fields: Sequence[tuple[NDArray[np.floating], ...]]) -> list[Any]:
        """See `Operation`."""
        from dtedask.geo.application.operation import Operation as Weighing

        ensured(self.handle)
        shape = self.handle.interpolation.source.shape
        weighing = Weighing(self.handle, None, tuple((0, size) for size in shape))
        return [weighing(np.asarray(field).reshape(shape)) for (field,) in fields]

    def preparation(self) -> tuple[str, Callable[[], object]] | None:
        """See `Operation`: weights that are kept in a folder."""
        return (f"weights-{self.handle.key}", partial(ensured, self.handle)) if self.handle.location else None

    def flops(self, *fields: FieldDescription) -> float:  # noqa: ARG002 - as many as there are places
        """See `Operation`."""
        return 2.0 * self.handle.shape[0]


def extraction(field: FieldDescription, options: StationOptions) -> Operation | None:
    """The operation that takes the values of a field which the options name; None for all of its points.

    Raises
    ------
    ProductError
        If the field has no points.
    """
    refuse_placeless(field.grid)
    stations = options.stations
    return None if stations is None else _extract(field.grid, stations, options.method, options.outside)


def refuse_placeless(grid: Grid, *, takes_harmonics: bool = False) -> None:
    """Refuse what has no points.

    Raises
    ------
    ProductError
        If the grid has none.
    GridError
        If it has some, and nobody knows where they are.
    """
    if grid.kind == "unstructured":
        grid.points()
    if grid.kind in _PLACELESS and not (takes_harmonics and grid.kind == "sh"):
        raise ProductError(
            f"A field on {grid.label} is {_PLACELESS[grid.kind]} and has no values at points.",
            hint="Give the requirement a grid, such as grid: 0.25/0.25, or the format grib2.",
        )


@lru_cache(4096)
def _extract(grid: Grid, stations: Stations, method: str, outside: str) -> Extract:
    if method == "bilinear" and frame_of(grid) is None:
        raise ProductError(
            f"The points of the grid {grid.label} do not stand in rows: nothing is bilinear between them.",
            hint="Take the method linear, or nearest.",
        )
    return Extract(named_weights(grid, stations.grid, method, outside=outside))
