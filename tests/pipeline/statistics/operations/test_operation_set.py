"""Operations against numpy in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dtedask.pipeline.statistics.facts import WindowFacts
from dtedask.pipeline.statistics.operations import OperationSet, OperationState

EXACT = ("minimum", "maximum", "count", {"operation": "exceedance", "threshold": 0.5})
FACTS = WindowFacts(0, 86_400, 3_600, 86_400, 24, 3_600)


def fields(elements=None):
    """Series of fields, some with missing values."""
    elements = elements or st.floats(-1e6, 1e6) | st.just(np.nan)
    return array_shapes(min_dims=2, max_dims=3, max_side=8).flatmap(
        lambda shape: arrays(np.float64, shape, elements=elements)
    )


def folded(operations, values):
    state = operations.begin(values[0])
    for one in values[1:]:
        state = operations.update(state, one)
    return state


def finished(operations, state, opening=None):
    return {one.name: operations.finish(one.name, state, FACTS, opening) for one in operations.operations}


@given(fields(), st.data())
def test_any_tree_of_merges_gives_the_same_bits_for_exact_operations(values, data):
    operations = OperationSet(EXACT, value_count_threshold=data.draw(st.none() | st.integers(1, 4)))
    whole = finished(operations, folded(operations, values))
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(values) - 1)))) - {len(values)})
    states = [folded(operations, part) for part in np.split(values, cuts)]
    while len(states) > 1:
        place = data.draw(st.integers(0, len(states) - 2))
        states[place : place + 2] = [operations.merge(states[place], states[place + 1])]
    for name, result in finished(operations, states[0]).items():
        assert result.tobytes() == whole[name].tobytes(), name


@given(fields())
def test_a_missing_value_makes_the_point_missing(values):
    operations = OperationSet(["average", "minimum", "maximum", "accumulate", "stddev"])
    results = finished(operations, folded(operations, values))
    n = len(values)
    np.testing.assert_allclose(results["average"], values.mean(axis=0), rtol=n * 3e-16, atol=n * 1e-10)
    np.testing.assert_allclose(results["accumulate"], values.sum(axis=0), rtol=n * 3e-16, atol=n * 1e-10)
    np.testing.assert_array_equal(results["minimum"], values.min(axis=0))
    np.testing.assert_array_equal(results["maximum"], values.max(axis=0))
    np.testing.assert_allclose(results["stddev"], values.std(axis=0), rtol=1e-12, atol=1e-9)


def test_save_and_load_go_on_with_the_same_bits():
    rng = np.random.default_rng(1)
    values = rng.normal(280, 10, (9, 5))
    operations = OperationSet(["average", "stddev", {"operation": "quantile", "quantile": 0.3}])
    restarted = OperationState.load(*folded(operations, values[:4]).save())
    for one in values[4:]:
        operations.update(restarted, one)
    whole = finished(operations, folded(operations, values))
    for name, result in finished(operations, restarted).items():
        assert result.tobytes() == whole[name].tobytes(), name


@pytest.mark.parametrize("quantile", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_quantiles_of_few_fields_are_those_of_numpy(quantile):
    values = np.random.default_rng(2).normal(size=(127, 40))
    operations = OperationSet([{"operation": "quantile", "quantile": quantile}])
    [result] = finished(operations, folded(operations, values)).values()
    np.testing.assert_allclose(result, np.quantile(values, quantile, axis=0), rtol=1e-15)


def test_operations_of_the_last_field_use_the_opening():
    operations = OperationSet(["difference", "de-accumulate", "fixed-window-flux-average"])
    state = folded(operations, np.array([[3.0], [5.0]]))
    results = finished(operations, state, np.array([1.0]))
    assert results["difference"] == results["de-accumulate"] == [4.0]
    assert results["fixed-window-flux-average"] == [4.0 / 86_400]
    assert operations.carry(state) == [5.0]
