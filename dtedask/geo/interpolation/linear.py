"""Linear interpolation in triangles between the points of the source: finite elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.interpolation.point_method import Entries, RowsMethod, blank

if TYPE_CHECKING:
    from dtedask.geo.interpolation.frame import Frame

_Array = NDArray[np.float64]


class Linear(RowsMethod):
    """Barycentric weights in the triangle on which a point is projected from the centre of the Earth."""

    def entries(self, frame: Frame, latitude: _Array, longitude: _Array) -> Entries:
        """Make the weights of the three corners; around a pole that has no points, of the ring there too."""
        from dtedask.geo.interpolation.linear_kernel import linear_weights

        columns, weights = blank(len(latitude), 4)
        linear_weights(frame.rows, (frame.has_north, frame.has_south), latitude, longitude, columns, weights)
        return columns, weights
