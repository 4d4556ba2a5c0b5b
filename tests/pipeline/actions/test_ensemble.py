"""Statistics over members: those of numpy, with the same bits whatever the order in which members come."""

import json
import logging

import dask
import numpy as np
import pytest
from dask.delayed import Delayed
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import dtedask
from dtedask.core.errors import DocumentError, FieldError
from dtedask.grib import scan
from dtedask.pipeline import Message, Plan
from dtedask.pipeline.action import Context, Saved, make_action
from dtedask.pipeline.compute import Eager
from dtedask.pipeline.graph import Graph
from dtedask.pipeline.graph.collect import tasks_of
from tests.pipeline.fields import field

FLUSH = Message.flush(date="20240601", time="0000", step="24")
ALL = [
    "mean",
    "spread",
    {"operation": "exceedance", "threshold": 0.5},
    {"operation": "quantile", "quantile": 0.9},
]


def ensemble(operations=("mean",), **options):
    return make_action({"type": "ensemble", "operations": list(operations), **options}, Context("test"))


def values_of(number, missing=()):
    values = np.random.default_rng(number).normal(size=(3, 4))
    if number in missing:
        values[0, 0] = np.nan
    return values


def member(number, **keys):
    kind = {"type": "cf"} if number == 0 else {"type": "pf", "number": str(number)}
    said = {"stream": "enfo", "step": "24", **kind, **keys}
    return field(values_of(number), **said)


def run(action, messages, *, compute=None, state=None):
    state = action.start() if state is None else state
    return [out for one in messages for out in action.handle(one, state, compute or Eager()) if out.is_field]


def bits(fields):
    return {out.keys["operation"]: out.values.tobytes() for out in fields}


def test_results_are_those_of_numpy():
    numbers = range(51)
    stack = np.stack([values_of(number) for number in numbers])
    mean, spread, above, high = run(ensemble(ALL, members="0/to/50"), map(member, numbers))
    np.testing.assert_allclose(mean.values, stack.mean(axis=0), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(spread.values, stack.std(axis=0), rtol=1e-13)
    np.testing.assert_array_equal(above.values, (stack > 0.5).mean(axis=0))
    np.testing.assert_allclose(high.values, np.quantile(stack, 0.9, axis=0), rtol=1e-13)


def test_the_spread_may_be_that_of_a_sample():
    stack = np.stack([values_of(number) for number in range(5)])
    action = ensemble([{"operation": "spread", "ddof": 1}], members="0/to/4")
    (spread,) = run(action, map(member, range(5)))
    np.testing.assert_allclose(spread.values, stack.std(axis=0, ddof=1), rtol=1e-13)


@settings(max_examples=25)
@given(st.permutations(range(40)), st.booleans())
def test_members_give_the_same_bits_in_whatever_order_they_come(order, are_named):
    sent = [*map(member, order), FLUSH]
    action = ensemble(ALL, **({"members": "0/to/39"} if are_named else {}))
    expected = run(ensemble(ALL, members="0/to/39"), map(member, range(40)))
    assert bits(run(action, sent)) == bits(expected)


@settings(max_examples=25)
@given(st.permutations(range(36)), st.sets(st.integers(0, 35)), st.booleans())
def test_a_restart_at_any_moment_changes_no_bit(order, restarts, are_named):
    action = ensemble(ALL, **({"members": "0/to/35"} if are_named else {}))
    state, found = action.start(), []
    for place, number in enumerate(order):
        if place in restarts:
            saved = action.save(state)
            document = json.loads(json.dumps(saved.document))
            state = action.load(Saved(document, {name: array.copy() for name, array in saved.arrays.items()}))
        found += run(action, [member(number)], state=state)
    found += run(action, [FLUSH], state=state)
    straight = run(action, [*map(member, range(36)), FLUSH])
    assert bits(found) == bits(straight)
    assert [out.keys for out in found] == [out.keys for out in straight]
    assert [out.description for out in found] == [out.description for out in straight]


def test_a_graph_gives_the_same_bits():
    action = ensemble(ALL)
    graph = Graph()
    sent = [*map(member, range(40)), FLUSH]
    lazy = run(action, sent, compute=graph)
    nodes = [out.values for out in lazy]
    found = dask.compute(*[Delayed(node.key, tasks_of([node])) for node in nodes], scheduler="threads")
    assert {out.keys["operation"]: values.tobytes() for out, values in zip(lazy, found, strict=True)} == bits(
        run(action, sent)
    )


def test_results_go_out_with_the_last_member_that_is_wanted():
    action = ensemble(members=[1, 2, 3])
    state = action.start()
    assert not run(action, [member(3), member(0), member(1), member(7)], state=state)
    (mean,) = run(action, [member(2)], state=state)
    np.testing.assert_allclose(mean.values, np.mean([values_of(number) for number in (1, 2, 3)], axis=0))
    assert not run(action, [FLUSH], state=state)


def test_without_names_the_flush_of_their_step_ends_the_members():
    action = ensemble()
    state = action.start()
    assert not run(action, [member(1), member(2), member(1, step="48")], state=state)
    (mean,) = run(action, [FLUSH], state=state)
    assert (mean.keys["step"], mean.keys["numberOfForecastsInEnsemble"]) == ("24", 2)
    (rest,) = run(action, [Message.flush("end-of-simulation")], state=state)
    assert rest.keys["step"] == "48"


def test_fields_of_other_levels_and_parameters_are_groups_of_their_own():
    messages = [member(number, param=param) for number in (1, 2) for param in ("167", "165")]
    assert [out.keys["param"] for out in run(ensemble(members=[1, 2]), messages)] == ["167", "165"]


def test_the_control_forecast_is_left_out_where_the_plan_says_so():
    (mean,) = run(ensemble(control=False), [member(0), member(1), member(2), FLUSH])
    np.testing.assert_array_equal(mean.values, np.mean([values_of(1), values_of(2)], axis=0))


def test_members_that_did_not_come_are_named():
    with pytest.raises(FieldError, match=r"Members 2/4 of the 5 wanted did not come before the flush: .*param=167"):
        run(ensemble(members="0/to/4"), [member(0), member(1), member(3), FLUSH])


@pytest.mark.parametrize(("on_missing", "results"), [("partial", 1), ("skip", 0)])
def test_a_plan_may_go_on_without_them_and_says_so(on_missing, results, caplog):
    action = ensemble(members="0/to/2", **{"on-missing": on_missing})
    with caplog.at_level(logging.WARNING):
        found = run(action, [member(0), member(2), FLUSH])
    assert len(found) == results
    assert "Members 1 of the 3 wanted did not come" in caplog.text
    for out in found:
        np.testing.assert_array_equal(out.values, np.mean([values_of(0), values_of(2)], axis=0))
        assert out.keys["numberOfForecastsInEnsemble"] == 2


@pytest.mark.parametrize("members", [None, [1, 2], [1]])
def test_a_member_that_comes_twice_is_an_error(members):
    with pytest.raises(FieldError, match="Member 1 came twice"):
        run(ensemble(members=members), [member(1), member(1)])


def test_a_field_that_is_no_member_is_an_error():
    with pytest.raises(FieldError, match=r"is no member of an ensemble\. Select type=cf/pf before"):
        run(ensemble(), [field(type="fc")])


@pytest.mark.parametrize("on_error", ["propagate", "skip"])
def test_a_member_that_comes_twice_and_is_left_out_changes_no_bit(tmp_path, on_error):
    order = [0, 3, 1, 1, 3, 2] if on_error == "skip" else [0, 3, 1, 2]
    plan = {
        "actions": [
            {"type": "ensemble", "operations": ALL, "members": "0/to/3", "on-error": {"type": on_error}},
            {"type": "sink", "sinks": [{"type": "cube"}]},
        ]
    }
    Plan.from_yaml(plan, output=str(tmp_path / "data")).run([*map(member, order), FLUSH])
    ((_, values),) = dtedask.open(tmp_path / "data").values("type=em")
    (expected, *_) = run(ensemble(ALL, members="0/to/3"), map(member, range(4)))
    np.testing.assert_array_equal(values, expected.values.astype("float32"))


def test_an_encoded_field_is_an_error_that_says_where_to_put_the_action():
    with pytest.raises(FieldError, match="is encoded, and has no values. Put 'ensemble' before 'encode'"):
        run(ensemble(), [member(1).replaced(values=None, data=b"GRIB")])


def test_missing_values_count_as_the_plan_says():
    messages = [member(number).replaced(values=values_of(number, missing=(1, 2))) for number in (1, 2, 3)]
    (strict,) = run(ensemble(members=[1, 2, 3]), messages)
    (one,) = run(ensemble(members=[1, 2, 3], **{"value-count-threshold": 1}), messages)
    assert np.isnan(strict.values).sum() == 1
    assert one.values[0, 0] == values_of(3)[0, 0]


def test_results_stand_in_a_cube_as_products_of_the_ensemble(tmp_path):
    document = {
        "actions": [
            {"type": "ensemble", "operations": [*ALL, {"operation": "exceedance", "threshold": 1, "param": 131167}]},
            {"type": "sink", "sinks": [{"type": "cube"}]},
        ]
    }
    Plan.from_yaml(document, output=str(tmp_path / "data")).run([*map(member, range(5)), FLUSH])
    records = [record.keys for record in dtedask.open(tmp_path / "data").list()]
    assert sorted((keys["type"], keys["param"]) for keys in records) == [
        ("em", "167"),
        ("ep", "131167"),
        ("ep", "167"),
        ("es", "167"),
        ("pb", "167"),
    ]
    assert not any("number" in keys for keys in records)
    assert {keys.get("quantile") for keys in records} == {None, "90:100"}
    assert {keys.get("stattype") for keys in records} == {None, "above0.5"}


def test_results_are_written_as_grib_products_of_the_ensemble(tmp_path):
    document = {
        "actions": [
            {
                "type": "ensemble",
                "operations": ["mean", "spread", *({"operation": "quantile", "quantile": q} for q in (0.9, 1 / 3))],
            },
            {"type": "encode"},
            {"type": "sink", "sinks": [{"type": "file", "path": str(tmp_path / "out.grib2")}]},
        ]
    }
    Plan.from_yaml(document).run([*map(member, range(5)), FLUSH])
    found = [message.field.keys for message in scan(tmp_path / "out.grib2")]
    assert [(keys["type"], keys.get("quantile")) for keys in found] == [
        ("em", None),
        ("es", None),
        ("pb", "90:100"),
        ("pb", "1:3"),
    ]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"operations": ["variance"]}, "An ensemble has no operation 'variance'"),
        ({"operations": []}, "no operation in the list"),
        ({"operations": "mean"}, "valid tuple"),
        ({"members": []}, "No members are named"),
        ({"members": "0/to/50", "control": False}, "Member 0 is wanted, but control is false"),
        ({"on-missing": "wait"}, "partial"),
    ],
)
def test_what_makes_no_sense_is_refused(said, reason):
    with pytest.raises((ValidationError, DocumentError), match=reason):
        make_action({"type": "ensemble", **said}, Context("test"))


def test_mean_and_spread_are_what_a_plan_means_that_says_nothing():
    found = run(make_action({"type": "ensemble"}, Context("test")), [member(1), member(2), FLUSH])
    assert [out.keys["type"] for out in found] == ["em", "es"]
