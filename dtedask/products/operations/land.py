"""Land and sea kept apart: masks of files, on the grids between which a field is interpolated."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo import Grid

__all__ = ["FILES", "MASK_OPTIONS", "masks_of"]

FILES = ("lsm_file", "lsm_file_input", "lsm_file_output")
MASK_OPTIONS = (*FILES, "lsm_weight_adjustment", "lsm_value_threshold", "lsm_selection", "lsm_interpolation")
_FACTOR = 0.2
_THRESHOLD = 0.5
_HINT = "Give `lsm-file`, or `lsm-file-input` and `lsm-file-output`: GRIB with the fraction of land on any grid."


def masks_of(source: Grid, target: Grid, options: Mapping[str, Any], stamp: object) -> dict[str, Any]:
    """What weights need that keep land and sea apart, as MIR's words say.

    Parameters
    ----------
    source, target : Grid
        The grids.
    options : mapping
        Those of `MASK_OPTIONS` that are given; hyphens are underscores. The factor of points of the other kind is 0.2
        (``lsm-weight-adjustment``), and what is 0.5 or more is land (``lsm-value-threshold``).
    stamp : hashable
        Changes when files do.

    Raises
    ------
    GridError
        If a file is not named, or is no field.
    """
    threshold = float(options.get("lsm_value_threshold", _THRESHOLD))
    found: dict[str, Any] = {"mask_factor": float(options.get("lsm_weight_adjustment", _FACTOR))}
    for side, grid in (("input", source), ("output", target)):
        path = options.get(f"lsm_file_{side}", options.get("lsm_file"))
        if not path:
            raise GridError(f"Which points are land is not known for {grid.label} (lsm).", hint=_HINT)
        name = "source_mask" if side == "input" else "target_mask"
        found[name] = _fractions(str(path), grid, stamp) >= threshold
    return found


@lru_cache(16)
def _fractions(path: str, grid: Grid, _stamp: object) -> NDArray[np.float64]:
    """The fraction of land at the points of a grid: that of the nearest point of the file, as MIR takes it."""
    values, there = _read(path)
    if there == grid:
        return values
    from dtedask.geo import regrid

    return np.asarray(regrid(values, grid, "nearest", source=there, cache=False), np.float64)


def _read(path: str) -> tuple[NDArray[np.float64], Grid]:
    from dtedask.grib import decode, scan

    try:
        message = next(iter(scan(Path(path).read_bytes())))
    except (OSError, StopIteration) as error:
        raise GridError(f"There is no field of land and sea in {path}: {error or 'it is empty'}", hint=_HINT) from error
    values = decode(message.read(), message.field.order, dtype="float64")
    return np.nan_to_num(values).astype(np.float64, copy=False), message.field.grid
