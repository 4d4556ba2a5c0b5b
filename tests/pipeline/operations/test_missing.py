"""Missing values: any of them, or a threshold of values that are there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.pipeline.operations import OperationSet
from tests.pipeline.operations.folding import FACTS, finished, folded, segmented, series

ALL = ("average", "minimum", "maximum", "stddev", "variance", {"operation": "quantile", "quantile": 0.5})
NUMPY = {
    "average": np.nanmean,
    "minimum": np.nanmin,
    "maximum": np.nanmax,
    "stddev": np.nanstd,
    "variance": np.nanvar,
    "quantile-0.5": np.nanmedian,
}


@pytest.mark.filterwarnings("ignore:.*(empty slice|All-NaN|Degrees of freedom)")
@settings(max_examples=30)
@given(series(max_fields=80), st.integers(1, 5))
def test_with_a_threshold_a_point_needs_so_many_values_and_others_are_left_out(values, threshold):
    operations = OperationSet(ALL, value_count_threshold=threshold)
    enough = (~np.isnan(values)).sum(axis=0) >= threshold
    for name, result in finished(operations, segmented(operations, values)).items():
        expected = np.where(enough, NUMPY[name](values, axis=0), np.nan)
        np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-7, err_msg=name)


@settings(max_examples=30)
@given(series(max_fields=80))
def test_without_a_threshold_one_missing_value_makes_every_result_of_the_point_missing(values):
    operations = OperationSet([*ALL, "accumulate", {"operation": "exceedance", "threshold": 0.0}])
    gone = np.isnan(values).any(axis=0)
    for name, result in finished(operations, segmented(operations, values)).items():
        assert (np.isnan(result) == gone).all(), name


@settings(max_examples=30)
@given(series(max_fields=40), st.integers(1, 4))
def test_values_are_counted_once_whatever_the_number_of_operations(values, threshold):
    alone = OperationSet(["maximum"], value_count_threshold=threshold)
    among = OperationSet(["average", "minimum", "maximum", "count", "stddev"], value_count_threshold=threshold)
    results = finished(among, folded(among, values))
    assert finished(alone, folded(alone, values))["maximum"].tobytes() == results["maximum"].tobytes()
    assert (results["count"] == (~np.isnan(values)).sum(axis=0)).all()


@settings(max_examples=30)
@given(series(max_fields=40), st.integers(1, 4))
def test_an_operation_with_a_threshold_of_its_own_leaves_the_others_as_they_are(values, threshold):
    own = OperationSet(["average", {"operation": "maximum", "value-count-threshold": threshold}])
    plain, counted = OperationSet(["average"]), OperationSet(["maximum"], value_count_threshold=threshold)
    results = finished(own, segmented(own, values))
    assert results["average"].tobytes() == finished(plain, segmented(plain, values))["average"].tobytes()
    assert results["maximum"].tobytes() == finished(counted, segmented(counted, values))["maximum"].tobytes()


def test_a_sum_with_holes_is_no_accumulation_unless_it_is_asked_for():
    values = np.array([[1.0], [np.nan], [2.0]])
    plain = OperationSet(["accumulate"], value_count_threshold=1)
    asked = OperationSet([{"operation": "accumulate", "value-count-threshold": 2}])
    assert np.isnan(finished(plain, folded(plain, values))["accumulate"])
    assert finished(asked, folded(asked, values))["accumulate"] == 3.0


def test_too_few_fields_are_too_few_values_though_none_is_missing():
    operations = OperationSet(["average", "maximum"], value_count_threshold=3)
    for result in finished(operations, folded(operations, np.ones((2, 4)))).values():
        assert np.isnan(result).all()


@pytest.mark.parametrize("threshold", [None, 1])
def test_a_point_without_any_value_is_missing_and_its_count_is_zero(threshold):
    operations = OperationSet([*ALL, "count"], value_count_threshold=threshold)
    results = finished(operations, segmented(operations, np.full((40, 3), np.nan)))
    assert (results.pop("count") == 0).all()
    assert all(np.isnan(result).all() for result in results.values())


def test_an_instant_value_does_not_mind_missing_values_before_it():
    operations = OperationSet(["instant", "average"])
    state = folded(operations, np.array([[np.nan, 1.0], [2.0, np.nan]]))
    np.testing.assert_array_equal(operations.finish("instant", state, FACTS), [2.0, np.nan])
