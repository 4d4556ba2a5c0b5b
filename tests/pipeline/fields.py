"""Messages for tests of actions: small fields with all that real ones say of themselves."""

from typing import Any

import numpy as np

from dtedask.geo import Grid, PointOrder, regular_latlon
from dtedask.grib import FieldDescription
from dtedask.pipeline import Message
from dtedask.request import parameter

KEYS = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc", "param": "167"}
KEYS |= {"date": "20240601", "time": "0000", "step": "0"}
GRID = regular_latlon(np.array([90.0, 0.0, -90.0]), np.array([0.0, 90.0, 180.0, 270.0]))


def description(keys: dict[str, str], grid: Grid = GRID, **changes: Any) -> FieldDescription:
    """What a field of the keys says of itself; ``changes`` are attributes of `FieldDescription`."""
    try:
        known = parameter(keys["param"])
        named = {"short_name": known.short_name, "name": known.name, "units": known.units}
    except (ValueError, KeyError):
        named = {"short_name": "", "name": "", "units": ""}
    said = dict(
        keys=keys,
        **named,
        standard_name="",
        step_type="instant",
        interval=None,
        step_seconds=0,
        level_type="surface",
        level=0.0,
        edition=2,
        grid=grid,
        order=PointOrder(grid.shape),
        packing="grid_ccsds",
        bits_per_value=16,
        has_bitmap=False,
        product=(),
        attributes={},
    )
    return FieldDescription(**{**said, **changes})  # type: ignore[arg-type]


def field(
    values: Any = None, *, on: Grid | None = None, described: dict[str, Any] | None = None, **keys: str
) -> Message:
    """Make a field with the keys of `KEYS` and those given, on a grid; ``described`` is more of its description.

    Without a grid it is `GRID`, or points without a place where the values have another shape.
    """
    known = {key: value for key, value in {**KEYS, **keys}.items() if value is not None}
    grid = on or GRID
    array = (
        np.arange(grid.size, dtype="float64").reshape(grid.shape) if values is None else np.asarray(values, "float64")
    )
    if on is None and array.shape != grid.shape:
        dims = ("values",) if array.ndim == 1 else ("y", "x")
        grid = Grid.of("points", {"shape": list(array.shape)}, dims[: array.ndim], array.shape)
    return Message.of_field(description(known, grid, **(described or {})), array)
