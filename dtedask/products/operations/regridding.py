"""Which weights MIR's keywords mean."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dtedask.geo.application.missing import DEFAULT, checked_policy
from dtedask.products.operations.land import FILES, MASK_OPTIONS, masks_of
from dtedask.products.operations.regrid import Regrid

if TYPE_CHECKING:
    from dtedask.geo import Grid, WeightsHandle
    from dtedask.products.operations.targets import Target
    from dtedask.products.requirement import PostProcessing

__all__ = ["BESIDE", "NEAREST_LSM", "PATHS", "regridding"]

_GAP = "simulated_missing_value"
NEAREST_LSM = "nearest-lsm"
"""The nearest point of the same kind, land or sea."""
PATHS = (*FILES, "interpolation_matrix")
"""Options that name files."""
BESIDE = (*MASK_OPTIONS, "interpolation_matrix", "caching", _GAP, f"{_GAP}_epsilon")
"""Options of MIR that stand beside those of the method."""


def regridding(source: Grid, target: Target, how: PostProcessing, kept: Hashable) -> Regrid:
    """Name the weights; they are made when the first field goes through them.

    Parameters
    ----------
    source : Grid
        Where values are.
    target : Target
        Where they are wanted.
    how : PostProcessing
        Method, its options, and what is done with missing values.
    kept : hashable
        What else weights depend on: settings, which take long to read, and files that may change. For others of the
        same name is looked no more than once.

    Raises
    ------
    GridError
        If there is no such method or option, or it cannot do these grids.
    """
    options: dict[str, Any] = {name.replace("-", "_"): value for name, value in how.method_options}
    simulated, tolerance = float(options.pop(_GAP, 9999.0)), float(options.pop(f"{_GAP}_epsilon", 0.0))
    missing = checked_policy(how.missing or DEFAULT)
    method = how.interpolation or "linear"
    handle = _handle(source, target.whole, method, tuple(sorted(options.items())), how.lsm, kept)
    return Regrid(handle, target.area, missing, simulated, tolerance, target.part)


@lru_cache(4096)
def _handle(
    source: Grid, whole: Grid, method: str, options: tuple[tuple[str, Any], ...], has_masks: bool, kept: Hashable
) -> WeightsHandle:
    from dtedask.geo.weighting.front import named_weights

    said = dict(options)
    of_masks = {name: said.pop(name) for name in MASK_OPTIONS if name in said}
    if method == NEAREST_LSM:
        said |= masks_of(source, whole, of_masks, kept) | {"mask_factor": 0.0, "mask_fallback": "nearest"}
        method = "nearest"
    elif has_masks:
        said |= masks_of(source, whole, of_masks, kept)
    if "interpolation_matrix" in said:
        said["path"] = said.pop("interpolation_matrix")
    if str(said.pop("caching", True)).lower() in ("false", "no", "off", "0"):
        said["cache"] = False
    return named_weights(source, whole, method, **said)
