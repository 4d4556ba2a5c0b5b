"""Fields of one group that stand in several roots, as one selection over axes that hold the labels of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import FieldError
from dtedask.store.group import Axis
from dtedask.store.keytexts import texts_of
from dtedask.store.selection import Record, Selection

if TYPE_CHECKING:
    from dtedask.store.group import Group, Variable

_SAME = ("units", "interval_s", "interval_months", "date_text", "time_text", "step_text")


@dataclass(frozen=True)
class Merged(Selection):
    """Fields of one variable, wherever they stand: slots are places on the axes of all roots together.

    Parameters
    ----------
    parts : tuple of Selection
        The fields of each root; no field is in two of them.
    places : tuple of mapping
        For each part, of each dimension, the slot in the root of each merged slot; -1 where the root has none.
    owners : numpy.ndarray of int, shape of the merged axes
        Number of the part that has each field; -1 for none.
    """

    parts: tuple[Selection, ...] = ()
    places: tuple[Mapping[str, np.ndarray], ...] = ()
    owners: np.ndarray | None = None

    def records(self) -> Iterator[Record]:
        """The fields, one record each, each of its own root."""
        assert self.owners is not None
        for slots in map(tuple, self.slots.tolist()):
            part = int(self.owners[slots])
            own = (int(self.places[part][name][slot]) for name, slot in zip(self.variable.dims, slots, strict=True))
            yield Record(self.parts[part], tuple(own))


def merge(selections: Sequence[Selection]) -> list[Merged]:
    """Bring selections of one group together, one for each variable.

    Parameters
    ----------
    selections : sequence of Selection
        Of any roots, all of one cube, group and grid; no field is in two of them.

    Raises
    ------
    FieldError
        If the roots do not agree on a variable or an axis.
    """
    axes = _axes(selections)
    by_name: dict[str, list[Selection]] = {}
    for selection in selections:
        by_name.setdefault(selection.variable.name, []).append(selection)
    variables = {name: _variable(parts, axes) for name, parts in by_name.items()}
    group = replace(selections[0].group, axes=axes, variables=variables)
    return [_merged(parts, group, variables[name]) for name, parts in by_name.items()]


def _axes(selections: Sequence[Selection]) -> dict[str, Axis]:
    """Axes with the labels that the fields have, sorted."""
    labels: dict[str, list[np.ndarray]] = {}
    first: dict[str, Selection] = {}
    for selection in selections:
        for used, name in zip(selection.used, selection.variable.dims, strict=True):
            axis = selection.group.axes[name]
            known = first.setdefault(name, selection)
            if known.group.axes[name].dimension != axis.dimension:
                raise _disagree(known, selection, f"the dimension {name!r}")
            labels.setdefault(name, []).append(axis.labels[used])
    return {
        name: Axis(first[name].group.axes[name].dimension, np.unique(np.concatenate(parts)))
        for name, parts in labels.items()
    }


def _variable(parts: Sequence[Selection], axes: Mapping[str, Axis]) -> Variable:
    first = parts[0].variable
    for part in parts[1:]:
        other = part.variable
        if other.dims != first.dims:
            raise _disagree(
                parts[0], part, f"the dimensions of {first.name!r}: {', '.join(first.dims)} and {', '.join(other.dims)}"
            )
        for name in _SAME:
            if first.attributes.get(name) != other.attributes.get(name):
                both = f"{first.attributes.get(name)!r} and {other.attributes.get(name)!r}"
                raise _disagree(parts[0], part, f"{name} of {first.name!r}: {both}")
    shape = (*(len(axes[name].labels) for name in first.dims), *first.shape[len(first.dims) :])
    return replace(first, shape=shape)


def _merged(parts: Sequence[Selection], group: Group, variable: Variable) -> Merged:
    shape = variable.shape[: len(variable.dims)]
    owners = np.full(shape, -1, dtype=np.int8 if len(parts) < 128 else np.int16)
    places = []
    for number, part in enumerate(parts):
        found = {name: _places(part, name, group.axes[name]) for name in variable.dims}
        merged = {name: _inverse(found[name], part, name) for name in variable.dims}
        columns = tuple(merged[name][column] for name, column in zip(variable.dims, part.slots.T, strict=True))
        owners[columns] = number
        places.append(found)
    return Merged(
        snapshot=parts[0].snapshot,
        cube=parts[0].cube,
        group=group,
        variable=variable,
        constants=parts[0].constants,
        dimensions=tuple(texts_of(group, variable, name) for name in variable.dims),
        allowed=(None,) * len(variable.dims),
        rows=np.argwhere(owners >= 0).astype(np.int64),
        parts=tuple(parts),
        places=tuple(places),
        owners=owners,
    )


def _places(part: Selection, name: str, axis: Axis) -> np.ndarray:
    """Slot in a root of each merged slot; -1 where the root has none that is used."""
    slots = part.group.axes[name].slots
    return np.array([slots.get(label, -1) for label in axis.labels.tolist()], dtype=np.int64)


def _inverse(places: np.ndarray, part: Selection, name: str) -> np.ndarray:
    """Merged slot of each slot of a root; of those that are not used, any."""
    found = np.zeros(len(part.group.axes[name].labels), dtype=np.int64)
    there = np.flatnonzero(places >= 0)
    found[places[there]] = there
    return found


def _disagree(one: Selection, other: Selection, what: str) -> FieldError:
    return FieldError(
        f"{one.snapshot.url} and {other.snapshot.url} do not agree on {what} (group {one.group.name!r}); their fields "
        "cannot be one dataset.",
        hint="Open the roots one by one, or ask for fields of one of them.",
    )
