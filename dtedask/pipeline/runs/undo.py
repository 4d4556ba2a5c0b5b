"""Putting a state back as it was before a message that failed.

Two things may have changed: what holds the arrays (containers and objects, which are copied before), and the arrays
themselves, which only folds change (each is copied before its first fold of the message).
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any

import numpy as np
from pydantic import BaseModel

from dtedask.pipeline.compute import Compute, Fold

__all__ = ["Journal", "arrays_in", "copied", "rebuilt"]

Leaf = Callable[[Any], Any]
_PLAIN = (str, int, float, bool, bytes, type(None), np.ndarray, np.generic, type, ModuleType, BaseModel)


def rebuilt(value: Any, leaf: Leaf = lambda value: value, seen: dict[int, Any] | None = None) -> Any:
    """Return a copy of containers and objects; what they hold at last, arrays above all, goes through `leaf`.

    Objects that cannot change (frozen dataclasses) stay what they are unless `leaf` replaces something in them.
    """
    seen = {} if seen is None else seen
    if id(value) in seen:
        return seen[id(value)][1]
    if isinstance(value, _PLAIN) or callable(value) or getattr(value, "stands_for_values", False):
        return leaf(value)
    if leaf is _as_it_is and _is_frozen(value):
        return value
    if isinstance(value, dict | list | deque | set):
        return _container(value, leaf, seen)
    if isinstance(value, tuple | frozenset):
        return _frozen(value, leaf, seen)
    names = list(_attributes(value))
    return _object(value, names, leaf, seen) if names else leaf(value)


def copied(value: Any) -> Any:
    """Return a copy of containers and of objects that can change; arrays and frozen objects are shared."""
    return rebuilt(value, _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


def arrays_in(value: Any) -> Iterator[np.ndarray]:
    """Arrays in a state, wherever they stand."""
    found: list[np.ndarray] = []

    def keep(one: Any) -> Any:
        if isinstance(one, np.ndarray):
            found.append(one)
        return one

    rebuilt(value, keep)
    yield from found


class Journal:
    """Calls what it is told, and can put back the arrays that folds changed.

    Parameters
    ----------
    inner : Compute
        Where the functions run; at once.
    """

    def __init__(self, inner: Compute) -> None:
        self._inner = inner
        self._kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def call(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """See `Compute`."""
        return self._inner.call(name, function, *arguments)

    def fold(self, name: str, fold: Fold, state: Any | None, values: Any) -> Any:
        """See `Compute`."""
        if state is not None:
            for array in arrays_in(state):
                if id(array) not in self._kept:
                    self._kept[id(array)] = array, array.copy()
        return self._inner.fold(name, fold, state, values)

    def forget(self) -> None:
        """Begin with another message."""
        self._kept.clear()

    def restore(self) -> None:
        """Put all arrays back."""
        for array, before in self._kept.values():
            np.copyto(array, before)
        self._kept.clear()


def _container(value: Any, leaf: Leaf, seen: dict[int, Any]) -> Any:
    made = copy.copy(value)
    made.clear()
    seen[id(value)] = value, made  # the value is kept, so that its id stays its own
    if isinstance(value, dict):
        made.update((key, rebuilt(one, leaf, seen)) for key, one in value.items())
    elif isinstance(value, set):
        made.update(value)
    else:
        made.extend(rebuilt(one, leaf, seen) for one in value)
    return made


def _frozen(value: Any, leaf: Leaf, seen: dict[int, Any]) -> Any:
    parts = [rebuilt(one, leaf, seen) for one in value]
    if all(one is other for one, other in zip(parts, value, strict=True)):
        return value
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _object(value: Any, names: list[str], leaf: Leaf, seen: dict[int, Any]) -> Any:
    made = value if _is_frozen(value) else copy.copy(value)
    seen[id(value)] = value, made
    for name in names:
        before = getattr(value, name)
        after = rebuilt(before, leaf, seen)
        if after is before:
            continue
        if made is value:
            made = copy.copy(value)
            seen[id(value)] = value, made
        object.__setattr__(made, name, after)
    return made


def _is_frozen(value: Any) -> bool:
    parameters: Any = getattr(value, "__dataclass_params__", None)
    return parameters is not None and bool(parameters.frozen)


def _attributes(value: Any) -> Iterator[str]:
    if is_dataclass(value):
        yield from (one.name for one in fields(value) if hasattr(value, one.name))
        return
    yield from getattr(value, "__dict__", ())
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        names = (slots,) if isinstance(slots, str) else slots
        yield from (name for name in names if name not in ("__dict__", "__weakref__") and hasattr(value, name))
