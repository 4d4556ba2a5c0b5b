"""Operators on the parts of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.halo.exchange import exchange
from dtedask.geo.halo.lists import Halos
from dtedask.geo.halo.tasks import assembled

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def local_matrix(halos: Halos, matrix: csr_array, number: int) -> csr_array:
    """Cut what one part needs out of an operator.

    Rows keep the order of their entries, so that sums are those of the whole to the last bit.

    Parameters
    ----------
    halos : Halos
    matrix : scipy.sparse.csr_array, shape (points, points)
    number : int
        Of the part.

    Returns
    -------
    scipy.sparse.csr_array, shape (own points, own points + halo points)

    Raises
    ------
    GridError
        If the operator needs points that are not in the halo.
    """
    from scipy.sparse import csr_array

    part = halos.parts[number]
    place = np.full(halos.points, -1, np.int64)
    place[part.points] = np.arange(part.points.size)
    rows = matrix[part.own]
    columns = place[rows.indices]
    if (columns < 0).any():
        raise GridError(
            f"Part {number} needs {np.unique(rows.indices[columns < 0]).size:,} points beyond its halo.",
            hint=f"Make the halos of the operator's own matrix, or deeper than {halos.depth}.",
        )
    return csr_array((rows.data, columns, rows.indptr), shape=(part.own.size, part.points.size))


def apply(halos: Halos, matrix: csr_array, parts: Sequence[Any]) -> list[Any]:
    """Apply an operator part by part, after an exchange of halos.

    Parameters
    ----------
    halos : Halos
    matrix : scipy.sparse.csr_array, shape (points, points)
    parts : sequence of arrays of NumPy or Dask, shapes (..., own points)

    Returns
    -------
    list of arrays, shapes (..., own points)
        Bit for bit what ``matrix`` gives of the whole.

    Raises
    ------
    GridError
        If the operator needs points that are not in the halos.
    """
    found = []
    for number, values in enumerate(exchange(halos, parts)):
        local = local_matrix(halos, matrix, number)
        kind = np.result_type(values.dtype, local.dtype)
        found.append(assembled(_product, [values], local.shape[0], dtype=kind, matrix=local))
    return found


def _product(values: NDArray[Any], *, matrix: csr_array) -> NDArray[Any]:
    flat = values.reshape(-1, values.shape[-1])
    return np.asarray((matrix @ flat.T).T).reshape(*values.shape[:-1], matrix.shape[0])
