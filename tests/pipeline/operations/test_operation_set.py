"""Operations against numpy in float64, and against themselves when states are merged, saved or split."""

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import FieldError
from dtedask.pipeline.operations import OperationSet, OperationState, operation_names
from dtedask.pipeline.statistics.facts import WindowFacts
from tests.pipeline.operations.folding import FACTS, finished, folded, segmented, series

THRESHOLDS = tuple(
    {"operation": "exceedance", "threshold": 0.5, "compare": compare, "measure": measure}
    for compare in ("above", "at-least", "below", "at-most")
    for measure in ("fraction", "count")
)
EXACT = ("minimum", "maximum", "count", "instant", *THRESHOLDS)
ALL = (*EXACT, "average", "accumulate", "stddev", "variance", {"operation": "quantile", "quantile": 0.4, "size": 8})
ANY = st.floats() | st.sampled_from([0.0, -0.0, np.inf, -np.inf, np.nan, 0.5])


def same(one, other):
    """Whether all results have the same bits; every NaN is one."""
    for name, result in one.items():
        assert (np.isnan(result) == np.isnan(other[name])).all(), name
        present = ~np.isnan(result)
        assert result[present].tobytes() == other[name][present].tobytes(), name


@settings(max_examples=30)
@given(series(elements=ANY), st.data())
def test_any_tree_of_merges_gives_the_same_bits_for_exact_operations(values, data):
    operations = OperationSet(EXACT, value_count_threshold=data.draw(st.none() | st.integers(1, 4)))
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(values) - 1)))) - {len(values)})
    states = [folded(operations, part) for part in np.split(values, cuts)]
    while len(states) > 1:
        place = data.draw(st.integers(0, len(states) - 2))
        states[place : place + 2] = [operations.merge(states[place], states[place + 1])]
    same(finished(operations, states[0]), finished(operations, folded(operations, values)))


@pytest.mark.slow
@settings(max_examples=30)
@given(series(max_fields=100, elements=ANY), st.none() | st.integers(1, 3), st.data())
def test_a_state_goes_on_with_the_same_bits_after_any_restart(values, threshold, data):
    operations = OperationSet(ALL, value_count_threshold=threshold)
    restarts = data.draw(st.sets(st.integers(0, len(values))))
    calls = iter(range(10_000))

    def through(state):
        if next(calls) not in restarts:
            return state
        document, arrays = pickle.loads(pickle.dumps(state.save()))
        return OperationState.load(document, arrays)

    whole = segmented(operations, values)
    again = segmented(operations, values, through)
    assert whole.arrays.keys() == again.arrays.keys()
    assert all(whole.arrays[name].tobytes() == again.arrays[name].tobytes() for name in whole.arrays)


@pytest.mark.slow
@settings(max_examples=30)
@given(series(max_fields=100, elements=ANY), st.none() | st.integers(1, 3), st.permutations(ALL), st.integers(1, 8))
def test_a_result_has_the_same_bits_whatever_else_is_asked_for(values, threshold, order, some):
    chosen = OperationSet(order[:some], value_count_threshold=threshold)
    together = OperationSet(ALL, value_count_threshold=threshold)
    same(finished(chosen, segmented(chosen, values)), finished(together, segmented(together, values)))


@settings(max_examples=30)
@given(series(max_fields=100, elements=st.floats(-1e6, 1e6)))
def test_sums_and_averages_are_those_of_exact_arithmetic_to_few_units_in_the_last_place(values):
    operations = OperationSet(["average", "accumulate"])
    results = finished(operations, segmented(operations, values))
    for point, column in enumerate(values.T):
        bound = 40 * np.finfo(float).eps * math.fsum(abs(column))
        assert abs(results["accumulate"][point] - math.fsum(column)) <= bound
        assert abs(results["average"][point] - math.fsum(column) / len(column)) <= bound / len(column) + 1e-300


@settings(max_examples=30)
@given(series(max_fields=100, elements=st.floats(-1e6, 1e6)), st.floats(-1e9, 1e9), st.sampled_from([0, 1]))
def test_the_spread_is_that_of_exact_arithmetic_also_far_from_zero(values, far, ddof):
    values = values * 1e-3 + far
    operations = OperationSet([{"operation": "variance", "ddof": ddof}, {"operation": "stddev", "ddof": ddof}])
    results = finished(operations, segmented(operations, values))
    for point, column in enumerate(values.T):
        exact = [Fraction(value) for value in column]
        mean = sum(exact) / len(exact)
        square = float(sum((value - mean) ** 2 for value in exact))
        if len(column) <= ddof:
            assert np.isnan(results["variance"][point])
            continue
        expected = square / (len(column) - ddof)
        assert results["variance"][point] == pytest.approx(expected, rel=1e-12, abs=1e-300)
        assert results["stddev"][point] == np.sqrt(results["variance"][point])


@settings(max_examples=30)
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 100))
def test_a_constant_has_no_spread_at_all(value, count):
    operations = OperationSet(["stddev", "variance"])
    results = finished(operations, segmented(operations, np.full((count, 2), value)))
    assert all((result == 0).all() for result in results.values())


@pytest.mark.slow
@settings(max_examples=30)
@given(series(max_fields=40, elements=ANY), st.none() | st.integers(1, 3), st.data())
def test_several_fields_at_once_give_the_bits_of_one_after_the_other(values, threshold, data):
    operations = OperationSet(ALL, value_count_threshold=threshold)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(values)))) - {len(values)})
    state = operations.begin(values[0])
    for part in np.split(values, cuts):
        state = operations.update_all(state, list(part))
    single = folded(operations, np.concatenate([values[:1], values]))
    assert all(state.arrays[name].tobytes() == single.arrays[name].tobytes() for name in single.arrays)


@pytest.mark.slow
def test_a_field_that_is_larger_than_a_block_gives_what_its_parts_give():
    values = np.random.default_rng(3).normal(280, 10, (36, 2, 20_011))
    values[5:9, 1, 7:12_000] = np.nan
    operations = OperationSet(ALL, value_count_threshold=33)
    whole = finished(operations, segmented(operations, values))
    at_once = operations.update_all(operations.begin(values[0]), list(values[1:]))
    same(finished(operations, at_once), finished(operations, folded(operations, values)))
    for part in (slice(0, 5_000), slice(5_000, None)):
        piece = finished(operations, segmented(operations, values[..., part]))
        same(piece, {name: result[..., part] for name, result in whole.items()})


def test_the_maximum_of_negative_values_is_negative():
    values = np.array([[-3.0, -1e30], [-2.0, -2e30]])
    for threshold in (None, 1):
        operations = OperationSet(["maximum"], value_count_threshold=threshold)
        np.testing.assert_array_equal(finished(operations, folded(operations, values))["maximum"], [-2.0, -1e30])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fields_stay_as_they_are_and_results_are_float64_of_their_own(dtype):
    values = np.random.default_rng(4).normal(size=(5, 4)).astype(dtype)
    before = values.copy()
    operations = OperationSet([*ALL, "difference"])
    state = folded(operations, values)
    saved = {name: array.copy() for name, array in state.arrays.items()}
    for result in finished(operations, state, values[0]).values():
        assert result.dtype == np.float64
        result[:] = 7.0
    assert values.tobytes() == before.tobytes()
    assert all(state.arrays[name].tobytes() == saved[name].tobytes() for name in saved)


def test_a_merge_leaves_both_states_as_they_were_and_shares_nothing_that_changes():
    values = np.random.default_rng(5).normal(size=(30, 4))
    operations = OperationSet([*ALL, "difference"])
    one, other = folded(operations, values[:13]), folded(operations, values[13:])
    before = pickle.dumps((one, other))
    operations.update(operations.merge(one, other), values[0])
    assert pickle.dumps((one, other)) == before


def test_operations_of_the_last_field_start_from_the_opening():
    names = [
        "instant",
        "difference",
        "inverse-difference",
        "de-accumulate",
        "flux-average",
        "fixed-window-flux-average",
    ]
    operations = OperationSet(names)
    facts = WindowFacts(3_600, 10_800, 7_200, 10_800, 2, 3_600)
    state = folded(operations, np.array([[3.0], [5.0]]))
    results = [operations.finish(name, state, facts, np.array([1.0])).item() for name in names]
    assert results == [5.0, 4.0, -4.0, 4.0, 5.0 / 7_200, 4.0 / 7_200]
    assert operations.carry(state) == [5.0]


def test_without_an_opening_an_accumulation_starts_from_zero():
    operations = OperationSet(["de-accumulate", "fixed-window-flux-average"])
    state = folded(operations, np.array([[3.0], [5.0]]))
    assert [result.item() for result in finished(operations, state).values()] == [5.0, 5.0 / 86_400]


def test_a_missing_value_at_either_end_makes_a_difference_missing():
    operations = OperationSet(["difference"])
    state = folded(operations, np.array([[1.0, 1.0, np.nan], [2.0, np.nan, 3.0]]))
    result = operations.finish("difference", state, FACTS, np.array([np.nan, 0.0, 1.0]))
    np.testing.assert_array_equal(result, [np.nan, np.nan, 2.0])


def test_a_rate_over_no_time_is_an_error():
    operations = OperationSet(["flux-average"])
    facts = WindowFacts(0, 3_600, 0, 0, 1)
    with pytest.raises(FieldError, match="No time has passed"):
        operations.finish("flux-average", folded(operations, np.ones((1, 2))), facts)


def test_a_field_of_another_shape_is_an_error():
    operations = OperationSet(["average"])
    with pytest.raises(FieldError, match=r"shape \(3,\) follows fields of the shape \(2,\)"):
        operations.update(operations.begin(np.zeros(2)), np.zeros(3))


def test_what_a_plan_says_travels_to_workers():
    operations = pickle.loads(pickle.dumps(OperationSet(ALL, value_count_threshold=2)))
    values = np.random.default_rng(6).normal(size=(5, 4))
    here = OperationSet(ALL, value_count_threshold=2)
    same(finished(here, folded(here, values)), finished(operations, folded(operations, values)))


def test_memory_is_what_the_arrays_take():
    names = [name for name in operation_names() if name not in ("exceedance", "quantile")]
    names += [*THRESHOLDS, {"operation": "quantile", "quantile": 0.4}]
    operations = OperationSet(names, value_count_threshold=1)
    values = np.random.default_rng(7).normal(size=(200, 10))
    values[3] = np.nan
    peak, state = 0, operations.begin(values[0])
    for one in values[1:]:
        peak = max(peak, operations.update(state, one).nbytes)
    assert peak <= operations.memory_bytes(200, values[0].nbytes) <= 1.3 * peak
