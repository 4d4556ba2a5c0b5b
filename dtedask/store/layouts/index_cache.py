"""Indices of shards that were read lately: what a snapshot holds never changes."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

Place = tuple[str, str, str]  # URL of the cube, snapshot, Zarr key


class IndexCache:
    """Indices, those that were used last, as far as they fit.

    Parameters
    ----------
    most_bytes : int
        Bytes that they may take.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._found: OrderedDict[Place, np.ndarray] = OrderedDict()
        self._guard = threading.Lock()

    def clear(self) -> None:
        """Forget all of them."""
        with self._guard:
            self._found.clear()
            self._bytes = 0

    def get(self, place: Place) -> np.ndarray | None:
        """The index of a shard; None where it is not known."""
        with self._guard:
            index = self._found.get(place)
            if index is not None:
                self._found.move_to_end(place)
            return index

    def put(self, place: Place, index: np.ndarray) -> None:
        """Keep an index, and forget those that were not used for longest."""
        with self._guard:
            if place not in self._found:
                self._found[place] = index
                self._bytes += index.nbytes
            while self._bytes > self._most_bytes:
                _, old = self._found.popitem(last=False)
                self._bytes -= old.nbytes
