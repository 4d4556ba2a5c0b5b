"""Sums, means, extremes and checksums that are the same to the last bit, whatever the chunks, order and threads."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from dtedask.core.errors import GridError
from dtedask.core.nearest import did_you_mean
from dtedask.geo.reductions import kinds
from dtedask.geo.reductions.kinds import KindName
from dtedask.geo.reductions.tree import STATE, finished, merged, states_of

if TYPE_CHECKING:
    import xarray as xr

Dim = str | Iterable[Hashable] | None
Weights = Any  # xarray.DataArray or "area"


def total(data: xr.DataArray, dim: Dim = None, *, weights: Weights = None, skipna: bool = True) -> xr.DataArray:
    """Sum of values, or of values times weights, exact and rounded once.

    Parameters
    ----------
    data : xarray.DataArray
        float32, float64 or integers of at most 32 bits. Chunked input stays lazy.
    dim : str, iterable of str, or None
        Dimensions that are summed over; all by default.
    weights : xarray.DataArray, "area" or None
        Over some or all dimensions of `data`, none negative. A value whose weight is 0 or NaN does not take part.
        ``"area"``: areas of the points of the grid of `data`.
    skipna : bool
        Whether NaN is left out, or makes the result NaN.

    Returns
    -------
    xarray.DataArray of float64
        The float64 that is nearest to the true sum of the values given: of any order, chunks and threads the same.
        0 of nothing.
    """
    states = states_of(data, dim, *_with_weights(data, weights, "sum"))
    return _words(finished(states, kinds.of_each, float, do=kinds.total, skipna=skipna), data)


def mean(data: xr.DataArray, dim: Dim = None, *, weights: Weights = None, skipna: bool = True) -> xr.DataArray:
    """Mean, or weighted mean: one rounding of the true quotient; NaN of nothing. Parameters are those of `total`."""
    states = states_of(data, dim, *_with_weights(data, weights, "sum"))
    do = kinds.mean if weights is None else kinds.weighted_mean
    return _words(finished(states, kinds.of_each, float, do=do, skipna=skipna), data)


def statistics(data: xr.DataArray, dim: Dim = None, *, skipna: bool = True, ddof: int = 0) -> xr.Dataset:
    """Count, mean, variance, standard deviation and extremes.

    Parameters
    ----------
    data, dim, skipna
        As for `total`.
    ddof : int
        What is taken off the count that the sum of squared distances is divided by: 1 for a sample.

    Returns
    -------
    xarray.Dataset
        ``count`` (int64; values that are not NaN), ``mean``, ``variance`` (rounded once, so that no digits cancel),
        ``standard_deviation``, and what `extremes` gives.
    """
    states = states_of(data, dim, "moments")
    mean_of = finished(states, kinds.of_each, float, do=kinds.mean, skipna=skipna)
    variance = finished(states, kinds.of_each, float, do=kinds.variance, skipna=skipna, ddof=ddof)
    found = extremes(data, dim, skipna=skipna)
    return found.assign(
        count=states.isel({STATE: 0}).drop_attrs(),
        mean=_words(mean_of, data),
        variance=variance,
        standard_deviation=_words(variance**0.5, data),
    )


def extremes(data: xr.DataArray, dim: Dim = None, *, skipna: bool = True) -> xr.Dataset:
    """Smallest and largest value, and where they are.

    Returns
    -------
    xarray.Dataset
        ``minimum``, ``maximum`` (NaN of nothing), and ``minimum_place``, ``maximum_place`` (int64; -1 of nothing): the
        place among the values that are reduced, counted from 0 with the last dimension fastest
        (see `numpy.unravel_index`). Of equal values the one with the lowest place.
    """
    import xarray as xr

    states = states_of(data, dim, "extremes")
    has_nan = states.isel({STATE: 1}).drop_attrs() > 0
    parts = {}
    for number, name in ((2, "minimum"), (4, "maximum")):
        value = finished(states, kinds.column_of, float, number=number, is_float=True, fill=np.nan)
        place = finished(states, kinds.column_of, np.int64, number=number + 1, is_float=False, fill=-1)
        parts[name] = _words(value if skipna else value.where(~has_nan), data)
        parts[f"{name}_place"] = place if skipna else place.where(~has_nan, -1)
    return xr.Dataset(parts)


def checksum(data: xr.DataArray, dim: Dim = None) -> xr.DataArray:
    """128-bit checksum of values and their places.

    Returns
    -------
    xarray.DataArray of str
        32 hexadecimal digits. Equal for equal values at equal places, of any chunks, threads, and of float32 and
        float64 alike; all NaN are one value, 0.0 and -0.0 are two. It finds faults; it does not withstand forgery.
    """
    states = states_of(data, dim, "checksum")
    return finished(states, kinds.of_each, "U32", do=kinds.checksum).rename(data.name)


def accumulate(data: xr.DataArray, dim: Dim = None, *, kind: KindName, weights: Weights = None) -> xr.DataArray:
    """States that can be kept, and merged with those of other data in any order.

    Parameters
    ----------
    kind : {"sum", "weighted", "moments", "extremes", "checksum"}
        What is kept. Places of extremes and checksums are those within `data`.

    Returns
    -------
    xarray.DataArray of int64, shape (..., state)
        Over the dimensions that are left; about 1.1 kB (sum) or 2.2 kB (weighted, moments) each.
    """
    if kind not in get_args(KindName):
        raise GridError(f"There is no kind of state {kind!r}.", hint=did_you_mean(kind, get_args(KindName)))
    if (kind == "weighted") != (weights is not None):
        raise GridError("Weights go with the kind 'weighted', and with no other.", hint="Give both, or neither.")
    against = None if weights is None else _weights_of(data, weights)
    return states_of(data, dim, kind, against)


def merge(*states: xr.DataArray) -> xr.DataArray:
    """Merge states of one kind and shape: those of all their data together."""
    import xarray as xr

    found = {state.attrs.get("reduction") for state in states}
    if len(found) != 1 or None in found:
        raise GridError(
            f"States of the kinds {', '.join(sorted(map(str, found))) or 'none'} cannot be merged.",
            hint="Merge states that `accumulate` made, all of one kind.",
        )
    joined = xr.concat(states, "_part", coords="minimal", compat="override", join="exact")
    if joined.chunks is not None:
        joined = joined.chunk({"_part": -1})
    result: xr.DataArray = xr.apply_ufunc(
        _merge_last,
        joined,
        kwargs={"kind": found.pop()},
        input_core_dims=[["_part", STATE]],
        output_core_dims=[[STATE]],
        dask="parallelized",
        output_dtypes=[np.int64],
        keep_attrs=True,
    )
    return result


def result(states: xr.DataArray, statistic: str, *, skipna: bool = True, ddof: int = 0) -> xr.DataArray:
    """What states say.

    Parameters
    ----------
    statistic : str
        ``total`` or ``mean`` (of the kinds sum, weighted, moments), ``count``, ``variance`` (moments), ``minimum``,
        ``maximum`` (extremes), ``checksum``.
    """
    kind = states.attrs.get("reduction")
    known = _RESULTS.get(str(kind), ())
    if statistic not in known:
        raise GridError(f"A state of kind {kind} has no {statistic}.", hint=f"It has {', '.join(known) or 'nothing'}.")
    if statistic == "count":
        return states.isel({STATE: 0}).drop_attrs()
    if statistic in ("minimum", "maximum"):
        number = 2 if statistic == "minimum" else 4
        return finished(states, kinds.column_of, float, number=number, is_float=True, fill=np.nan)
    if statistic == "checksum":
        return finished(states, kinds.of_each, "U32", do=kinds.checksum)
    if statistic == "variance":
        return finished(states, kinds.of_each, float, do=kinds.variance, skipna=skipna, ddof=ddof)
    mean_of = kinds.weighted_mean if kind == "weighted" else kinds.mean
    return finished(states, kinds.of_each, float, do=kinds.total if statistic == "total" else mean_of, skipna=skipna)


_RESULTS: dict[str, tuple[str, ...]] = {
    "sum": ("count", "total", "mean"),
    "weighted": ("count", "total", "mean"),
    "moments": ("count", "total", "mean", "variance"),
    "extremes": ("count", "minimum", "maximum"),
    "checksum": ("checksum",),
}


def _merge_last(states: kinds.States, *, kind: KindName) -> kinds.States:
    return merged(states, (states.ndim - 2,), kind)


def _with_weights(data: xr.DataArray, weights: Weights, kind: Literal["sum"]) -> tuple[KindName, xr.DataArray | None]:
    return (kind, None) if weights is None else ("weighted", _weights_of(data, weights))


def _weights_of(data: xr.DataArray, weights: Weights) -> xr.DataArray:
    import xarray as xr

    from dtedask.geo.fields import grid_of

    if isinstance(weights, xr.DataArray):
        return weights
    if weights != "area":
        raise GridError(f"There are no weights {weights!r}.", hint="Give an array, or 'area'.")
    grid = grid_of(data)
    return xr.DataArray(grid.areas().reshape(grid.shape), dims=grid.dims)


def _words(found: xr.DataArray, data: xr.DataArray) -> xr.DataArray:
    attrs = {name: data.attrs[name] for name in ("units",) if name in data.attrs}
    return found.assign_attrs(attrs).rename(data.name)
