"""Forecasts made with ecCodes for the benchmarks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dtedask.grib.library import eccodes

PARAMETERS = (130, 131, 132, 129, 133)
LEVELS = (1000, 925, 850, 700, 500, 400, 300, 250, 100, 50)


def octahedral_rows(number: int) -> np.ndarray:
    """Points of each row of an octahedral reduced Gaussian grid, north to south."""
    half = np.array([20 + 4 * row for row in range(number)])
    return np.concatenate([half, half[::-1]])


def octahedral_handle(number: int) -> tuple[int, int]:
    """A message on an octahedral grid such as O96, and its number of points."""
    handle = eccodes.codes_grib_new_from_samples("reduced_gg_pl_320_grib2")
    rows, last = octahedral_rows(number), eccodes.codes_get_gaussian_latitudes(number)[0]
    for key, value in {
        "N": number, "Nj": 2 * number,
        "latitudeOfFirstGridPointInDegrees": last, "latitudeOfLastGridPointInDegrees": -last,
        "longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 360 - 360 / rows.max(),
    }.items():  # fmt: skip
        eccodes.codes_set(handle, key, value)
    eccodes.codes_set_array(handle, "pl", rows)
    return handle, int(rows.sum())


def quarter_degree_handle() -> tuple[int, int]:
    """A message on the global regular grid of 0.25 degrees, and its number of points."""
    handle = eccodes.codes_grib_new_from_samples("regular_ll_pl_grib2")
    for key, value in {
        "Ni": 1440, "Nj": 721, "iDirectionIncrementInDegrees": 0.25, "jDirectionIncrementInDegrees": 0.25,
        "latitudeOfFirstGridPointInDegrees": 90, "latitudeOfLastGridPointInDegrees": -90,
        "longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 359.75,
    }.items():  # fmt: skip
        eccodes.codes_set(handle, key, value)
    return handle, 1440 * 721


def smooth_field(points: int, seed: int = 1) -> np.ndarray:
    """Waves of many lengths with a little noise, which packs and compresses as weather does."""
    generator = np.random.default_rng(seed)
    place = np.linspace(0, 2 * np.pi, points)
    values = np.full(points, 280.0)
    for wave in (1, 3, 7, 19, 57, 1440):
        values += 10 / np.sqrt(wave) * np.sin(wave * place + generator.uniform(0, 6))
    return values + 0.05 * generator.standard_normal(points)


def write_forecast(
    path: Path,
    grid: str,
    fields: int,
    *,
    step: int = 0,
    packing: str = "grid_ccsds",
    stream: str = "oper",
    parameters: Sequence[int] = PARAMETERS,
) -> int:
    """Write fields of a deterministic forecast: parameters x levels, then steps of six hours from `step` on.

    Returns
    -------
    int
        Bytes of the file.
    """
    handle, points = quarter_degree_handle() if grid == "0.25" else octahedral_handle(int(grid[1:]))
    for key, value in {
        "tablesVersion": 32, "setLocalDefinition": 1, "class": "od", "stream": stream, "type": "fc", "expver": "0001",
        "dataDate": 20240603, "dataTime": 0, "bitsPerValue": 16, "packingType": packing,
    }.items():  # fmt: skip
        eccodes.codes_set(handle, key, value)
    combinations = itertools.islice(
        ((first, param, level) for first in itertools.count(step, 6) for param in parameters for level in LEVELS),
        fields,
    )
    with path.open("wb") as file:
        for number, (at, param, level) in enumerate(combinations):
            if number % 10 == 0:
                eccodes.codes_set_values(handle, smooth_field(points, number % 97))
            eccodes.codes_set(handle, "paramId", param)
            eccodes.codes_set(handle, "level", level)
            eccodes.codes_set(handle, "step", at)
            file.write(eccodes.codes_get_message(handle))
    eccodes.codes_release(handle)
    return path.stat().st_size
