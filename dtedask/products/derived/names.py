"""Names in formulas as MARS keys: which field is meant."""

from __future__ import annotations

from collections.abc import Mapping

from dtedask.core.errors import DtedaskError, ProductError
from dtedask.products.derived.faults import fault
from dtedask.products.derived.formula import fields_of
from dtedask.products.derived.parser import parse_formula
from dtedask.products.derived.tree import Name, written
from dtedask.request import canonical_key, canonical_value, format_step, parse_step
from dtedask.request.parameters import canonical_param

__all__ = ["check_formula", "formula_inputs", "meant"]


def check_formula(text: str) -> None:
    """Check all of a formula that can be checked without fields: how it is written, and what its names mean.

    Raises
    ------
    ProductError
        Column, a caret below it, and what to do.
    """
    parse_formula(text)
    for one in fields_of(text):
        if isinstance(one, Name):
            _resolved(text, one, {})


def formula_inputs(text: str, keys: Mapping[str, str]) -> tuple[tuple[str, dict[str, str]], ...]:
    """Say which fields a formula takes beside the field itself.

    Parameters
    ----------
    text : str
        The formula.
    keys : mapping of str to str
        MARS keys of the field itself, canonical.

    Returns
    -------
    tuple of (str, dict)
        Names as `apply_formula` asks for them, and the keys of each field: those of the field itself, but for the
        parameter and what stands in brackets behind it. ``step`` with a sign counts from the field's own.

    Raises
    ------
    ProductError
        If it is no formula, or if a name means nothing.
    """
    return tuple((written(one), _resolved(text, one, keys)) for one in fields_of(text) if isinstance(one, Name))


def meant(name: Name, keys: Mapping[str, str]) -> dict[str, str]:
    """Keys of the field that a name means beside a field of some keys.

    Raises
    ------
    DtedaskError
        If there is no such parameter, key or value, or the step would be before the start.
    """
    changed = {canonical_key(key): value for key, value in name.keys}
    step = changed.get("step", "")
    if step[:1] in ("-", "+"):
        changed["step"] = _later(keys.get("step", "0"), step)
    others = {key: canonical_value(key, value) for key, value in changed.items()}
    return {**keys, "param": canonical_param(name.param), **others}


def _resolved(text: str, name: Name, keys: Mapping[str, str]) -> dict[str, str]:
    try:
        return meant(name, keys or {"step": "240"})
    except DtedaskError as error:
        raise fault(text, name.column, error.message, _hint(name.param) or error.hint) from error


def _hint(param: str) -> str:
    """A number and a unit that were written as one word look like a name."""
    digits = len(param) - len(param.lstrip("0123456789"))
    return f"A number has a space before its unit: '{param[:digits]} {param[digits:]}'." if digits else ""


def _later(step: str, change: str) -> str:
    seconds = parse_step(step).end_s + (-1 if change[0] == "-" else 1) * parse_step(change[1:]).end_s
    if seconds < 0:
        raise ProductError(f"The step {change} from {step} is before the start of the forecast.")
    return format_step(seconds)
