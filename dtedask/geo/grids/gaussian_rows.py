"""Rows of Gaussian grids, whole or those of an area."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.grids.angles import CIRCLE
from dtedask.geo.grids.gaussian import gaussian_latitudes
from dtedask.geo.grids.rows import Rows, rows_of

# Edges of areas are coded in millionths of a degree, in edition 1 in thousandths.
_TOLERANCES = (1e-9, 1e-6, 1e-3)


def latitudes_of(place: dict[str, Any]) -> NDArray[np.float64]:
    """Return the latitudes of a Gaussian grid's description, north to south."""
    first, count = place.get("rows", (0, 2 * place["n"]))
    return gaussian_latitudes(place["n"])[first : first + count]


def reduced_rows(place: dict[str, Any]) -> Rows | None:
    """Return the rows of a reduced Gaussian grid; None if its area does not give as many points as it has."""
    latitude, lengths = latitudes_of(place), np.array(place["pl"], np.int64)
    if "size" not in place:
        return rows_of(latitude, lengths, 0.0, CIRCLE / lengths, True)
    span = (place["east"] - place["west"]) % CIRCLE
    # MIR writes 180 to 180 for what goes around the globe from the date line
    for whole in (span, CIRCLE) if span == 0 else (span,):
        for tolerance in _TOLERANCES:
            first, count = points_between(lengths, *eastwards(place["west"], whole), tolerance)
            if count.sum() == place["size"]:
                step = CIRCLE / lengths
                return rows_of(latitude, count, first * step, step, count == lengths)
    return None


def eastwards(west: float, span: float) -> tuple[float, float]:
    """Put the west edge of an area in [0, 360), or west of Greenwich if the area reaches over Greenwich."""
    west %= CIRCLE
    return (west - CIRCLE if west + span >= CIRCLE and span < CIRCLE else west), span


def points_between(
    lengths: NDArray[np.int64], west: float, span: float, tolerance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the points of each row in a span of longitudes: the first one, counted from Greenwich, and how many."""
    step = CIRCLE / lengths
    first = np.ceil((west - tolerance) / step).astype(np.int64)
    last = np.floor((west + span + tolerance) / step).astype(np.int64)
    return first, np.clip(last - first + 1, 0, lengths)
