"""Weights in the memory of this process: each is loaded once; the least recently used go when there are too many."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Memory:
    """Matrices by name, bounded by bytes.

    The one that was asked for last always stays, however large it is. All are read-only.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, csr_array] = OrderedDict()
        self._loading: dict[Hashable, threading.Lock] = {}

    @property
    def size_bytes(self) -> int:
        """Bytes of all matrices."""
        with self._lock:
            return sum(size_of(matrix) for matrix in self._kept.values())

    def get(self, name: Hashable, load: Callable[[], csr_array], limit_bytes: int) -> csr_array:
        """Return a matrix, and load it first where it is not there; of many threads one does.

        Parameters
        ----------
        name : hashable
            What it is called.
        load : callable
            Gives it.
        limit_bytes : int
            Others go until all together have no more bytes than that.
        """
        with self._lock:
            loading = self._loading.setdefault(name, threading.Lock())
        with loading:
            found = self.find(name)
            if found is None:
                found = read_only(load())
                self._keep(name, found, limit_bytes)
        with self._lock:
            self._loading.pop(name, None)
        return found

    def find(self, name: Hashable) -> csr_array | None:
        """Return a matrix that is there."""
        with self._lock:
            found = self._kept.get(name)
            if found is not None:
                self._kept.move_to_end(name)
            return found

    def clear(self) -> None:
        """Let all go."""
        with self._lock:
            self._kept.clear()

    def _keep(self, name: Hashable, matrix: csr_array, limit_bytes: int) -> None:
        with self._lock:
            self._kept[name] = matrix
            total = sum(size_of(kept) for kept in self._kept.values())
            while total > limit_bytes and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                total -= size_of(gone)


def size_of(matrix: csr_array) -> int:
    """Bytes of a matrix."""
    return int(matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes)


def read_only(matrix: csr_array) -> csr_array:
    """Forbid to change a matrix that many share."""
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.flags.writeable = False
    return matrix


MEMORY = Memory()
"""The weights of this process."""
