"""What a graph carries in place of weights: their name, and where they are kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.interpolation.method import Reduction
from dtedask.geo.weighting.building import build, matrix_of
from dtedask.geo.weighting.cache import WeightsCache
from dtedask.geo.weighting.entry import DamagedWeightsError, Entry
from dtedask.geo.weighting.interpolation import Interpolation
from dtedask.geo.weighting.memory import MEMORY

if TYPE_CHECKING:
    from scipy.sparse import csr_array

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeightsHandle:
    """Weights by name. It is small and can be pickled; equal handles stand for equal weights.

    Whoever asks it for weights gets them from the memory of the process, else from the cache, else they are made (and
    kept, where the cache can be written): so a worker that does not see the client's cache works, too.

    Parameters
    ----------
    interpolation : Interpolation
        What the weights are.
    location : str
        Folder of the cache; "" for none.
    memory_bytes : int
        How much of all weights stays in the memory of a process.
    """

    interpolation: Interpolation
    location: str
    memory_bytes: int

    @property
    def folder(self) -> Path:
        """Folder of the cache, where there is one."""
        return Path(self.location)

    @property
    def key(self) -> str:
        """Digest of all that the weights depend on."""
        return self.interpolation.key

    @property
    def shape(self) -> tuple[int, int]:
        """Points of the target, points of the source."""
        return self.interpolation.shape

    @property
    def reduction(self) -> Reduction:
        """What is made of the weighted values of a row: their sum, their maximum or minimum."""
        return self.interpolation.reduction

    def limits(self) -> WeightsHandle | None:
        """Return what keeps values within bounds: rows of those source points whose least and largest value limit.

        None for methods without a limiter, as most are. It is kept beside the weights when it is first asked for.
        """
        limiting = self.interpolation.limits
        return None if limiting is None else replace(self, interpolation=limiting)

    @property
    def is_kept(self) -> bool:
        """Whether the weights are there: in the memory of the process, or in the cache."""
        if MEMORY.find(self.key) is not None:
            return True
        return bool(self.location) and WeightsCache(self.folder).find(self.key) is not None

    def ensure(self, *, threads: int | None = None) -> WeightsHandle:
        """Make the weights and keep them in the cache, unless they are there; return the handle itself."""
        if self.location and WeightsCache(self.folder).find(self.key) is None:
            self._make(threads)
        return self

    def load(self, *, threads: int | None = None) -> csr_array:
        """Return all weights as a matrix of the caller's own."""
        kept = MEMORY.find(self.key)
        return kept.copy() if kept is not None else self._read(lambda entry: entry.matrix(), lambda made: made, threads)

    def matrix(self) -> csr_array:
        """Return all weights; they are loaded once a process, shared and read-only."""
        return MEMORY.get(
            self.key, lambda: self._read(lambda entry: entry.matrix(), lambda made: made), self.memory_bytes
        )

    def rows(self, first: int, last: int) -> csr_array:
        """Return the weights of the target's points `first` to `last` (exclusive); only those are read.

        They are shared and read-only.

        Raises
        ------
        GridError
            If there are no such points.
        """
        if not 0 <= first <= last <= self.shape[0]:
            raise GridError(
                f"The rows {first} to {last} are not among the {self.shape[0]} of {self.interpolation}.",
                hint="Rows are counted from 0, and the last one is left out.",
            )
        whole = MEMORY.find(self.key)
        if whole is not None:
            return rows_of(whole, first, last)
        return MEMORY.get(
            (self.key, first, last),
            lambda: self._read(lambda entry: entry.rows(first, last), lambda made: rows_of(made, first, last)),
            self.memory_bytes,
        )

    def take(self, places: NDArray[np.integer]) -> csr_array:
        """Return the weights of some points of the target, in their order; only the chunks that hold them are read.

        Parameters
        ----------
        places : numpy.ndarray of int, shape (n,)
            Points of the target; may repeat.
        """
        whole = MEMORY.find(self.key)
        if whole is not None:
            return whole[places]
        return self._read(lambda entry: entry.take(places), lambda made: made[places])

    def _read(
        self, read: Callable[[Entry], csr_array], cut: Callable[[csr_array], csr_array], threads: int | None = None
    ) -> csr_array:
        cache = WeightsCache(self.folder) if self.location else None
        entry = None if cache is None else cache.find(self.key)
        if cache is not None and entry is not None:
            try:
                return read(entry)
            except DamagedWeightsError as error:
                cache.discard(self.key, error)
        return cut(self._make(threads))

    def _make(self, threads: int | None = None) -> csr_array:
        masks, wanted = self.interpolation.masks, self.interpolation
        if masks is None:
            weights = build(wanted, threads=threads)
        else:
            plain = WeightsHandle(wanted.unmasked, self.location, self.memory_bytes).load(threads=threads)
            weights = masks.apply(plain, wanted.source, wanted.target)
        if self.location:
            self._keep(weights)
        return weights

    def _keep(self, weights: csr_array) -> None:
        """Keep what was made; weights that cannot be kept are as good as those that can."""
        try:
            WeightsCache(self.folder).keep(self.interpolation, weights)
        except GridError as error:
            logger.warning("%s", error.message)


def rows_of(matrix: csr_array, first: int, last: int) -> csr_array:
    """Return some rows of a matrix; weights are not copied."""
    start, stop = int(matrix.indptr[first]), int(matrix.indptr[last])
    indptr = matrix.indptr[first : last + 1] - matrix.indptr[first]
    return matrix_of(indptr, matrix.indices[start:stop], matrix.data[start:stop], matrix.shape[1])
