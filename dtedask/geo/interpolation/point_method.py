"""What methods that take single points of the source have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.interpolation.frame import Frame, frame_of
from dtedask.geo.interpolation.method import Method, MethodOptions
from dtedask.geo.interpolation.targets import Targets

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.grid import Grid

_Array = NDArray[np.float64]
Entries = tuple[NDArray[np.int64], _Array]
"""Columns and weights of points, both of shape (points, width); columns are -1 where there are fewer."""


class PointOptions(MethodOptions):
    """Options of all methods of points."""

    outside: Literal["missing", "nearest"] = "missing"
    """What points outside of a regional source get: no value, or that of the nearest point."""


@dataclass(frozen=True, slots=True, eq=False)
class OnRows:
    """A source with rows and the points of a target.

    Parameters
    ----------
    frame : Frame
        The rows of the source.
    targets : Targets
        Points of the target.
    """

    frame: Frame
    targets: Targets


class RowsMethod(Method):
    """A method on sources that have rows: regular, reduced, rotated and projected grids, and HEALPix."""

    Options: ClassVar[type[MethodOptions]] = PointOptions
    options: Any

    def prepare(self, source: Grid, target: Grid) -> Any:
        """Take the rows of the source and the points of the target; neither costs time or memory."""
        frame = frame_of(source)
        if frame is None:
            raise GridError(
                f"The grid {source.label} has no rows of points.",
                hint="Take linear, nearest or k-nearest, which go from any points to any others.",
            )
        return OnRows(frame, Targets.of(target))

    def block(self, prepared: OnRows, source: Grid, target: Grid, first: int, last: int) -> csr_array:  # noqa: ARG002
        """Make the weights of some points of the target."""
        from dtedask.geo.interpolation.assembly import assembled

        frame = prepared.frame
        latitude, longitude = frame.enter(*prepared.targets.part(first, last))
        columns, weights = self.entries(frame, latitude, longitude)
        if self.options.outside == "nearest":
            _fill(frame, latitude, longitude, columns, weights)
        return assembled(frame, columns, weights, size=source.size)

    @abstractmethod
    def entries(self, frame: Frame, latitude: _Array, longitude: _Array) -> Entries:
        """Make columns and weights of points in the frame of the source; only -1 for those outside."""


def _fill(frame: Frame, latitude: _Array, longitude: _Array, columns: NDArray[np.int64], weights: _Array) -> None:
    """Give points without weights the nearest point of the source."""
    from dtedask.geo.interpolation.nearest_kernel import nearest_points

    empty = np.flatnonzero(np.all(columns == -1, axis=1) & np.isfinite(latitude) & np.isfinite(longitude))
    if not empty.size:
        return
    found = np.full((empty.size, 1), -1, np.int64)
    nearest_points(frame.rows, latitude[empty], longitude[empty], np.inf, found, np.empty(found.shape))
    columns[empty, 0], weights[empty, 0] = found[:, 0], 1.0


def blank(points: int, width: int) -> tuple[Any, Any]:
    """Make room for columns and weights."""
    return np.full((points, width), -1, np.int64), np.zeros((points, width))
