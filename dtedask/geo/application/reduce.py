"""Largest and smallest values and other statistics of the source points of each target point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.application.apply import in_parts, where_of

if TYPE_CHECKING:
    from dtedask.geo.application.compact import CompactWeights
    from dtedask.geo.interpolation.method import Reduction

_CODES: dict[str, int] = {
    "count": 0,
    "mean": 1,
    "minimum": 2,
    "maximum": 3,
    "variance": 4,
    "standard-deviation": 5,
    "skewness": 6,
    "kurtosis": 7,
}


def reduce_rows(weights: CompactWeights, fields: NDArray[np.floating], reduction: Reduction) -> NDArray[np.floating]:
    """Make a statistic of the source points that each row of weights names; weights themselves do not matter.

    Parameters
    ----------
    weights : CompactWeights
        Rows of the target.
    fields : numpy.ndarray of float32 or float64, shape (fields, source points)
        Any strides. NaN is left out.
    reduction : Reduction
        Any but ``sum``. Variances are those of samples (n - 1); kurtosis is the excess.

    Returns
    -------
    numpy.ndarray, shape (fields, target points)
        NaN where no point is left.
    """
    from dtedask.geo.application.row_kernels import reduce_fields

    out = np.empty((len(fields), weights.shape[0]), fields.dtype)
    witness = np.zeros((1, 1), fields.dtype)

    def part(first: int, last: int) -> None:
        rows = (weights.starts, weights.columns, weights.data)
        edges = (int(weights.blocks[first]), int(weights.blocks[last]))
        reduce_fields(witness, rows, _CODES[reduction], where_of(fields), out, edges)

    if out.size:
        in_parts(part, len(weights.blocks) - 1, out.size)
    return out
