"""What a plan may say of an operation."""

import re

import pytest
from pydantic import ValidationError

from dtedask.core.errors import DocumentError
from dtedask.pipeline import Plan
from dtedask.pipeline.operations import OperationOptions, OperationSet, operation_info, operation_names

PLAIN = [name for name in operation_names() if name not in ("exceedance", "quantile")]
MULTIO = {
    "instant",
    "average",
    "minimum",
    "maximum",
    "accumulate",
    "difference",
    "inverse-difference",
    "de-accumulate",
    "flux-average",
    "fixed-window-flux-average",
    "stddev",
}


def test_all_operations_of_multio_are_there():
    assert {name for name in operation_names() if operation_info(name).from_multio} == MULTIO


def test_names_alone_are_enough_for_most_operations():
    assert OperationSet(PLAIN).names == tuple(PLAIN)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"operation": "quantile", "quantile": 0.9}, "quantile-0.9"),
        ({"operation": "exceedance", "threshold": 273.15}, "exceedance-fraction-above-273.15"),
        (
            {"operation": "exceedance", "threshold": 5, "compare": "at-most", "measure": "count"},
            "exceedance-count-at-most-5",
        ),
    ],
)
def test_results_of_one_operation_are_told_apart_by_their_names(said, name):
    assert OperationSet([said]).names == (name,)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"operation": "averag"}, "no operation 'averag'.*Did you mean 'average'"),
        ({"operation": "quantile"}, "'quantile' needs 'quantile'"),
        ({"operation": "quantile", "quantile": 1.5}, "less than or equal to 1"),
        ({"operation": "exceedance"}, "'exceedance' needs 'threshold'"),
        ({"operation": "exceedance", "threshold": float("nan")}, "finite"),
        ({"operation": "average", "threshold": 3}, "'average' takes no 'threshold': it is of exceedance"),
        ({"operation": "average", "ddof": 1}, "'average' takes no 'ddof': it is of stddev and variance"),
        ({"operation": "instant", "value-count-threshold": 3}, "'instant' takes no value-count-threshold"),
        ({"operation": "average", "value-count-threshold": 0}, "greater than or equal to 1"),
        ({"operation": "average", "windows": 3}, "Extra inputs"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(said, reason):
    with pytest.raises((ValidationError, DocumentError), match=reason):
        OperationSet([said])


def test_the_same_result_twice_is_refused():
    with pytest.raises(DocumentError, match="'average' stands twice"):
        OperationSet(["average", {"operation": "average"}])


@pytest.mark.parametrize(
    ("action", "operations", "mistakes"),
    [
        (
            "statistics",
            "[avrage, {operation: quantile, quantil: 0.5}]",
            ["no operation 'avrage'. Did you mean 'average'", "unknown key 'quantil'.*Did you mean 'quantile'"],
        ),
        ("statistics", "[average, {operation: average}]", ["'average' stands twice"]),
        ("statistics", "[]", ["no operation in the list"]),
        ("statistics", "[3]", ["operations.0"]),
        (
            "ensemble",
            "[mea, {operation: exceedance}]",
            ["no operation 'mea'. Did you mean 'mean'", "'exceedance' needs 'threshold'"],
        ),
        ("ensemble", "[variance]", ["An ensemble has no operation 'variance'"]),
        ("ensemble", "[mean, average]", ["'average' stands twice"]),
    ],
)
def test_every_mistake_of_a_plan_has_its_line(tmp_path, action, operations, mistakes):
    plan = tmp_path / "plan.yaml"
    frequency = ", output-frequency: 1d" if action == "statistics" else ""
    plan.write_text(f"actions:\n  - {{type: 'null'}}\n  - {{type: {action}, operations: {operations}{frequency}}}\n")
    with pytest.raises(DocumentError) as caught:
        Plan.from_yaml(plan)
    for mistake in mistakes:
        assert re.search(f"plan.yaml:3: .*{mistake}", str(caught.value)), str(caught.value)
    assert "Tuple" not in str(caught.value)


def test_a_threshold_of_the_action_is_for_operations_on_all_values():
    needed = {name: OperationOptions(operation=name).required(3) for name in PLAIN}
    assert {name for name, count in needed.items() if count == 3} == {
        "average",
        "minimum",
        "maximum",
        "stddev",
        "variance",
    }


@pytest.mark.parametrize(
    ("said", "units"),
    [
        ({"operation": "exceedance", "threshold": 1}, "fraction"),
        ({"operation": "exceedance", "threshold": 1, "measure": "count"}, "count"),
        ({"operation": "variance"}, "squared"),
        ({"operation": "flux-average"}, "per second"),
        ({"operation": "stddev"}, "same"),
    ],
)
def test_what_becomes_of_the_units_is_known(said, units):
    assert OperationOptions.model_validate(said).units_change == units
