"""Reductions are exact, and the same for every order, chunking and number of threads."""

import math
from fractions import Fraction

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from dtedask.core.cores import limit_cores
from dtedask.core.errors import GridError
from dtedask.geo import reductions
from dtedask.testing import raise_if_computes

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
arrays = hn.arrays(np.float64, st.integers(1, 40), elements=finite)
anything = hn.arrays(np.float64, st.integers(1, 40), elements=st.floats(allow_nan=True, allow_infinity=False))


def line(values):
    return xr.DataArray(np.asarray(values), dims="x")


def cut(values, pieces):
    edges = sorted({0, len(values), *(piece % (len(values) + 1) for piece in pieces)})
    return tuple(np.diff(edges).tolist())


@pytest.mark.slow
@given(arrays)
def test_sums_are_those_of_fsum(values):
    assert float(reductions.total(line(values))) == math.fsum(values)


@pytest.mark.slow
@settings(max_examples=20)
@given(arrays, st.randoms(use_true_random=False), st.lists(st.integers(0, 40), max_size=5))
def test_any_order_and_any_chunks_give_the_same_bits(values, random, pieces):
    shuffled = values.copy()
    random.shuffle(shuffled)
    for name in ("total", "mean"):
        reduce = getattr(reductions, name)
        expected = reduce(line(values)).to_numpy().tobytes()
        assert reduce(line(shuffled)).to_numpy().tobytes() == expected
        chunked = line(values).chunk(x=cut(values, pieces))
        assert reduce(chunked).to_numpy().tobytes() == expected
    assert str(reductions.checksum(chunked).to_numpy()) == str(reductions.checksum(line(values)).to_numpy())
    for part, whole in zip(
        reductions.statistics(chunked).compute().values(), reductions.statistics(line(values)).values(), strict=True
    ):
        assert part.to_numpy().tobytes() == whole.to_numpy().tobytes()


@pytest.mark.slow
@given(arrays)
def test_means_and_variances_are_the_true_fractions_rounded_once(values):
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    found = reductions.statistics(line(values))
    assert float(found["mean"]) == mean.numerator / mean.denominator
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    try:
        expected = variance.numerator / variance.denominator
    except OverflowError:
        expected = math.inf
    assert float(found["variance"]) == expected
    assert int(found["count"]) == len(values)


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(1, 30).flatmap(lambda n: st.tuples(*(hn.arrays(np.float64, n, elements=finite) for _ in "ab"))))
def test_weighted_sums_do_not_round_products(pair):
    values, weights = pair[0], np.abs(pair[1])
    used = [(Fraction(v), Fraction(w)) for v, w in zip(values, weights, strict=True) if w]
    numerator, whole = sum((v * w for v, w in used), Fraction(0)), sum((w for _, w in used), Fraction(0))
    found = float(reductions.mean(line(values), weights=line(weights)))
    assert math.isnan(found) if not whole else found == _nearest(numerator / whole)
    assert float(reductions.total(line(values), weights=line(weights))) == _nearest(numerator)


def _nearest(fraction):
    try:
        return fraction.numerator / fraction.denominator
    except OverflowError:
        return math.inf if fraction > 0 else -math.inf


@pytest.mark.slow
@settings(max_examples=40)
@given(anything, st.lists(st.integers(0, 40), max_size=5))
def test_extremes_stand_at_the_lowest_of_their_places(values, pieces):
    values = np.round(values, -300)  # so that some are equal
    found = reductions.extremes(line(values).chunk(x=cut(values, pieces)))
    if np.isnan(values).all():
        assert np.isnan(found.minimum)
        assert int(found.minimum_place) == int(found.maximum_place) == -1
        return
    assert (int(found.minimum_place), int(found.maximum_place)) == (np.nanargmin(values), np.nanargmax(values))
    assert (float(found.minimum), float(found.maximum)) == (np.nanmin(values), np.nanmax(values))


@pytest.mark.slow
@given(anything, st.data())
def test_a_checksum_tells_any_other_value_and_any_other_place(values, data):
    place = data.draw(st.integers(0, len(values) - 1))
    other = values.copy()
    other[place] = data.draw(finite)
    is_same = np.array_equal(values.view(np.uint64), other.view(np.uint64))
    one, two = (str(reductions.checksum(line(part)).to_numpy()) for part in (values, other))
    assert len(one) == 32
    assert (one == two) == (is_same or bool(np.isnan(values[place]) and np.isnan(other[place])))
    moved = np.roll(values, 1)
    if not np.array_equal(moved.view(np.uint64), values.view(np.uint64)) and not np.isnan(values).any():
        assert str(reductions.checksum(line(moved)).to_numpy()) != one


def test_missing_values_are_left_out_or_make_the_result_missing():
    data = line([1.0, np.nan, 2.0])
    assert (float(reductions.total(data)), float(reductions.mean(data))) == (3.0, 1.5)
    assert np.isnan(reductions.total(data, skipna=False))
    assert np.isnan(reductions.mean(data, skipna=False))
    kept = reductions.statistics(data, skipna=False)
    assert int(kept["count"]) == 2
    assert all(np.isnan(kept[name]) for name in ("mean", "variance", "minimum"))
    nothing = line([np.nan])
    assert float(reductions.total(nothing)) == 0
    assert np.isnan(reductions.mean(nothing))
    infinite = line([np.inf, 1.0])
    assert float(reductions.total(infinite)) == np.inf == float(reductions.total(line([1e308, 1e308])))
    assert np.isnan(reductions.total(line([np.inf, -np.inf])))


def test_dimensions_that_are_left_stay_and_chunks_stay_lazy():
    values = np.random.default_rng(1).normal(size=(3, 40, 50)).astype(np.float32)
    data = xr.DataArray(values, {"step": [0, 6, 12]}, ("step", "latitude", "longitude"), "t", {"units": "K"})
    with raise_if_computes():
        lazy = reductions.mean(data.chunk(step=1, latitude=7, longitude=13), ("latitude", "longitude"))
        extreme = reductions.extremes(data.chunk(latitude=7, longitude=13), ("latitude", "longitude"))
    assert lazy.dims == ("step",)
    assert lazy.chunks is not None
    assert lazy.attrs == {"units": "K"}
    expected = [math.fsum(one.ravel().astype(float)) / 2000 for one in values]
    assert lazy.to_numpy() == pytest.approx(expected, rel=1e-15)
    assert np.array_equal(extreme.maximum_place, values.reshape(3, -1).argmax(axis=1))
    assert np.array_equal(reductions.total(data, "step").shape, (40, 50))
    assert np.array_equal(
        reductions.mean(data.transpose("longitude", "step", "latitude"), ("latitude", "longitude")), lazy
    )


@pytest.mark.slow
def test_threads_do_not_matter():
    data = line(np.random.default_rng(2).normal(size=1_200_000))
    found = set()
    try:
        for threads in (1, 2, 3):
            limit_cores(threads)
            found.add((float(reductions.total(data)), str(reductions.checksum(data).to_numpy())))
            found.add((math.fsum(data.to_numpy()), str(reductions.checksum(data).to_numpy())))
    finally:
        limit_cores(None)
    assert len(found) == 1


@pytest.mark.parametrize("kind", ["sum", "moments", "extremes", "weighted"])
def test_states_of_parts_merge_to_that_of_the_whole(kind):
    data = line(np.random.default_rng(3).normal(size=100))
    weights = xr.ones_like(data) if kind == "weighted" else None
    whole = reductions.accumulate(data, kind=kind, weights=weights)
    parts = [
        reductions.accumulate(data[cut], kind=kind, weights=None if weights is None else weights[cut])
        for cut in (slice(60, None), slice(0, 10), slice(10, 60))
    ]
    statistic = "maximum" if kind == "extremes" else "mean"
    assert int(reductions.result(reductions.merge(*parts), "count")) == 100
    assert float(reductions.result(reductions.merge(*parts), statistic)) == float(reductions.result(whole, statistic))


def test_weights_by_area_are_those_of_the_grid():
    from dtedask.geo import Grid
    from dtedask.geo.fields import on_grid

    grid = Grid("10/10")
    data = on_grid(xr.DataArray(np.ones((2, *grid.shape)), dims=("step", *grid.dims)), grid)
    assert reductions.mean(data, grid.dims, weights="area").to_numpy().tolist() == [1.0, 1.0]
    area = reductions.total(data.chunk(step=1), grid.dims, weights="area")
    assert area.to_numpy() == pytest.approx(4 * np.pi * 6_371_229.0**2, rel=1e-12)


def test_what_cannot_be_reduced_is_refused():
    data = line([1.0])
    with pytest.raises(GridError, match="no dimension 'y'"):
        reductions.total(data, "y")
    with pytest.raises(GridError, match="int64 have no exact float64"):
        reductions.total(line(np.array([1])))
    with pytest.raises(GridError, match="dimension 'y' that the data do not have"):
        reductions.total(data, weights=xr.DataArray([1.0], dims="y"))
    with pytest.raises(GridError, match="cannot be merged"):
        reductions.merge(reductions.accumulate(data, kind="sum"), reductions.accumulate(data, kind="moments"))
    with pytest.raises(GridError, match="A state of kind sum has no variance"):
        reductions.result(reductions.accumulate(data, kind="sum"), "variance")
