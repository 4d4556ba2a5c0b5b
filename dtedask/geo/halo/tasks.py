"""One function for arrays of NumPy, and a task of it for those of Dask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.halo.lists import Integers


def sent(array: Any, places: Integers, way: str) -> Any:
    """Take some points of an array of shape (..., points)."""
    if isinstance(array, np.ndarray):
        return _taken(array, places)
    from dask.base import tokenize

    whole = array.rechunk({array.ndim - 1: -1})
    chunks = (*whole.chunks[:-1], (places.size,))
    name = f"halo-{way}-{tokenize(whole, places)}"
    return whole.map_blocks(_taken, places, chunks=chunks, dtype=whole.dtype, name=name, meta=whole._meta)  # noqa: SLF001


def assembled(
    function: Callable[..., NDArray[Any]], arrays: Sequence[Any], points: int, *, dtype: Any = None, **options: Any
) -> Any:
    """Call a function with arrays of shapes (..., points of each), whose result has shape (..., points).

    Of Dask's arrays one task a chunk of the leading dimensions; the points are in one chunk.
    """
    if all(isinstance(array, np.ndarray) for array in arrays):
        return function(*arrays, **options)
    import dask.array as da
    from dask.base import tokenize

    leading = tuple(f"axis-{axis}" for axis in range(arrays[0].ndim - 1))
    operands: list[Any] = []
    for number, array in enumerate(arrays):
        operands += [array.rechunk({array.ndim - 1: -1}), (*leading, f"points-{number}")]
    kind = dtype or np.result_type(*arrays)
    name = f"halo-{function.__name__.strip('_').replace('_', '-')}"
    return da.blockwise(
        function,
        (*leading, "points"),
        *operands,
        new_axes={"points": points},
        concatenate=True,
        dtype=kind,
        meta=np.empty((0,) * (len(leading) + 1), kind),
        name=f"{name}-{tokenize(function, points, options, *arrays)}",
        **options,
    )


def _taken(array: NDArray[Any], places: Integers) -> NDArray[Any]:
    return array[..., places]
