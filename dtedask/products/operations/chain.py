"""From a field to what was ordered: the operations that MIR's keywords stand for, in MIR's order."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import GridError, ProductError
from dtedask.geo import Grid
from dtedask.products.operation import Operation
from dtedask.products.operations.bound import BoundOperation, named
from dtedask.products.operations.crop import Crop
from dtedask.products.operations.regridding import regridding
from dtedask.products.operations.targets import target_of
from dtedask.products.requirement import Formula, FormulaPoint, PostProcessing

if TYPE_CHECKING:
    from dtedask.products.node import Node, Nodes

__all__ = ["FormulaOf", "post_processed"]

FormulaOf = Callable[["Nodes", Formula, "Node"], "Node"]
"""Applies a formula to a field: `dtedask.products.derived.apply_formula`, with the other fields that it names."""
_Step = Operation | Formula


def post_processed(nodes: Nodes, how: PostProcessing, field: Node, *, formula: FormulaOf | None = None) -> Node:
    """Make what was ordered of a field.

    Parameters
    ----------
    nodes : Nodes
        Makes the nodes.
    how : PostProcessing
        What is done.
    field : Node
        The field.
    formula : callable, optional
        Applies formulas; needed where there are any.

    Returns
    -------
    Node
        The field as it was ordered; `field` itself where nothing is done.

    Raises
    ------
    ProductError
        If it cannot be done with such a field; names the field and both grids.
    """
    try:
        steps = _steps(how, field.description.grid)
    except GridError as error:
        raise _cannot(how, field, error) from error
    for step in steps:
        field = _applied(nodes, step, field, formula)
    return field


def _applied(nodes: Nodes, step: _Step, field: Node, formula: FormulaOf | None) -> Node:
    if isinstance(step, Operation):
        return nodes.make(step, field)
    if formula is None:
        raise ProductError(f"Nothing is there that can apply the formula {step.text!r}.", hint="Give `formula`.")
    return formula(nodes, step, field)


@lru_cache(16_384)
def _steps(how: PostProcessing, grid: Grid) -> tuple[_Step, ...]:
    """What is done to fields on a grid, one after the other."""
    steps: list[_Step] = [*_formulas(how, "prologue"), *_formulas(how, "raw")]
    steps += _on_the_way(how, grid)
    for step in steps:
        if isinstance(step, BoundOperation):
            _ = step.target  # an area without points is an error now
    return (*steps, *_formulas(how, "epilogue"))


def _on_the_way(how: PostProcessing, grid: Grid) -> list[_Step]:
    """From the grid of the field to that which is wanted, with the formulas for it, and the area."""
    if not how.grid or (how.grid == grid.label and how.rotation is None):
        area: list[_Step] = [Crop(grid, how.area)] if how.area is not None else []
        return [*_formulas(how, "gridded"), *area]
    target = target_of(how)
    gridded = _formulas(how, "gridded")
    if gridded and target.area is not None:
        return [regridding(grid, target.whole, None, how), *gridded, Crop(target.whole, target.area)]
    return [regridding(grid, target.whole, target.area, how), *gridded]


def _formulas(how: PostProcessing, at: FormulaPoint) -> list[_Step]:
    return [formula for formula in how.formulas if formula.at == at]


def _cannot(how: PostProcessing, field: Node, error: GridError) -> ProductError:
    wanted: Any = how.grid or "its own grid"
    return ProductError(
        f"{named(field.description).capitalize()} on {field.description.grid.label} cannot be put on {wanted}: "
        f"{error.message}",
        hint=error.hint,
    )
