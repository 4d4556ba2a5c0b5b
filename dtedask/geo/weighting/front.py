"""Weights between two grids, as users ask for them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from dtedask.core.errors import GridError
from dtedask.core.settings import setting
from dtedask.geo.cropping import cropped
from dtedask.geo.grid import Grid
from dtedask.geo.weighting.cache import cache_folder
from dtedask.geo.weighting.handle import WeightsHandle
from dtedask.geo.weighting.interpolation import Interpolation
from dtedask.geo.weighting.masks import Fallback, Mask, Masks

if TYPE_CHECKING:
    from scipy.sparse import csr_array

GridLike = Grid | str | Sequence[float] | Mapping[str, Any]
CacheLike = str | os.PathLike[str] | bool | None


def weights_handle(
    source: GridLike,
    target: GridLike,
    method: str = "linear",
    *,
    source_mask: ArrayLike | None = None,
    target_mask: ArrayLike | None = None,
    mask_factor: float = 0.0,
    mask_fallback: Fallback = "keep",
    cache: CacheLike = None,
    threads: int | None = None,
    **options: Any,
) -> WeightsHandle:
    """Make sure that weights are in the cache, and return what a graph can carry in their place.

    Parameters and errors are those of `weights`.

    Returns
    -------
    WeightsHandle
        Small, can be pickled. With ``cache=False`` nothing is made yet.
    """
    handle = named_weights(
        source,
        target,
        method,
        source_mask=source_mask,
        target_mask=target_mask,
        mask_factor=mask_factor,
        mask_fallback=mask_fallback,
        cache=cache,
        **options,
    )
    return handle.ensure(threads=threads)


def named_weights(
    source: GridLike,
    target: GridLike,
    method: str = "linear",
    *,
    source_mask: ArrayLike | None = None,
    target_mask: ArrayLike | None = None,
    mask_factor: float = 0.0,
    mask_fallback: Fallback = "keep",
    cache: CacheLike = None,
    **options: Any,
) -> WeightsHandle:
    """Name weights without a look at the cache; parameters and errors are those of `weights`."""
    at, to = _grid(source), _grid(target)
    wanted = Interpolation.of(
        at, to, method, options, _masks(at, to, source_mask, target_mask, mask_factor, mask_fallback)
    )
    location = "" if cache is False else str(cache_folder(None if cache is True else cache))
    return WeightsHandle(wanted, location, setting("geo.weights-memory"))


def weights(
    source: GridLike,
    target: GridLike,
    method: str = "linear",
    *,
    area: Sequence[float] | None = None,
    source_mask: ArrayLike | None = None,
    target_mask: ArrayLike | None = None,
    mask_factor: float = 0.0,
    mask_fallback: Fallback = "keep",
    cache: CacheLike = None,
    threads: int | None = None,
    **options: Any,
) -> csr_array:
    """Return the weights that bring values from one grid to another: ``values = weights @ field``.

    They are made once, in parallel, and kept in a cache under the digest of all that they depend on; afterwards they
    are read from there. Nothing is ever downloaded.

    Parameters
    ----------
    source, target : Grid, str, pair of float or mapping
        Where values are, and where they are wanted: a grid, its name or its description.
    method : str
        ``linear``, ``nearest``, ``conservative``, ...; words of MIR and MultIO, such as ``nn``, are understood.
    area : sequence of float, optional
        North, west, south, east in degrees: only points of the target in it are wanted, in the order of
        ``geo.cropped(target, area)``. Weights are those of the whole grid; only the rows of the area are read.
    source_mask, target_mask : array-like, optional
        The kind of each point (land or sea), in the grid's order: both or none. Weights of points of the other kind
        are multiplied with `mask_factor`, and each row is scaled to its former sum.
    mask_factor : float
        0: points of the other kind are not used; MIR's is 0.2.
    mask_fallback : {"keep", "missing", "nearest"}
        What becomes of a point all of whose weights are lost: it keeps them, has no value, or takes that of the
        nearest source point of its kind.
    cache : path-like or bool, optional
        Folder of the cache; by default that of the setting ``geo.weights-cache``; False for none.
    threads : int, optional
        Blocks that are made at once; by default the cores of this process.
    **options
        Options of the method.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (target.size, source.size)
        Rows are points of the target, or of its part in the area, in its order. Indices are sorted, and int32 where
        they fit.

    Raises
    ------
    GridError
        If there is no such grid, method or option, the method cannot do these grids, a mask does not fit, or no point
        lies in the area.
    """
    to = _grid(target)
    part = None if area is None else cropped(to, area)
    handle = named_weights(
        source,
        to,
        method,
        source_mask=source_mask,
        target_mask=target_mask,
        mask_factor=mask_factor,
        mask_fallback=mask_fallback,
        cache=cache,
        **options,
    )
    return handle.load(threads=threads) if part is None else handle.take(part.places)


def adjoint(weights: csr_array | WeightsHandle) -> csr_array:
    """Return the adjoint of weights, which brings sensitivities back: ``<W x, y> == <x, adjoint(W) y>``.

    Parameters
    ----------
    weights : scipy.sparse.csr_array or WeightsHandle, shape (m, n)
        Left untouched.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, m)
        The transpose, its indices sorted.

    Raises
    ------
    GridError
        If the method takes a maximum or minimum, which is not linear.
    """
    if isinstance(weights, WeightsHandle):
        if weights.reduction != "sum":
            raise GridError(
                f"The method {weights.interpolation.method!r} takes a {weights.reduction}: it has no adjoint.",
                hint="Methods that add up weighted values have one, such as 'linear' and 'conservative'.",
            )
        weights = weights.matrix()
    turned = weights.T.tocsr()
    turned.sort_indices()
    return turned


def _grid(value: GridLike) -> Grid:
    return value if isinstance(value, Grid) else Grid(value)


def _masks(
    source: Grid,
    target: Grid,
    source_mask: ArrayLike | None,
    target_mask: ArrayLike | None,
    factor: float,
    fallback: Fallback,
) -> Masks | None:
    if source_mask is None and target_mask is None:
        return None
    if source_mask is None or target_mask is None:
        given, lacking = ("target", "source") if source_mask is None else ("source", "target")
        raise GridError(f"There is a mask of the {given}, and none of the {lacking}.", hint="Give both masks.")
    masked = Mask.of(source, source_mask, "source mask"), Mask.of(target, target_mask, "target mask")
    return Masks(*masked, factor, fallback)
