"""What a group of a cube consists of: grid, axes, variables; and the documents that say so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import NotFoundError, SeveralGroupsError
from dtedask.geo import Grid
from dtedask.store.labels import Dimension, Label
from dtedask.store.layouts import Codec, codec_of
from dtedask.store.series.array import SeriesArray

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Axis:
    """Labels of one dimension of a group, by slot.

    Parameters
    ----------
    dimension : Dimension
        What they are.
    labels : numpy.ndarray, shape (slots,)
        In order of arrival; a slot that became free by a wipe gets the label that takes it next.
    free : frozenset of int
        Slots that hold no field in any variable and wait for a label.
    """

    dimension: Dimension
    labels: np.ndarray
    free: frozenset[int] = frozenset()

    @cached_property
    def live(self) -> np.ndarray:
        """Slots that are not free, ascending; the label of a free one means nothing."""
        found = np.arange(len(self.labels))
        return np.setdiff1d(found, list(self.free), assume_unique=True) if self.free else found

    @cached_property
    def live_labels(self) -> np.ndarray:
        """Labels of the slots that are not free."""
        return self.labels[self.live] if self.free else self.labels

    @cached_property
    def slots(self) -> dict[Label, int]:
        """Slot of each label."""
        return dict(zip(self.live_labels.tolist(), self.live.tolist(), strict=True))

    @cached_property
    def texts(self) -> list[str]:
        """Canonical MARS value of each slot's label; empty for a free slot."""
        text, free = self.dimension.text, self.free
        return ["" if slot in free else text(label) for slot, label in enumerate(self.labels.tolist())]

    @cached_property
    def order(self) -> np.ndarray | None:
        """Slots in the order people see; None where that is the order of arrival."""
        order = np.argsort(self.labels, kind="stable")
        return None if np.array_equal(order, np.arange(len(order))) else order


@dataclass(frozen=True)
class Variable:
    """The array of one variable as a snapshot has it."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    codec: Codec
    attributes: Mapping[str, Any]
    metadata: Mapping[str, Any]

    @property
    def dtype(self) -> str:
        """Data type of the values."""
        return self.codec.dtype


@dataclass(frozen=True)
class Group:
    """One group of a cube: type, levtype and grid."""

    name: str
    grid: Grid
    keys: Mapping[str, str]
    attributes: Mapping[str, Any]
    axes: Mapping[str, Axis]
    variables: Mapping[str, Variable]
    coordinates: Mapping[str, Mapping[str, Any]]
    series: Mapping[str, SeriesArray] = field(default_factory=dict)


def free_slots(attributes: Mapping[str, Any]) -> dict[str, frozenset[int]]:
    """Free slots of each axis, from the attributes of its group."""
    ranges = attributes["dtedask"].get("free", {})
    return {
        name: frozenset(slot for first, last in found for slot in range(first, last + 1))
        for name, found in ranges.items()
    }


def free_attribute(free: Mapping[str, Iterable[int]]) -> dict[str, list[list[int]]]:
    """Free slots of each axis as an attribute of its group: first and last of each range."""
    found: dict[str, list[list[int]]] = {}
    for name, slots in sorted(free.items()):
        for slot in sorted(slots):
            ranges = found.setdefault(name, [])
            if ranges and ranges[-1][1] == slot - 1:
                ranges[-1][1] = slot
            else:
                ranges.append([slot, slot])
    return found


def with_free(attributes: Mapping[str, Any], free: Mapping[str, Iterable[int]]) -> dict[str, Any]:
    """Attributes of a group in which other slots of its axes are free."""
    ours = {key: value for key, value in attributes["dtedask"].items() if key != "free"}
    found = free_attribute(free)
    return {**attributes, "dtedask": {**ours, "free": found} if found else ours}


def variable_of(name: str, metadata: Mapping[str, Any]) -> Variable:
    """A variable from its name and the document of its array."""
    attributes = metadata["attributes"]
    dims = tuple(metadata["dimension_names"])
    count = int(attributes["dtedask_dims"])
    return Variable(name, dims[:count], tuple(metadata["shape"]), codec_of(metadata), attributes, metadata)


def grid_attribute(grid: Grid) -> dict[str, Any]:
    """A grid as an attribute of its group."""
    return {"label": grid.label, "dims": list(grid.dims), "shape": list(grid.shape), "spec": grid.description}


def grid_of(attribute: Mapping[str, Any]) -> Grid:
    """The grid that an attribute of a group says."""
    spec = json.dumps(attribute["spec"], sort_keys=True, separators=(",", ":"))
    return Grid(attribute["spec"]["kind"], spec, tuple(attribute["dims"]), tuple(attribute["shape"]))


def is_ours(group: Mapping[str, Any]) -> bool:
    """Whether a document is that of a group of fields, and not of something that others put into the cube."""
    return "grid" in group.get("attributes", {}).get("dtedask", {})


def group_named(name: str | None, names: Sequence[str], cube: str) -> str:
    """Full name of one of the groups of a cube from its name or the beginning of it.

    Raises
    ------
    NotFoundError
        If no group begins so.
    SeveralGroupsError
        If several do.
    """
    wanted = (name or "").strip("/")
    if wanted in names:
        return wanted
    found = [group for group in names if not wanted or group.startswith(f"{wanted}/")]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(f"The cube {cube!r} has no group {wanted!r}.", hint=groups_hint(names))
    what = f"below {wanted!r}" if wanted else f"in the cube {cube!r}"
    raise SeveralGroupsError(
        f"There are {len(found)} groups {what}: {', '.join(found)}.", hint=f"Name one: group={found[0]!r}."
    )


def groups_hint(names: Sequence[str]) -> str:
    """Say which groups there are, for a message about one that is not."""
    return f"It has {', '.join(names)}." if names else "It is empty."


def in_order_of_labels(group: Group, variable: Variable, slots: np.ndarray) -> np.ndarray:
    """Sort fields of a variable, given by their slots, by the labels of its dimensions."""
    ranks = np.zeros(len(slots), dtype=np.int64)
    for position, name in enumerate(variable.dims):
        order, column = group.axes[name].order, slots[:, position]
        ranks = ranks * variable.shape[position] + (column if order is None else np.argsort(order)[column])
    return np.ascontiguousarray(slots[np.argsort(ranks, kind="stable")])
