"""Files of weights that others have made: scipy's, MIR's, and NetCDF of ESMF and SCRIP."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_UNSIGNED, _INTEGER, _BLOB = 10, 5, 21  # tags of eckit's streams


def read_matrix(path: Path) -> csr_array:
    """Read weights; what the file is, its first bytes say.

    Parameters
    ----------
    path : Path
        A sparse matrix as `scipy.sparse.save_npz` writes it, a matrix of MIR's cache (``.mat``), or the NetCDF file of
        ESMF (`S`, `row`, `col`) or SCRIP (`remap_matrix`, `dst_address`, `src_address`; first of its weights).

    Returns
    -------
    scipy.sparse.csr_array of float64
        Rows are points of the target; indices are sorted, entries for the same pair are added up, and none is 0.

    Raises
    ------
    GridError
        If there is no such file, or it is of another kind.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(4)
    except OSError as error:
        raise GridError(f"The weights {str(path)!r} cannot be read.", hint="Give the path of a file.") from error
    for magic, read in _KINDS.items():
        if begin.startswith(magic):
            return _tidied(read(path))
    raise GridError(
        f"What weights {str(path)!r} has is not known.",
        hint="It may be a file of scipy.sparse.save_npz, of MIR's cache, or NetCDF of ESMF or SCRIP.",
    )


def _tidied(matrix: Any) -> csr_array:
    from scipy.sparse import csr_array

    tidy = csr_array(matrix, dtype=np.float64, copy=True)
    tidy.sum_duplicates()
    tidy.eliminate_zeros()
    return tidy


def _scipy(path: Path) -> Any:
    from scipy.sparse import load_npz

    return load_npz(path)


def _mir(path: Path) -> Any:
    """Read an eckit stream: rows, columns, entries, byte order, sizes of indices, numbers and counts, three arrays."""
    from scipy.sparse import csr_array

    with path.open("rb") as file:
        rows, columns, _ = (_number(file, _UNSIGNED) for _ in range(3))
        order = "<" if _number(file, _INTEGER) else ">"
        index_size, number_size, _ = (_number(file, _UNSIGNED) for _ in range(3))
        pointers, indices = (_array(file, f"{order}u{index_size}") for _ in range(2))
        values = _array(file, f"{order}f{number_size}")
    return csr_array((values, indices.astype(np.int64), pointers.astype(np.int64)), shape=(rows, columns))


def _number(file: BinaryIO, tag: int) -> int:
    found, number = struct.unpack("!BI", file.read(5))
    if found != tag:
        raise GridError(f"{file.name!r} is no matrix of MIR.", hint="Make it again with MIR's --interpolation-matrix.")
    return int(number)


def _array(file: BinaryIO, kind: str) -> NDArray[Any]:
    tag, size = struct.unpack("!BQ", file.read(9))
    if tag != _BLOB:
        raise GridError(f"{file.name!r} is no matrix of MIR.", hint="Make it again with MIR's --interpolation-matrix.")
    values = np.frombuffer(file.read(size), kind)
    return values.astype(values.dtype.newbyteorder("="))


def _classic_netcdf(path: Path) -> Any:
    from scipy.io import netcdf_file

    with netcdf_file(path, mmap=False) as file:
        return _of_netcdf(path, file.variables, {name: int(size or 0) for name, size in file.dimensions.items()})


def _netcdf(path: Path) -> Any:
    import h5netcdf

    with h5netcdf.File(path, "r") as file:
        return _of_netcdf(path, file.variables, {name: len(size) for name, size in file.dimensions.items()})


def _of_netcdf(path: Path, variables: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
    """Take the triplets of ESMF's or SCRIP's variables; their indices begin with 1."""
    from scipy.sparse import coo_array

    for names, dims in _CONVENTIONS.items():
        if all(name in variables for name in names) and all(dim in sizes for dim in dims):
            weights, rows, columns = (np.array(variables[name][:]) for name in names)
            first = weights if weights.ndim == 1 else weights[:, 0]
            shape = tuple(sizes[dim] for dim in dims)
            places = rows.astype(np.int64) - 1, columns.astype(np.int64) - 1
            return coo_array((first.astype(np.float64), places), shape=shape)
    raise GridError(
        f"{str(path)!r} has no weights: its variables are {', '.join(sorted(variables))}.",
        hint="ESMF writes S, row and col, SCRIP remap_matrix, dst_address and src_address.",
    )


_CONVENTIONS = {
    ("S", "row", "col"): ("n_b", "n_a"),
    ("remap_matrix", "dst_address", "src_address"): ("dst_grid_size", "src_grid_size"),
}
_KINDS: dict[bytes, Callable[[Path], Any]] = {
    b"PK": _scipy,
    b"CDF": _classic_netcdf,
    b"\x89HDF": _netcdf,
    bytes([_UNSIGNED]): _mir,
}
