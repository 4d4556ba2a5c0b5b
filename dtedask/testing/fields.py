"""Small fields to archive."""

from __future__ import annotations

import numpy as np
import xarray as xr

KEYS = {"class": "rd", "stream": "oper", "expver": "test", "type": "fc", "levtype": "pl", "levelist": "500"}
KEYS |= {"date": "20240101", "time": "0000", "step": "0", "param": "t"}


def make_field(value: float, *, shape: tuple[int, int] = (12, 18), **keys: str) -> tuple[xr.DataArray, dict[str, str]]:
    """One field on a regular grid, with its MARS keys.

    Parameters
    ----------
    value : float
        The first number of the field; the others follow from it.
    shape : tuple of int
        Latitudes and longitudes, 10 degrees apart. Above 128 points a field is an object of its own.
    **keys
        MARS keys other than `KEYS`.

    Returns
    -------
    tuple of (DataArray, dict)
        What `Store.archive` takes.
    """
    noise = np.random.default_rng(abs(int(value))).random(shape, dtype="float32")
    noise.flat[0] = 0
    coordinates = {"latitude": 60 - 10.0 * np.arange(shape[0]), "longitude": 10.0 * np.arange(shape[1])}
    array = xr.DataArray(np.float32(value) + noise, dims=("latitude", "longitude"), coords=coordinates)
    return array, {**KEYS, **keys}
