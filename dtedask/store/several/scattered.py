"""Datasets of fields that do not all lie in one array a variable: of several roots or cubes, or with some left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dtedask.store import ranks

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.request import Request
    from dtedask.store.dataset import Time
    from dtedask.store.selection import Selection


def is_scattered(selections: Sequence[Selection]) -> bool:
    """Whether some fields lie elsewhere, or not all of an array may be seen."""
    return any(part.rows is not None or part.snapshot is not selections[0].snapshot for part in selections)


def scattered_dataset(request: Request, selections: Sequence[Selection], time: Time = "reference") -> xr.Dataset:
    """A lazy dataset of fields of one group, wherever they stand; what is none of them is a gap.

    Parameters
    ----------
    request : Request
        What was asked for, whose order the axes and variables get.
    selections : sequence of Selection
        The fields, no field in two of them.
    time : {"reference", "valid"}
        Which time axis it gets.

    Raises
    ------
    FieldError
        If roots or cubes do not agree on a variable or an axis.
    """
    from dtedask.store.dataset import dataset_of
    from dtedask.store.several.fan_in import fan_in, location_of
    from dtedask.store.several.merge import merge

    parts = merge(selections)
    dataset = dataset_of(
        location_of(selections[0]),
        ranks.by_param(request, parts),
        time=time,
        used=ranks.used_slots_of(parts),
        orders=ranks.axis_orders(request, parts),
        array_of=fan_in,
    )
    states = {f"{part.snapshot.url}@{part.snapshot.id}": None for part in selections}
    if len(states) > 1:
        del dataset.attrs["snapshot"]
        dataset.attrs["snapshots"] = list(states)
    return dataset
