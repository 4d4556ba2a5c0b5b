"""What operations on grids have in common: they know the grid that they are for, and are equal where it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dtedask.core.errors import ProductError
from dtedask.geo import Grid, PointOrder
from dtedask.products.operation import Operation
from dtedask.request import parameter

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["BoundOperation", "as_parameter", "may_miss", "named", "on_grid"]


class BoundOperation(Operation):
    """An operation whose identity says all of it: two of one class are equal where their identities are."""

    @property
    def source(self) -> Grid:
        """The grid of the fields that it takes."""
        raise NotImplementedError

    @property
    def target(self) -> Grid:
        """The grid of what it makes."""
        return self.source

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`.

        Raises
        ------
        ProductError
            If a field is on another grid than it was bound to.
        """
        for field in fields:
            self._check(field)
        return on_grid(fields[0], self.target)

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self.identity == other.identity)

    def __hash__(self) -> int:
        return hash(self.identity)

    def _check(self, field: FieldDescription) -> None:
        if field.grid != self.source:
            raise ProductError(
                f"The {self.name} is for fields on {self.source.label}, and {named(field)} is on {field.grid.label}.",
                hint="All fields that are put together are on one grid.",
            )


def on_grid(field: FieldDescription, grid: Grid) -> FieldDescription:
    """Say of a field that it is on another grid."""
    if grid == field.grid:
        return field
    keys = {**field.keys, "grid": grid.label} if "grid" in field.keys else field.keys
    packing = "grid_ccsds" if field.grid.kind == "sh" != grid.kind else field.packing
    return replace(field, keys=keys, grid=grid, order=PointOrder(grid.shape), packing=packing)


def may_miss(field: FieldDescription) -> FieldDescription:
    """Say of a field that points may be missing."""
    return field if field.has_bitmap else replace(field, has_bitmap=True)


def as_parameter(field: FieldDescription, param: str) -> FieldDescription:
    """Say of a field that it is of another parameter, with the names and units of that."""
    if field.keys.get("param") == param:
        return field
    found = parameter(param)
    return replace(
        field,
        keys={**field.keys, "param": param},
        short_name=found.short_name,
        name=found.name,
        units=found.units,
        standard_name="",
    )


def named(field: FieldDescription) -> str:
    """Call a field by the keys that people know it by."""
    said = ",".join(f"{key}={field.keys[key]}" for key in ("param", "levtype", "levelist", "step") if key in field.keys)
    return f"the field {said}"
