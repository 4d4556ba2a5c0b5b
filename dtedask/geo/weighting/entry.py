"""Weights as a Zarr group: three arrays, each chunk with its crc32c, read by rows of the target.

The group says in its attributes all that the weights depend on: the descriptions of both grids, method, options and
masks. ``indices`` and ``data`` stand in chunks of as many weights, so that some rows touch few chunks; ``indptr`` says
where the weights of each row begin.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.weighting.building import matrix_of
from dtedask.geo.weighting.interpolation import Interpolation, key_of

if TYPE_CHECKING:
    import zarr
    from scipy.sparse import csr_array

_CHUNK = 1 << 18  # weights, or rows
_ABSENT = {"indptr": -1, "indices": -1, "data": float("nan")}
"""Fill values: a chunk whose file is gone is noticed by them."""
_SEEN_AS_DAMAGE = (OSError, ValueError, RuntimeError, KeyError, TypeError, IndexError, OverflowError)
"""What Zarr and its codecs raise on bytes that are not those that were written."""


class DamagedWeightsError(GridError):
    """Weights of a cache that are not those that were written."""

    code = "weights-damaged"


def write_entry(folder: Path, interpolation: Interpolation, weights: csr_array) -> None:
    """Write weights into a folder that does not exist."""
    import zarr

    attributes = {
        "title": str(interpolation),
        "key": interpolation.key,
        "identity": interpolation.identity,
        "shape": list(weights.shape),
        "reduction": interpolation.reduction,
        "source": {"label": interpolation.source.label, "spec": interpolation.source.description},
        "target": {"label": interpolation.target.label, "spec": interpolation.target.description},
    }
    group = zarr.create_group(folder, attributes=attributes)
    for name in ("indptr", "indices", "data"):
        _write_array(group, name, getattr(weights, name))


def _write_array(group: zarr.Group, name: str, values: NDArray[Any]) -> None:
    from zarr.codecs import BloscCodec, Crc32cCodec

    width = values.dtype.itemsize
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=(min(_CHUNK, max(values.size, 1)),),
        dtype=values.dtype,
        fill_value=_ABSENT[name],
        compressors=[BloscCodec(cname="lz4", clevel=1, shuffle="shuffle", typesize=width), Crc32cCodec()],
        config={"write_empty_chunks": True},
    )
    array[:] = values


@dataclass(frozen=True, eq=False)
class Entry:
    """Weights that are kept in a folder.

    Parameters
    ----------
    folder : Path
        The Zarr group.
    attributes : dict
        What it says of itself.
    indptr, indices, data : zarr.Array
        Read when asked for.
    """

    folder: Path
    attributes: dict[str, Any]
    indptr: zarr.Array[Any]
    indices: zarr.Array[Any]
    data: zarr.Array[Any]

    @classmethod
    def open(cls, folder: Path) -> Entry:
        """Open what was written.

        Raises
        ------
        FileNotFoundError
            If there is no such folder.
        DamagedWeightsError
            If its description is not what was written.
        """
        import zarr

        if not folder.is_dir():
            raise FileNotFoundError(folder)
        try:
            group = zarr.open_group(folder, mode="r", zarr_format=3)
            attributes: dict[str, Any] = dict(group.attrs)
            indptr, indices, data = (_array(group, name) for name in ("indptr", "indices", "data"))
            is_whole = key_of(attributes["identity"]) == attributes["key"] == folder.name
            is_whole &= [indptr.shape[0] - 1, indices.shape] == [attributes["shape"][0], data.shape]
        except _SEEN_AS_DAMAGE as error:
            raise _damaged(folder) from error
        if not is_whole:
            raise _damaged(folder)
        return cls(folder, attributes, indptr, indices, data)

    @property
    def shape(self) -> tuple[int, int]:
        """Points of the target, points of the source."""
        rows, columns = self.attributes["shape"]
        return rows, columns

    @property
    def size_bytes(self) -> int:
        """Bytes of the weights in memory."""
        return sum(array.size * array.dtype.itemsize for array in (self.indptr, self.indices, self.data))

    def matrix(self) -> csr_array:
        """Read all weights."""
        return self.rows(0, self.shape[0])

    def rows(self, first: int, last: int) -> csr_array:
        """Read the rows `first` to `last` (exclusive), and no chunk that has none of theirs.

        Raises
        ------
        DamagedWeightsError
            If a chunk is not what was written.
        """
        indptr = self._read("indptr", first, last + 1)
        start, stop = int(indptr[0]), int(indptr[-1])
        self._check(indptr.min() >= 0 and np.all(np.diff(indptr) >= 0))
        indices, data = self._read("indices", start, stop), self._read("data", start, stop)
        self._check(not indices.size or (indices.min() >= 0 and indices.max() < self.shape[1]))
        return matrix_of(indptr - indptr.dtype.type(start), indices, data, self.shape[1])

    def take(self, places: NDArray[np.integer]) -> csr_array:
        """Read the rows of some points of the target, in their order.

        Parameters
        ----------
        places : numpy.ndarray of int, shape (n,)
            Points of the target; may repeat.

        Raises
        ------
        DamagedWeightsError
            If a chunk is not what was written.
        """
        if not places.size:
            return matrix_of(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0), self.shape[1])
        lowest = int(places.min())
        indptr = self._read("indptr", lowest, int(places.max()) + 2).astype(np.int64)
        self._check(indptr.min() >= 0 and np.all(np.diff(indptr) >= 0))
        start, lengths = indptr[places - lowest], indptr[places - lowest + 1] - indptr[places - lowest]
        ends = np.cumsum(lengths)
        wanted = np.arange(int(ends[-1])) + np.repeat(start - (ends - lengths), lengths)
        indices, data = self._gather("indices", wanted), self._gather("data", wanted)
        self._check(not indices.size or (indices.min() >= 0 and indices.max() < self.shape[1]))
        return matrix_of(np.concatenate([[0], ends]), indices, data, self.shape[1])

    def _gather(self, name: str, wanted: NDArray[np.int64]) -> NDArray[Any]:
        """Read weights at any places, each chunk once and neighbouring chunks together."""
        chunks = np.unique(wanted // _CHUNK)
        found = np.empty(wanted.size, getattr(self, name).dtype)
        for run in np.split(chunks, np.flatnonzero(np.diff(chunks) > 1) + 1):
            if not run.size:
                continue
            start = int(run[0]) * _CHUNK
            part = self._read(name, start, min((int(run[-1]) + 1) * _CHUNK, getattr(self, name).size))
            inside = (wanted >= start) & (wanted < start + part.size)
            found[inside] = part[wanted[inside] - start]
        return found

    def _read(self, name: str, first: int, last: int) -> NDArray[Any]:
        try:
            found: NDArray[Any] = np.asarray(getattr(self, name)[first:last])
        except _SEEN_AS_DAMAGE as error:
            raise _damaged(self.folder) from error
        self._check(found.dtype.kind != "f" or not np.isnan(found).any())
        return found

    def _check(self, is_good: bool | np.bool_) -> None:
        if not is_good:
            raise _damaged(self.folder)


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    import zarr

    found = group[name]
    if not isinstance(found, zarr.Array) or found.ndim != 1:
        raise TypeError(name)
    return found


def described(folder: Path) -> dict[str, Any]:
    """Read what weights say of themselves, without Zarr.

    Raises
    ------
    DamagedWeightsError
        If it is not what was written.
    """
    try:
        said: dict[str, Any] = json.loads((folder / "zarr.json").read_text("utf-8"))["attributes"]
        is_whole = key_of(said["identity"]) == said["key"] == folder.name
    except _SEEN_AS_DAMAGE as error:
        raise _damaged(folder) from error
    if not is_whole:
        raise _damaged(folder)
    return said


def _damaged(folder: Path) -> DamagedWeightsError:
    return DamagedWeightsError(
        f"The weights in '{folder}' are damaged.", hint="Remove them with `dtedask weights purge`; they are made anew."
    )
