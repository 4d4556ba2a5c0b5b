"""How a transaction grows a group: labels that take free slots or make axes longer, and new variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import FieldError, KeyCollisionError
from dtedask.store.group import Axis, with_free
from dtedask.store.identity import Address, VariableSpec
from dtedask.store.labels import Dimension, Label

if TYPE_CHECKING:
    from dtedask.store.group import Group, Variable


@dataclass
class AxisGrowth:
    """An axis with the labels that a transaction adds.

    Parameters
    ----------
    known : Axis
        The axis before the transaction.
    """

    known: Axis
    added: dict[Label, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.old = self.length = len(self.known.labels)
        self.free = {slot: self.known.labels[slot] for slot in sorted(self.known.free)}
        self._stale = {label: slot for slot, label in self.free.items()}

    @property
    def dimension(self) -> Dimension:
        """What the labels are."""
        return self.known.dimension

    def slot(self, label: Label) -> int:
        """Slot of a label; a new one takes a free slot, the lowest first, before the axis gets longer."""
        found = self.known.slots.get(label, self.added.get(label))
        if found is None:
            found = self.added[label] = self._take(label)
        return found

    def _take(self, label: Label) -> int:
        # A label that was wiped gets its old slot where that is free still, so that none ever stands there twice.
        slot = self._stale.get(label, -1)
        if slot not in self.free:
            slot = next(iter(self.free), self.length)
        if self.free.pop(slot, None) is None:
            self.length += 1
        return slot

    def grown(self) -> Axis:
        """The axis after the transaction."""
        return Axis(self.dimension, self.labels(), frozenset(self.free)) if self.added else self.known

    def labels(self) -> np.ndarray:
        """Labels of all slots after the transaction."""
        dtype = object if self.dimension.dtype == "string" else self.dimension.dtype
        found = np.empty(self.length, dtype=dtype)
        found[: self.old] = self.known.labels
        for label, slot in self.added.items():
            found[slot] = label
        return found


@dataclass
class GroupGrowth:
    """A group with what a transaction adds to it."""

    address: Address
    group: Group | None
    axes: dict[str, AxisGrowth] = field(default_factory=dict)
    variables: dict[str, VariableSpec] = field(default_factory=dict)
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Full name of the group."""
        return self.address.group

    def place(self, address: Address) -> tuple[int, ...]:
        """Slots of a field on the dimensions of its variable."""
        self._check_grid(address)
        self._check_variable(address)
        return tuple(
            self._axis(name, address.types.get(name, "")).slot(label)
            for name, label in zip(address.variable.dims, address.labels, strict=True)
        )

    def length(self, dimension: str) -> int:
        """Slots of an axis after the transaction."""
        return self._axis(dimension).length

    @property
    def gives_or_takes_slots(self) -> bool:
        """Whether slots of an axis that were free are taken."""
        return any(axis.free.keys() != axis.known.free for axis in self.axes.values())

    def grown_variables(self) -> dict[str, Variable]:
        """Variables that stand in the group already, as they are after the transaction."""
        return {name: self._grown(variable) for name, variable in (self.group.variables if self.group else {}).items()}

    def _grown(self, variable: Variable) -> Variable:
        lengths = [self.length(dim) for dim in variable.dims]
        shape = (*lengths, *variable.shape[len(lengths) :])
        attributes = dict(variable.attributes) | self.attributes.get(variable.name, {})
        if shape == variable.shape and attributes == variable.attributes:
            return variable
        metadata = {**variable.metadata, "shape": list(shape), "attributes": attributes}
        return replace(variable, shape=shape, attributes=attributes, metadata=metadata)

    def grown(self) -> Group | None:
        """The group as it is after the transaction; None for what only Zarr knows: a new group, or new variables."""
        group = self.group
        if group is None or not self.variables.keys() <= group.variables.keys():
            return None
        axes = {name: self.axes[name].grown() if name in self.axes else axis for name, axis in group.axes.items()}
        attributes = group.attributes
        if self.gives_or_takes_slots:
            attributes = with_free(attributes, {name: axis.free for name, axis in axes.items()})
        return replace(group, attributes=attributes, axes=axes, variables=self.grown_variables())

    def _axis(self, name: str, type_name: str = "") -> AxisGrowth:
        if name not in self.axes:
            known = self.group.axes.get(name) if self.group else None
            self.axes[name] = AxisGrowth(known or Axis(Dimension(name, type_name), np.empty(0, dtype=object)))
        return self.axes[name]

    def _check_grid(self, address: Address) -> None:
        grid = self.group.grid if self.group else self.address.grid
        if grid != address.grid:
            raise KeyCollisionError(
                f"The group {address.group!r} of the cube {address.cube!r} holds another grid of the same name.",
                hint=f"It holds {grid.spec}; the field has {address.grid.spec}.",
            )

    def _check_variable(self, address: Address) -> None:
        spec = address.variable
        known = self.variables.get(spec.name)
        if known is spec:
            return
        stored = self.group.variables.get(spec.name) if self.group else None
        if known is None and stored is None:
            self.variables[spec.name] = spec
            return
        dims = known.dims if known else stored.dims if stored else ()
        if dims != spec.dims:
            raise FieldError(_dimension_message(address, dims))
        if known is None or known.attributes != spec.attributes or known.edition != spec.edition:
            self._join(address, known, stored)

    def _join(self, address: Address, known: VariableSpec | None, stored: Variable | None) -> None:
        """Attributes of several messages become those of the newest edition, whichever came first."""
        spec = address.variable
        if known is not None:
            before, edition = dict(known.attributes), known.edition
        else:
            assert stored is not None
            before, edition = own_attributes(stored.attributes), int(stored.attributes["GRIB_edition"])
        after = dict(spec.attributes)
        _check_units(address, before, after)
        _check_dates(address, before, after)
        if edition == spec.edition:
            _check_equal(address, before, after)
        merged = after | before if edition >= spec.edition else before | after
        joined = VariableSpec(
            spec.name, spec.dims, tuple(sorted(merged.items())), max(edition, spec.edition), spec.values
        )
        self.variables[spec.name] = joined
        stored = self.group.variables.get(spec.name) if self.group else None
        described = merged | {"GRIB_edition": joined.edition}
        if stored is not None and described.items() - stored.attributes.items():
            self.attributes[spec.name] = described


def own_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a variable without those that the store adds."""
    ours = ("GRIB_edition", "dtedask_role", "dtedask_dims", "coordinates", "keep_bits", "tile_points")
    return {name: value for name, value in attributes.items() if name not in ours}


def _check_units(address: Address, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    if before.get("units", "") != after.get("units", ""):
        raise FieldError(
            f"{address} has units {after.get('units')!r}; the variable has {before.get('units')!r}.",
            hint="Convert the field, or archive it under another expver.",
        )


def _check_dates(address: Address, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """The labels of an axis become keys of one form: days, months or years, of one key or of two."""
    old, new = before.get("date_text", ""), after.get("date_text", "")
    if before.get("time_text", "") != after.get("time_text", ""):
        raise FieldError(
            f"{address} and its variable differ in whether they have a time.",
            hint="Give the time of both, or archive the field under another stream or expver.",
        )
    if old != new:
        raise FieldError(
            f"{address} is dated by {new or 'day'}; the variable is dated by {old or 'day'}.",
            hint="Give the date in one form, or archive the field under another stream or expver.",
        )


def _check_equal(address: Address, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    differing = [name for name in sorted({*before} & {*after}) if before[name] != after[name]]
    if differing:
        pairs = ", ".join(f"{name} is {before.get(name)} and {after.get(name)}" for name in differing)
        raise KeyCollisionError(
            f"{address} has the keys of a different field: {pairs}.",
            hint="Archive one of them under another expver, or set the key that tells them apart.",
        )


def _dimension_message(address: Address, dims: tuple[str, ...]) -> str:
    lacking = [name for name in dims if name not in address.variable.dims]
    extra = [name for name in address.variable.dims if name not in dims]
    parts = [f"lacks {', '.join(lacking)}"] if lacking else []
    parts += [f"has {', '.join(extra)} in addition"] if extra else []
    known = ", ".join(dims) or "none"
    return f"{address} does not fit into its variable, which has the dimensions {known}: it {' and '.join(parts)}."
