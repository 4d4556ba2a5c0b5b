"""Formulas as trees, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Binary", "Call", "Itself", "Name", "Number", "Tree", "Unary", "names_in", "plain_numbers", "written"]

RESERVED = frozenset({"and", "or", "not", "f", "f1"})
_PLAIN_NAME = re.compile(r"[0-9]*[A-Za-z_][A-Za-z0-9_]*")
# How tightly an operator holds its operands.
STRENGTH = {"or": 1, "and": 2, "not": 3, **dict.fromkeys(("<", "<=", ">", ">=", "=", "!="), 4)}
STRENGTH |= {"+": 5, "-": 5, "*": 6, "/": 6, "^": 8}
_SIGN, _ATOM = 7, 9


@dataclass(frozen=True, slots=True)
class Number:
    """A number, in a unit where it has one (as `dtedask.products.derived.units.unit_text` writes it)."""

    value: float
    unit: str = ""
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Itself:
    """The field that the formula is for."""

    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """Another field: its parameter, and in ``keys`` what beside it is not as of the field itself."""

    param: str
    keys: tuple[tuple[str, str], ...] = ()
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """A sign, or ``not``."""

    sign: str
    operand: Tree
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what is between them."""

    sign: str
    left: Tree
    right: Tree
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function."""

    function: str
    arguments: tuple[Tree, ...]
    column: int = field(default=0, compare=False)


Tree: TypeAlias = Number | Itself | Name | Unary | Binary | Call


def written(tree: Tree) -> str:
    """Write a formula: equal trees give equal texts, and reading the text gives the tree."""
    match tree:
        case Number():
            return _number(tree)
        case Itself():
            return "f"
        case Name():
            return _name(tree)
        case Call():
            return f"{tree.function}({', '.join(map(written, tree.arguments))})"
        case Unary(sign="not"):
            return f"not {_within(tree.operand, STRENGTH['not'])}"
        case Unary():
            is_number = isinstance(tree.operand, Number)
            return f"-({written(tree.operand)})" if is_number else f"-{_within(tree.operand, _ATOM)}"
        case _:
            return _binary(tree)


def names_in(tree: Tree) -> Iterator[Itself | Name]:
    """Fields that a formula takes, in the order in which they stand there; one as often as it stands there."""
    return (leaf for leaf in _leaves(tree) if not isinstance(leaf, Number))


def plain_numbers(tree: Tree) -> Iterator[float]:
    """Numbers without a unit that stand in a formula."""
    return (leaf.value for leaf in _leaves(tree) if isinstance(leaf, Number) and not leaf.unit)


def _leaves(tree: Tree) -> Iterator[Number | Itself | Name]:
    match tree:
        case Unary():
            yield from _leaves(tree.operand)
        case Binary():
            yield from _leaves(tree.left)
            yield from _leaves(tree.right)
        case Call():
            for argument in tree.arguments:
                yield from _leaves(argument)
        case _:
            yield tree


def _strength(tree: Tree) -> int:
    match tree:
        case Binary():
            return STRENGTH[tree.sign]
        case Unary():
            return STRENGTH["not"] if tree.sign == "not" else _SIGN
        case Number() if tree.value < 0 or str(tree.value)[0] == "-" or tree.unit:
            return _SIGN
        case _:
            return _ATOM


def _within(tree: Tree, least: int) -> str:
    return written(tree) if _strength(tree) >= least else f"({written(tree)})"


def _binary(tree: Binary) -> str:
    own = STRENGTH[tree.sign]
    chains = tree.sign not in ("^", "<", "<=", ">", ">=", "=", "!=")
    left = _within(tree.left, own if chains else own + 1)
    return f"{left} {tree.sign} {_within(tree.right, own + 1)}"


def _number(tree: Number) -> str:
    digits = repr(tree.value).removesuffix(".0")
    if tree.unit in ("", "%"):
        return f"{digits} %" if tree.unit else digits
    return f"{digits} [{tree.unit}]"


def _name(tree: Name) -> str:
    is_plain = _PLAIN_NAME.fullmatch(tree.param) and tree.param not in RESERVED
    name = tree.param if is_plain else f"'{tree.param}'"
    keys = ", ".join(f"{key}={value}" for key, value in tree.keys)
    return f"{name}[{keys}]" if keys else name
