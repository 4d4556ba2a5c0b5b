"""A field that exists, before anybody asks for its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dtedask.products.planning.canonical import member_of

if TYPE_CHECKING:
    from dtedask.geo import Grid
    from dtedask.grib import FieldDescription
    from dtedask.products.planning.read import Read

__all__ = ["Available"]

_NOT_COMPARED = frozenset({"date", "time", "param", "levelist", "step", "number"})


class Available:
    """A field that exists. What it is exactly is made out when it is first asked for.

    Parameters
    ----------
    keys : mapping
        Its MARS keys, as its message had them.
    grid : Grid
        Where its points are.
    read : callable
        Gives the operation that reads it, and that knows what stands for its content.
    """

    __slots__ = ("_made", "_read", "grid", "keys")

    def __init__(self, keys: Mapping[str, str], grid: Grid, read: Callable[[], Read]) -> None:
        self.keys, self.grid, self._read = keys, grid, read
        self._made: Read | None = None

    @property
    def read(self) -> Read:
        """The operation that reads it."""
        if self._made is None:
            self._made = self._read()
        return self._made

    @property
    def content(self) -> str:
        """What stands for its values."""
        return self.read.content

    @property
    def description(self) -> FieldDescription:
        """What it is."""
        return self.read.description

    def answers(self, keys: Mapping[str, str]) -> bool:
        """Whether it is what keys ask for; its parameter, cycle, level, step and member are looked up before."""
        own = self.keys
        for key, value in keys.items():
            if key in _NOT_COMPARED or own.get(key) == value:
                continue
            is_member = key == "type" and value in ("cf", "pf") and own.get(key) in ("cf", "pf")
            if not (is_member and member_of(own) == "0") and not (key == "grid" and self.grid.label == value):
                return False
        return True

    def __repr__(self) -> str:
        return f"<Available {','.join(f'{key}={value}' for key, value in self.keys.items())} on {self.grid.label}>"
