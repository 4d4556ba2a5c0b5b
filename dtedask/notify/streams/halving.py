"""Finding the first of a row of numbered things that is late enough, by halving."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Time = TypeVar("Time", int, str)


def first_since(look: Callable[[int], tuple[int, Time] | None], low: int, high: int, time: Time) -> int:
    """Give the lowest number whose time is not before a time; times must not go back.

    Parameters
    ----------
    look : callable (number) -> (number, time) or None
        Gives the first thing at or after a number.
    low, high : int
        The first number, and one behind the last, which is given where all are too early.
    time : int or str
        The time.
    """
    while low < high:  # what is below `low` is too early, and `high` late enough
        middle = (low + high) // 2
        found = look(middle)
        if found is None or found[1] >= time:
            high = middle
        else:
            low = found[0] + 1
    return low
