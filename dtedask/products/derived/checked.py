"""Formulas with the units of their fields: checked, and made to calls of numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import ProductError
from dtedask.products.derived import running
from dtedask.products.derived.faults import fault
from dtedask.products.derived.functions import FUNCTIONS, Function
from dtedask.products.derived.running import Run
from dtedask.products.derived.tree import Binary, Call, Itself, Name, Number, Tree, Unary, written
from dtedask.products.derived.units import Conversion, conversion, known_unit, power, unit_of, unit_text

if TYPE_CHECKING:
    import pint

__all__ = ["Typed", "typed"]


@dataclass(frozen=True, slots=True)
class Typed:
    """A part of a formula, ready to run.

    Parameters
    ----------
    run : callable
        Takes the fields' values in the order of the formula's names, float64, and gives the part's.
    unit : pint.Unit, optional
        None where it is a plain number, which takes the unit of what it is added to or compared with.
    flops : float
        Floating-point operations a point.
    degree : int, optional
        0 where no field is in it, 1 where it is linear in its fields without a constant, else None.
    is_point : bool
        Whether it is a place on a scale, such as ``0 degC``, of which only differences and comparisons make sense.
    """

    run: Run
    unit: pint.Unit | None
    flops: float = 0.0
    degree: int | None = 0
    is_point: bool = False

    def converted(self, changed: Conversion) -> Typed:
        """The same with its numbers in another unit, which the caller knows."""
        return replace(self, run=running.converted(self.run, changed), flops=self.flops + 2)


def typed(tree: Tree, text: str, units: Mapping[Itself | Name, str]) -> Typed:
    """Check the units of a formula, and make it ready to run.

    Parameters
    ----------
    tree : Tree
        The formula.
    text : str
        As it was written, for errors.
    units : mapping
        Unit of each field in it, in the order of the values.

    Raises
    ------
    ProductError
        If units do not fit: column, a caret below it, and both units.
    """
    return _Checker(text, units).typed(tree)


class _Checker:
    def __init__(self, text: str, units: Mapping[Itself | Name, str]) -> None:
        self.text = text
        self.units = units
        self.places = {name: place for place, name in enumerate(units)}

    def typed(self, tree: Tree) -> Typed:
        match tree:
            case Number():
                return self.number(tree)
            case Itself() | Name():
                return self.field(tree)
            case Unary():
                return self.unary(tree)
            case Binary():
                return self.binary(tree)
            case Call():
                return self.call(tree)

    def number(self, tree: Number) -> Typed:
        if not tree.unit:
            return Typed(partial(running.constant, tree.value), None)
        unit = unit_of(tree.unit)
        base, changed = _on_ratio_scale(unit)
        return Typed(
            partial(running.constant, changed.factor * tree.value + changed.offset), base, is_point=changed.offset != 0
        )

    def field(self, tree: Itself | Name) -> Typed:
        unit = known_unit(self.units[tree])
        run = partial(running.field, self.places[tree])
        if unit is None:
            return Typed(run, None, degree=1)
        base, changed = _on_ratio_scale(unit)
        return Typed(running.converted(run, changed), base, flops=0.0 if changed.is_nothing else 2.0, degree=1)

    def unary(self, tree: Unary) -> Typed:
        operand = self.typed(tree.operand)
        if tree.sign == "not":
            condition = self.condition(operand, tree)
            return Typed(
                partial(running.of_one, running.negated, condition.run),
                unit_of(""),
                operand.flops + 2,
                _constant_only(operand),
            )
        self.no_point(tree, operand)
        return replace(operand, run=partial(running.of_one, np.negative, operand.run), flops=operand.flops + 1)

    def binary(self, tree: Binary) -> Typed:
        left, right = self.typed(tree.left), self.typed(tree.right)
        if tree.sign in ("and", "or"):
            left, right = self.condition(left, tree), self.condition(right, tree)
            made: Run = partial(
                running.of_two, running.both if tree.sign == "and" else running.either, left.run, right.run
            )
            return Typed(made, unit_of(""), left.flops + right.flops + 3, _constant_only(left, right))
        if tree.sign in ("+", "-"):
            return self.sum(tree, left, right)
        if tree.sign in ("*", "/"):
            return self.product(tree, left, right)
        return self.raised(tree, left, right) if tree.sign == "^" else self.compared(tree, left, right)

    def sum(self, tree: Binary, left: Typed, right: Typed) -> Typed:
        if tree.sign == "+" and (left.is_point or right.is_point):
            raise fault(
                self.text, tree.column, "a place on a scale cannot be added.", "Write a difference in K, such as 5 K."
            )
        left, right = self.alike(tree, (left, right))
        degree = left.degree if left.degree == right.degree else None
        made = partial(running.of_two, np.add if tree.sign == "+" else np.subtract, left.run, right.run)
        return Typed(made, left.unit, left.flops + right.flops + 1, degree)

    def product(self, tree: Binary, left: Typed, right: Typed) -> Typed:
        self.no_point(tree, left, right)
        if tree.sign == "*":
            unit = right.unit if left.unit is None else left.unit if right.unit is None else left.unit * right.unit
            degree = _added(left.degree, right.degree)
        else:
            unit = left.unit if right.unit is None else power(right.unit, -1) * (left.unit or unit_of(""))
            degree = left.degree if right.degree == 0 else None
        unit = None if unit is None else power(unit, 1)
        made = partial(running.of_two, np.multiply if tree.sign == "*" else np.divide, left.run, right.run)
        return Typed(made, unit, left.flops + right.flops + 1, degree)

    def raised(self, tree: Binary, left: Typed, right: Typed) -> Typed:
        self.no_point(tree, left, right)
        right = self.plain(tree, right)
        unit = left.unit
        if unit is not None and right.degree == 0:
            unit = power(unit, self.exponent(tree, right))
        elif unit is not None:
            left, unit = self.plain(tree, left), unit_of("")
        degree = _constant_only(left, right)
        return Typed(partial(running.of_two, np.power, left.run, right.run), unit, left.flops + right.flops + 8, degree)

    def exponent(self, tree: Binary, right: Typed) -> float:
        with np.errstate(all="ignore"):
            value = float(right.run(()))
        if not abs(value) <= 12:
            raise fault(self.text, tree.column, f"a unit cannot be raised to the power {value:g}.")
        return value

    def compared(self, tree: Binary, left: Typed, right: Typed) -> Typed:
        left, right = self.alike(tree, (left, right))
        made = partial(running.of_two, partial(running.compare, running.COMPARISONS[tree.sign]), left.run, right.run)
        return Typed(made, unit_of(""), left.flops + right.flops + 3, _constant_only(left, right))

    def call(self, tree: Call) -> Typed:
        function = FUNCTIONS[tree.function]
        arguments = [self.typed(one) for one in tree.arguments]
        taken = self.taken(tree, function, arguments)
        self.check_constants(tree, function, taken)
        flops = sum(one.flops for one in taken) + function.flops * max(1, len(taken) - 1)
        runs = tuple(one.run for one in taken)
        is_point = function.rule == "same" and any(one.is_point for one in taken)
        unit = self.given(tree, function, taken)
        return Typed(partial(running.of_all, function.make, runs), unit, flops, _constant_only(*taken), is_point)

    def check_constants(self, tree: Call, function: Function, taken: Sequence[Typed]) -> None:
        """Try a function that takes numbers with the numbers that it gets, before anything is read."""
        if not function.constants:
            return
        if any(taken[place].degree != 0 for place in function.constants):
            raise fault(self.text, tree.column, f"'{tree.function}' takes a number, and no field, at its end.")
        try:
            function.make(*(one.run(()) if one.degree == 0 else np.float64(1e5) for one in taken))
        except ProductError as error:
            raise fault(self.text, tree.column, error.message, error.hint) from error

    def taken(self, tree: Call, function: Function, arguments: list[Typed]) -> list[Typed]:
        match function.rule:
            case "same":
                return list(self.alike(tree, arguments))
            case "choice":
                return [self.condition(arguments[0], tree), *self.alike(tree, arguments[1:])]
            case "plain" | "angle":
                return [self.plain(tree, one) for one in arguments]
            case "known":
                pairs = zip(arguments, function.units, strict=True)
                return [self.into(tree, one, unit_of(unit)) for one, unit in pairs]
            case _:
                return arguments

    def given(self, tree: Call, function: Function, taken: list[Typed]) -> pint.Unit | None:
        if function.gives:
            return unit_of(function.gives)
        if function.rule in ("same", "choice"):
            return taken[-1].unit
        if function.rule == "root":
            self.no_point(tree, *taken)
            return None if taken[0].unit is None else power(taken[0].unit, 0.5)
        return None if function.rule == "stripped" else unit_of("")

    def alike(self, tree: Tree, parts: Sequence[Typed]) -> Sequence[Typed]:
        """Bring all to the unit of the first that has one."""
        unit = next((one.unit for one in parts if one.unit is not None), None)
        return [one if unit is None else self.into(tree, one, unit) for one in parts]

    def into(self, tree: Tree, part: Typed, unit: pint.Unit) -> Typed:
        """Bring a part to a unit; a plain number is taken as one in it."""
        if part.unit is None:
            return replace(part, unit=unit)
        try:
            changed = conversion(part.unit, unit)
        except ProductError as error:
            place = getattr(tree, "column", 0)
            what = f"{unit_text(part.unit)} does not fit {unit_text(unit)}"
            raise fault(
                self.text, place, f"{what} in '{_short(tree)}'.", "A number may have a unit: 20 mm, 5 m s**-1."
            ) from error
        flops = part.flops + (0 if changed.is_nothing else 1)
        return replace(part, run=running.converted(part.run, changed), unit=unit, flops=flops)

    def plain(self, tree: Tree, part: Typed) -> Typed:
        return part if part.unit is None else self.into(tree, part, unit_of(""))

    def condition(self, part: Typed, tree: Tree) -> Typed:
        if part.is_point:
            self.no_point(tree, part)
        return part

    def no_point(self, tree: Tree, *parts: Typed) -> None:
        if any(one.is_point for one in parts):
            raise fault(
                self.text,
                getattr(tree, "column", 0),
                f"a place on a scale, such as 0 degC, makes no sense in '{_short(tree)}'.",
                "Compare with it or subtract it, or write it in K.",
            )


def _on_ratio_scale(unit: pint.Unit) -> tuple[pint.Unit, Conversion]:
    """Temperatures on other scales become K; what has no zero of its own cannot be multiplied."""
    kelvin = unit_of("K")
    if unit != kelvin and unit.dimensionality == kelvin.dimensionality:
        changed = conversion(unit, kelvin)
        if changed.offset:
            return kelvin, changed
    return unit, Conversion()


def _added(one: int | None, other: int | None) -> int | None:
    return one + other if one is not None and other is not None and one + other <= 1 else None


def _constant_only(*parts: Typed) -> int | None:
    return 0 if all(one.degree == 0 for one in parts) else None


def _short(tree: Tree) -> str:
    text = written(tree)
    return text if len(text) <= 60 else f"{text[:57]}..."
