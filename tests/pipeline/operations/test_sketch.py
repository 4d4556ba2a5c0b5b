"""Quantiles: exact for few fields, within their bound for many, and the same bits whatever else happens."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.pipeline.operations import OperationSet
from dtedask.pipeline.operations.sketch import Sketch
from tests.pipeline.operations.folding import finished, folded, segmented, series

QUANTILES = [0.0, 0.1, 0.25, 0.5, 0.9, 1.0]


def quantiles(size):
    return OperationSet([{"operation": "quantile", "quantile": one, "size": size} for one in QUANTILES])


def ranks(values, result):
    """Places that a value could have among sorted ones, from 0 to 1, where none of them are equal."""
    return (values < result).sum(axis=0) / len(values), (values <= result).sum(axis=0) / len(values)


@settings(max_examples=40)
@given(series(max_fields=31, elements=st.floats(-1e6, 1e6)))
def test_they_are_those_of_numpy_while_no_buffer_was_halved(values):
    operations = quantiles(16)
    results = finished(operations, segmented(operations, values)).values()
    for quantile, result in zip(QUANTILES, results, strict=True):
        np.testing.assert_allclose(result, np.quantile(values, quantile, axis=0), rtol=1e-14, atol=1e-9)


ORDERS = {
    "shuffled": lambda values: values,
    "rising": lambda values: np.sort(values, axis=0),
    "falling": lambda values: np.sort(values, axis=0)[::-1],
    "from both ends": lambda values: np.sort(values, axis=0)[
        np.argsort(np.abs(np.arange(len(values)) * 2 - len(values)))
    ],
}


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(8, 40), st.integers(1, 1_500), st.sampled_from(sorted(ORDERS)), st.data())
def test_their_rank_is_never_off_by_more_than_the_bound_whatever_was_merged(seed, size, count, order, data):
    values = ORDERS[order](np.random.default_rng(seed).permuted(np.tile(np.arange(count), (3, 1)), axis=1).T * 1.0)
    operations = quantiles(size)
    cuts = sorted(data.draw(st.sets(st.integers(1, count), max_size=6)) - {count})
    states = [folded(operations, part) for part in np.split(values, cuts)]
    while len(states) > 1:
        place = data.draw(st.integers(0, len(states) - 2))
        states[place : place + 2] = [operations.merge(states[place], states[place + 1])]
    bound = Sketch(size).rank_error(count) + 1 / count
    for quantile, result in zip(QUANTILES, finished(operations, states[0]).values(), strict=True):
        low, high = ranks(values, result)
        assert (low <= quantile + bound).all()
        assert (high >= quantile - bound).all()


@pytest.mark.parametrize(
    ("size", "fields", "error"), [(64, 24, 0), (64, 127, 0), (64, 744, 1 / 64), (64, 8_760, 4 / 128)]
)
def test_the_bound_is_known_before(size, fields, error):
    assert Sketch(size).rank_error(fields) == error


def test_memory_stays_while_fields_come():
    operations = OperationSet([{"operation": "quantile", "quantile": 0.5, "size": 8}])
    state = folded(operations, np.random.default_rng(1).normal(size=(2_000, 3)))
    assert state.nbytes <= operations.memory_bytes(2_000, 24) == 24 * 8 * 9 + 24


@settings(max_examples=40)
@given(series(max_fields=15), st.sampled_from(QUANTILES))
def test_missing_values_are_left_out_with_a_threshold(values, quantile):
    operations = OperationSet([{"operation": "quantile", "quantile": quantile, "value-count-threshold": 1}])
    [result] = finished(operations, folded(operations, values)).values()
    for point, column in enumerate(values.T):
        present = column[~np.isnan(column)]
        expected = np.quantile(present, quantile) if len(present) else np.nan
        np.testing.assert_allclose(result[point], expected, rtol=1e-14, atol=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(1, 600), st.floats(0, 0.9))
def test_with_missing_values_the_rank_is_never_off_by_more_than_twice_the_bound(seed, count, gaps):
    rng = np.random.default_rng(seed)
    values = rng.permuted(np.tile(np.arange(count), (3, 1)), axis=1).T * 1.0
    values[rng.random(values.shape) < gaps] = np.nan
    named = [{"operation": "quantile", "quantile": one, "size": 16, "value-count-threshold": 1} for one in QUANTILES]
    operations = OperationSet(named)
    results = finished(operations, segmented(operations, values)).values()
    off = 2 * Sketch(16).rank_error(count) * count + 1
    for quantile, result in zip(QUANTILES, results, strict=True):
        for point, column in enumerate(values.T):
            present = np.sort(column[~np.isnan(column)])
            if not len(present):
                assert np.isnan(result[point])
                continue
            place = quantile * (len(present) - 1)
            low, high = (
                int(np.clip(one, 0, len(present) - 1)) for one in (np.floor(place - off), np.ceil(place + off))
            )
            assert present[low] <= result[point] <= present[high]


def test_infinite_values_have_their_place():
    values = np.array([[-np.inf], [1.0], [2.0], [np.inf]])
    operations = quantiles(8)
    results = [result.item() for result in finished(operations, folded(operations, values)).values()]
    assert results[0] == -np.inf
    assert results[3] == 1.5
    assert results[-1] == np.inf
