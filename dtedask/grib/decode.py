"""Decode the values of a message."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GribSyntaxError, GribUnsupportedError
from dtedask.geo import PointOrder
from dtedask.grib.handles import MISSING, Handle
from dtedask.grib.integrity import check_data
from dtedask.grib.sections import BrokenMessageError, Frame


def decode(
    data: bytes | memoryview, order: PointOrder, *, dtype: str = "float32", out: NDArray[np.floating] | None = None
) -> NDArray[np.floating]:
    """Decode a message: ecCodes' float64 values, rounded to `dtype`, in our order of points.

    Parameters
    ----------
    data : bytes or memoryview
        One whole message with one field.
    order : PointOrder
        From the message's `FieldDescription`.
    dtype : str
        Type of the result when `out` is not given.
    out : numpy.ndarray, optional
        Written in place; its shape is `order.shape`.

    Returns
    -------
    numpy.ndarray, shape `order.shape`
        Missing points are NaN.

    Raises
    ------
    GribSyntaxError
        If the bytes are no whole message of one field.
    GribUnsupportedError
        If ecCodes cannot decode the values, or they do not fit into `dtype`.
    """
    may_miss = _check(data).may_miss_points
    with Handle(data) as handle:
        values = handle.values(marks_missing=may_miss)
    if values.size != math.prod(order.shape):
        raise GribUnsupportedError(
            f"The message holds {values.size} values for a grid of shape {order.shape}.",
            hint="The message is damaged: fetch it again.",
        )
    if may_miss:
        values[values == MISSING] = np.nan
    try:
        with np.errstate(over="raise", invalid="ignore", under="ignore"):
            return order.apply(values, dtype=dtype, out=out)
    except FloatingPointError as error:
        raise GribUnsupportedError(
            f"Values up to {np.nanmax(np.abs(values)):g} do not fit into {dtype}.",
            hint="Decode with dtype='float64' ('dtype: float64' in the schema).",
        ) from error


def _check(data: bytes | memoryview) -> Frame:
    """Refuse what would make ecCodes end the process."""
    try:
        return check_data(data)
    except BrokenMessageError as error:
        raise GribSyntaxError(f"These bytes are no message: {error.reason}.", hint="Fetch them again.") from error
