"""Formulas as operations on fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import ProductError
from dtedask.pipeline.keys.parameters import known_parameter
from dtedask.products.derived.checked import Typed, typed
from dtedask.products.derived.naming import as_parameter, param_words
from dtedask.products.derived.parser import parse_formula
from dtedask.products.derived.tree import Itself, Name, names_in, plain_numbers, written
from dtedask.products.derived.units import Conversion, conversion, known_unit, unit_text
from dtedask.products.operation import Operation

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.node import Node, Nodes
    from dtedask.products.requirement import Formula

__all__ = ["FormulaOperation", "apply_formula", "fields_of"]

_BLOCK = 16_384  # points whose parts of a formula stay in the cache of a core


@dataclass(frozen=True, slots=True)
class FormulaOperation(Operation):
    """A formula over fields on one grid, point by point, in float64.

    A point is missing where a field is missing there that the formula takes, and where the result is no finite number.
    Results have the type of the fields.

    Parameters
    ----------
    text : str
        The formula, as `written` writes it.
    units : tuple of str
        Units of its fields, in the order in which they first stand there.
    param : str
        What the result is, "" for what the first field is.
    target : str
        Unit of the result, "" for the one that comes out.
    said : tuple of (str, str)
        Keys of the result that are not those of the first field.
    """

    name: ClassVar[str] = "formula"
    text: str
    units: tuple[str, ...]
    param: str = ""
    target: str = ""
    said: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> str:
        """See `Operation`."""
        return "|".join((self.text, *self.units, self.param, self.target, repr(self.said)))

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`."""
        _same_grid(self.text, fields)
        first, ready = fields[0], _ready(self.text, self.units, self.target)
        if first.grid.kind == "sh" and ready.degree != 1:
            raise ProductError(
                f"The formula '{self.text}' of spherical harmonics is not linear in its fields.",
                hint="Harmonics can be added and multiplied by numbers; for the rest write it at the point 'gridded'.",
            )
        units = self.target or (unit_text(ready.unit) if ready.unit is not None else first.units)
        return as_parameter(first, self.param or first.keys["param"], units=units, keys=dict(self.said))

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.floating]:
        """See `Operation`."""
        run = _ready(self.text, self.units, self.target).run
        made = np.empty(values[0].shape, np.result_type(*values))
        flat, result = [np.ascontiguousarray(one).reshape(-1) for one in values], made.reshape(-1)
        for start in range(0, result.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            with np.errstate(all="ignore"):
                found = run([one[block].astype(np.float64, copy=False) for one in flat])
                result[block] = np.where(np.isfinite(found), found, np.nan)
        return made

    def flops(self, *fields: FieldDescription) -> float:
        """See `Operation`."""
        return _ready(self.text, self.units, self.target).flops * fields[0].grid.size


def fields_of(text: str) -> tuple[Itself | Name, ...]:
    """Fields that a formula takes, each once, in the order in which they first stand there.

    Raises
    ------
    ProductError
        If it is no formula, or takes no field.
    """
    found = tuple(dict.fromkeys(names_in(parse_formula(text))))
    if not found:
        raise ProductError(f"The formula '{text}' takes no field.", hint="The field itself is called f.")
    return found


def apply_formula(nodes: Nodes, formula: Formula, field: Node, other: Callable[[str], Node]) -> Node:
    """Return the node of a formula.

    Parameters
    ----------
    nodes : Nodes
        Makes it.
    formula : Formula
        What is done.
    field : Node
        The field itself, which the formula calls ``f``.
    other : callable
        Gives the nodes of other fields by their names in the formula, as `formula_inputs` has them.

    Raises
    ------
    ProductError
        If it is no formula, its units do not fit, or its fields are on different grids.
    """
    inputs = [field if isinstance(one, Itself) else other(written(one)) for one in fields_of(formula.text)]
    descriptions = tuple(node.description for node in inputs)
    own = field.description
    operation = _operation(
        formula.text, formula.param, tuple(one.units for one in descriptions), (own.keys["param"], own.units)
    )
    # The result is a field beside `field`, though it is described by the first that goes in.
    changed = _differences(own.keys, descriptions[0].keys)
    param = operation.param or own.keys["param"]
    return nodes.make(replace(operation, param=param, said=changed), *inputs)


@lru_cache(4096)
def _operation(text: str, param: str, units: tuple[str, ...], own: tuple[str, str]) -> FormulaOperation:
    """Bind a formula to units; `own` are parameter and units of the field itself."""
    tree = parse_formula(text)
    found = typed(tree, text, dict(zip(fields_of(text), units, strict=True)))
    wanted = own[1] if param in ("", own[0]) else known_parameter(param).units
    target = wanted if known_unit(wanted) is not None and found.unit is not None else ""
    if target:
        _check_result(text, found, target, param or own[0])
    return FormulaOperation(written(tree), units, param, target)


def _check_result(text: str, found: Typed, wanted: str, param: str) -> None:
    """Refuse what measures something else, and what a reader has converted by hand and would be converted twice."""
    changed = _into_unit(found, wanted)
    if changed is None:
        name = known_parameter(param).short_name or param
        raise ProductError(
            f"The formula '{text}' gives {_said(found)}, and its result {name} ({param}) is measured in {wanted}.",
            hint="Say what the result is by its param, or write number(...) for a number without its unit.",
        )
    by_hand = {changed.factor, 1 / changed.factor, abs(changed.offset)} - {0.0, 1.0}
    if twice := sorted(by_hand.intersection(plain_numbers(parse_formula(text)))):
        raise ProductError(
            f"The formula '{text}' has the number {twice[0]:g}, by which {_said(found)} becomes {wanted}; but units "
            "are converted anyway, so it would be done twice.",
            hint="Leave the number out.",
        )


def _into_unit(found: Typed, wanted: str) -> Conversion | None:
    """How the result becomes what is wanted; None where it measures something else."""
    after = known_unit(wanted)
    if after is None or found.unit is None:
        return Conversion()
    try:
        return conversion(found.unit, after)
    except ProductError:
        return None


def _said(found: Typed) -> str:
    text = "" if found.unit is None else unit_text(found.unit)
    return "a number without a unit" if text in ("", "1") else text


@lru_cache(4096)
def _ready(text: str, units: tuple[str, ...], target: str) -> Typed:
    """A formula that runs; made on each worker, since it is faster made than sent."""
    tree = parse_formula(text)
    found = typed(tree, text, dict(zip(fields_of(text), units, strict=True)))
    changed = _into_unit(found, target) if target else Conversion()
    return found if changed is None or changed.is_nothing else found.converted(changed)


def _same_grid(text: str, fields: Sequence[FieldDescription]) -> None:
    for other in fields[1:]:
        if other.grid.uid != fields[0].grid.uid:
            raise ProductError(
                f"The formula '{text}' takes fields on two grids: {param_words(fields[0])} on {fields[0].grid.label} "
                f"and {param_words(other)} on {other.grid.label}.",
                hint="Interpolate first: formulas at the point 'gridded' act on the grid of the requirement.",
            )


def _differences(wanted: Mapping[str, str], there: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Keys that the result has otherwise than the first field; "" for those that it has not."""
    keys = (wanted.keys() | there.keys()) - {"param"}
    return tuple((key, wanted.get(key, "")) for key in sorted(keys) if wanted.get(key) != there.get(key))
