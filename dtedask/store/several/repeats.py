"""The same field in several roots: the first root has it, the others are in its shadow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dtedask.store.selection import Selection

_OF_KEYS = (
    "date_text",
    "time_text",
    "interval_s",
    "interval_months",
    "step_text",
    "GRIB_paramId",
    "timespan",
    "stattype",
)
Found = tuple[list["Selection"], list["Selection"]]


def without_repeats(roots: Iterable[tuple[str, Sequence[Selection]]]) -> Found:
    """Keep each field of the first root that has it.

    Parameters
    ----------
    roots : iterable of (str, sequence of Selection)
        Paths or URLs of roots and what was found in each, the first root first.

    Returns
    -------
    tuple of (list of Selection, list of Selection)
        What is seen, and what stands in the shadow of a root before.
    """
    seen: list[Selection] = []
    shadowed: list[Selection] = []
    owners: list[tuple[str, Selection]] = []
    for url, selections in roots:
        before = list(owners)
        for selection in selections:
            rest: Selection | None = selection
            for owner, other in before:
                if rest is None:
                    break
                rest, repeats = _divided(rest, other, owner)
                shadowed += [repeats] if repeats is not None else []
            seen += [rest] if rest is not None else []
            owners += [(url, selection)]
    return seen, shadowed


def _divided(selection: Selection, other: Selection, owner: str) -> tuple[Selection | None, Selection | None]:
    """What another selection has not, and what both have."""
    if not _can_meet(selection, other):
        return selection, None
    repeated = _repeated(selection, other) if _are_alike(selection, other) else _repeated_by_keys(selection, other)
    if not repeated.any():
        return selection, None
    repeats = replace(selection, rows=selection.slots[repeated], shadowed_by=owner)
    return (None if repeated.all() else replace(selection, rows=selection.slots[~repeated])), repeats


def _can_meet(one: Selection, other: Selection) -> bool:
    """Whether both can hold the same field, as far as keys say that all of their fields share."""
    if one.group.grid.label != other.group.grid.label or one.constants.get("param") != other.constants.get("param"):
        return False
    if one.has_control or other.has_control:
        return one.group.name == other.group.name
    return all(other.constants.get(key, value) == value for key, value in one.constants.items())


def _are_alike(one: Selection, other: Selection) -> bool:
    """Whether both name their fields in the same way, so that equal labels are equal keys."""
    same_place = (one.cube, one.group.name, one.variable.name) == (other.cube, other.group.name, other.variable.name)
    mine, others = one.variable.attributes, other.variable.attributes
    return (
        same_place
        and one.variable.dims == other.variable.dims
        and all(mine.get(name) == others.get(name) for name in _OF_KEYS)
        and all(one.group.axes[name].dimension == other.group.axes[name].dimension for name in one.variable.dims)
    )


def _repeated(one: Selection, other: Selection) -> np.ndarray:
    """Which fields the other has too, by labels; fields are listed only where all axes have labels in common."""
    nothing = np.zeros(0, dtype=bool)
    places = []
    for position, name in enumerate(one.variable.dims):
        there = other.group.axes[name].slots
        labels = one.group.axes[name].labels
        place = np.full(len(labels), -1, dtype=np.int64)
        used = one.used[position]
        place[used] = [there.get(label, -1) for label in labels[used].tolist()]
        if not np.isin(place[used], other.used[position]).any():
            return nothing
        places.append(place)
    rows = (
        np.stack([place[column] for place, column in zip(places, one.slots.T, strict=True)], axis=1)
        if places
        else one.slots
    )
    shape = other.variable.shape[: len(places)]
    codes = np.ravel_multi_index(tuple(np.maximum(rows, 0).T), shape) if places else np.zeros(len(rows), dtype=np.int64)
    there_codes = np.ravel_multi_index(tuple(other.slots.T), shape) if places else np.zeros(len(other.slots), np.int64)
    found: np.ndarray = (rows >= 0).all(axis=1) & np.isin(codes, there_codes)
    return found


def _repeated_by_keys(one: Selection, other: Selection) -> np.ndarray:
    """Which fields the other has too, by all of their keys: for roots whose schemas differ."""
    there = {frozenset(record.keys.items()) for record in other.records()}
    return np.array([frozenset(record.keys.items()) in there for record in one.records()], dtype=bool)
