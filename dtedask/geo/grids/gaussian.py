"""Latitudes of Gaussian grids, and the rows of the classic reduced ones."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=16)
def gaussian_latitudes(number: int) -> NDArray[np.float64]:
    """Return the latitudes of a Gaussian grid: where the Legendre polynomial of degree 2 `number` is 0.

    Parameters
    ----------
    number : int
        Rows between a pole and the equator.

    Returns
    -------
    numpy.ndarray of float64, shape (2 * number,)
        Degrees, north to south; symmetric. Not to be changed.
    """
    import ducc0

    north = 90.0 - np.rad2deg(ducc0.misc.GL_thetas(2 * number)[:number])
    latitudes = np.concatenate([north, -north[::-1]])
    latitudes.flags.writeable = False
    return latitudes


def octahedral(number: int) -> list[int]:
    """Return the row lengths of the octahedral reduced Gaussian grid, north to south."""
    half = [20 + 4 * row for row in range(number)]
    return half + half[::-1]


def classic_numbers() -> list[int]:
    """Return the numbers of the classic reduced Gaussian grids that are known."""
    return sorted(_tables())


@lru_cache(maxsize=4)
def classic(number: int) -> list[int] | None:
    """Return the row lengths of ECMWF's classic reduced Gaussian grid, north to south; None if there is none."""
    runs = _tables().get(number)
    if runs is None:
        return None
    half: list[int] = []
    for run in runs.split():
        length, _, times = run.partition("*")
        half += [int(length)] * int(times or 1)
    return half + half[::-1]


@lru_cache(maxsize=1)
def _tables() -> dict[int, str]:
    text = files("dtedask.geo.grids").joinpath("data/reduced_gaussian.txt").read_text("ascii")
    lines = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {int(number): runs for number, _, runs in lines}
