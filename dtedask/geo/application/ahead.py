"""Fields that are asked for one after the other are made many at a time, as a disk is read ahead."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MANY = 32


class ReadAhead:
    """Makes the next fields along with one that follows another; at most one box of them is kept.

    Parameters
    ----------
    shape : tuple of int
        Sizes of the dimensions before those of the grid.
    most : int
        Fields that may be made at a time.
    make : callable
        Takes places on each dimension, and makes the fields at all their combinations.
    """

    def __init__(
        self, shape: tuple[int, ...], most: int, make: Callable[[list[NDArray[np.intp]]], NDArray[np.floating]]
    ) -> None:
        self._shape, self._most, self._make = shape, min(most, _MANY), make
        self._axis = max((axis for axis, size in enumerate(shape) if size > 1), default=-1)
        self._lock = threading.Lock()
        self._last: int | None = None
        self._first = 0
        self._kept: NDArray[np.floating] | None = None

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in self.__dict__.items() if name != "_lock"}
        return kept | {"_last": None, "_kept": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def field(self, place: tuple[int, ...]) -> NDArray[np.floating]:
        """Return one field, shape (1, ..., 1, points)."""
        with self._lock:
            number = int(np.ravel_multi_index(place, self._shape)) if place else 0
            follows, self._last = self._last is not None and number == self._last + 1, number
            if self._kept is None or not 0 <= number - self._first < self._kept.shape[self._axis]:
                if not follows or self._axis < 0:
                    self._kept = None
                    return self._make([np.array([at]) for at in place])
                self._fill(place, number)
            return self._take(number)

    def _fill(self, place: tuple[int, ...], number: int) -> None:
        start = place[self._axis]
        stop = min(start + self._most, self._shape[self._axis])
        places = [np.array([at]) for at in place]
        places[self._axis] = np.arange(start, stop)
        self._first, self._kept = number, self._make(places)

    def _take(self, number: int) -> NDArray[np.floating]:
        assert self._kept is not None
        at = number - self._first
        found = self._kept.take([at], axis=self._axis)
        if at + 1 == self._kept.shape[self._axis]:
            self._kept = None
        return found
