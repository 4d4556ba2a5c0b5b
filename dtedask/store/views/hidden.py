"""Hidden fields: they are kept, and nobody sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.store.removal import are_in
from dtedask.store.selection import touched

if TYPE_CHECKING:
    from dtedask.request import Request
    from dtedask.store.control import Lock
    from dtedask.store.selection import Selection


@dataclass(frozen=True, slots=True)
class Hidden:
    """What hiding does, or undoing it.

    Parameters
    ----------
    request : Request
        What was asked for.
    is_done : bool
        Whether it is done; False for a dry run.
    fields : int
        Fields that are there and seen no more, or again.
    cubes : tuple of str
        Names of the cubes that hold them.
    entries : tuple of Lock
        What was set or taken away: who, when and why; none for a dry run of hiding.
    """

    request: Request
    is_done: bool
    fields: int
    cubes: tuple[str, ...]
    entries: tuple[Lock, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Everything about it, ready for JSON."""
        return {
            "request": str(self.request),
            "done": self.is_done,
            "fields": self.fields,
            "cubes": list(self.cubes),
            "entries": [entry.to_dict() for entry in self.entries],
        }


def without(selections: Iterable[Selection], hidden: Sequence[Lock]) -> list[Selection]:
    """Selections without the fields that are hidden; those that are left empty are left out."""
    if not hidden:
        return list(selections)
    found = (_without(selection, hidden) for selection in selections)
    return [one for one in found if one is not None]


def among(selections: Iterable[Selection], hidden: Sequence[Lock]) -> list[Selection]:
    """The fields that are hidden."""
    found = []
    for selection in selections:
        gone = _mask(selection, hidden)
        if gone is not None and gone.any():
            found.append(replace(selection, rows=selection.slots[gone]))
    return found


def _without(selection: Selection, hidden: Sequence[Lock]) -> Selection | None:
    gone = _mask(selection, hidden)
    if gone is None or not gone.any():
        return selection
    return None if gone.all() else replace(selection, rows=selection.slots[~gone])


def _mask(selection: Selection, hidden: Sequence[Lock]) -> np.ndarray | None:
    """Which of the fields are hidden; None where that is sure to be none."""
    masks = []
    for entry in hidden:
        slots = touched(selection, entry.request)
        if len(slots):
            masks.append(are_in(selection.slots, slots))
    return np.logical_or.reduce(masks) if masks else None
