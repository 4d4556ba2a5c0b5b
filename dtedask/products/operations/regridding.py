"""Which weights MIR's keywords mean."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dtedask.geo.application.missing import DEFAULT, checked_policy
from dtedask.products.operations.regrid import Regrid

if TYPE_CHECKING:
    from dtedask.geo import Grid, WeightsHandle
    from dtedask.products.operations.targets import Target
    from dtedask.products.requirement import PostProcessing

__all__ = ["regridding"]

_GAP = "simulated_missing_value"


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
    handle = _handle(source, target.whole, how.interpolation or "linear", tuple(sorted(options.items())), kept)
    return Regrid(handle, target.area, missing, simulated, tolerance, target.part)


@lru_cache(4096)
def _handle(
    source: Grid, whole: Grid, method: str, options: tuple[tuple[str, Any], ...], _kept: Hashable
) -> WeightsHandle:
    from dtedask.geo.weighting.front import named_weights

    return named_weights(source, whole, method, **dict(options))
