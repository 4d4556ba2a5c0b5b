"""Errors of formulas: what is wrong, and a caret below where it is."""

from __future__ import annotations

from dtedask.core.errors import ProductError

__all__ = ["fault"]

_BEFORE, _SHOWN = 50, 100


def fault(text: str, column: int, what: str, hint: str = "") -> ProductError:
    """Return the error of one place in a formula.

    Parameters
    ----------
    text : str
        The formula.
    column : int
        Where, counted from 0.
    what : str
        What is wrong there, a sentence.
    hint : str
        What to do about it.
    """
    start = max(0, column - _BEFORE)
    shown = "".join(letter if letter.isprintable() else " " for letter in text[start : start + _SHOWN])
    place = "\n".join((f"Formula, column {column + 1}: {what}", f"  {shown}", f"  {' ' * (column - start)}^"))
    return ProductError(place, hint=f"\n{hint}" if hint else "")
