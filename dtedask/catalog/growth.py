"""Whether a commit made an axis longer: read from its changes and the snapshot before, without opening the new one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from dtedask.store.labels import Dimension, Label, label_of

if TYPE_CHECKING:
    from dtedask.core.commit import Change
    from dtedask.store.snapshot import Snapshot

_KEYS = {
    "forecast_reference_time": ("date", "hdate", "time", "year", "month"),
    "month": ("month", "date"),
    "dayofyear": ("date",),
    "time_of_day": ("time",),
    "member": ("number",),
    "level": ("levelist",),
}


def grown_groups(before: Snapshot, changes: Iterable[Change]) -> set[str]:
    """Groups that got a new variable or a new label on an axis.

    Parameters
    ----------
    before : Snapshot
        The snapshot before the commit; the transaction has read what is needed of it.
    changes : iterable of Change
        What the commit wrote.
    """
    return {change.group for change in changes if _grows(before, change)}


def _grows(before: Snapshot, change: Change) -> bool:
    if change.group not in before.group_names:
        return True
    group = before.group(change.group)
    variable = group.variables.get(change.variable)
    if variable is None:
        return True
    values = {key: value.split("/") for key, value in change.request}
    axes = [group.axes[name] for name in variable.dims]
    return any(label not in axis.slots for axis in axes for label in _labels(axis.dimension, values))


def _labels(dimension: Dimension, values: Mapping[str, list[str]]) -> Iterator[Label]:
    names = [name for name in _KEYS.get(dimension.name, (dimension.name,)) if name in values]
    for combination in itertools.product(*(values[name] for name in names)):
        yield label_of(dimension, dict(zip(names, combination, strict=True)))
