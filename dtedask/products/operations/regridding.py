"""Which weights MIR's keywords mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dtedask.geo.application.missing import DEFAULT, checked_policy
from dtedask.products.operations.regrid import Regrid

if TYPE_CHECKING:
    from dtedask.geo import Grid
    from dtedask.geo.area import Area
    from dtedask.products.requirement import PostProcessing

__all__ = ["regridding"]

_GAP = "simulated_missing_value"


def regridding(source: Grid, whole: Grid, area: Area | None, how: PostProcessing) -> Regrid:
    """Name the weights; they are made when the first field goes through them.

    Raises
    ------
    GridError
        If there is no such method or option, or it cannot do these grids.
    """
    from dtedask.geo.weighting.front import named_weights

    options: dict[str, Any] = {name.replace("-", "_"): value for name, value in how.method_options}
    simulated, tolerance = float(options.pop(_GAP, 9999.0)), float(options.pop(f"{_GAP}_epsilon", 0.0))
    missing = checked_policy(how.missing or DEFAULT)
    handle = named_weights(source, whole, how.interpolation or "linear", **options)
    return Regrid(handle, area, missing, simulated, tolerance)
