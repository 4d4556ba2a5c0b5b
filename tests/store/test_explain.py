"""What `explain` says of each key, of the groups, and of what to leave out."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dtedask
from dtedask.store import Schema
from dtedask.store.nearest import nearest


@pytest.fixture
def filled(memory_store, make_field):
    for param, step, level in itertools.product(("t", "u"), ("0", "6", "12"), ("500", "850")):
        memory_store.archive(*make_field(int(step), param=param, step=step, levelist=level, number="1"))
    memory_store.archive(*make_field(7, param="2t", levtype="sfc", number="1", date="20240105"))
    memory_store.flush()
    return memory_store


def of(found, key):
    return next(one for one in found.keys if one.key == key)


def test_each_key_says_what_matched_what_did_not_and_the_nearest(filled):
    found = filled.explain("class=rd,param=t,step=6/20,levelist=700")
    assert found.fields == 0
    assert of(found, "class").unmatched == ()
    assert (of(found, "step").matched, of(found, "step").unmatched) == (("6",), ("20",))
    assert of(found, "step").nearest == {"20": "12"}
    assert of(found, "levelist").nearest == {"700": "850"}
    assert found.relax == (("levelist",),)
    assert "850 is nearest to 700" in str(found)
    assert "850 is nearest to 700" in found._repr_html_()


def test_a_request_that_is_met_in_part_lists_what_is_missing(filled):
    found = filled.explain("param=t,step=6/18,levelist=500")
    assert found.fields == 1
    assert not found.is_complete
    assert [str(one) for one in found.missing] == ["step=18,levelist=500,param=t"]
    assert filled.explain("param=t,step=6/12,levelist=500").is_complete


def test_groups_are_told_by_the_keys_that_fail_in_them(filled):
    found = filled.explain("param=2t,levelist=500")
    assert {one.group.rsplit("/", 1)[0]: one.failing for one in found.candidates} == {
        "pf/pl": ("param",),
        "pf/sfc": ("levelist",),
    }
    assert set(found.relax) == {("param",), ("levelist",)}


def test_two_keys_that_must_go_together_are_found(filled):
    assert filled.explain("class=rd,levtype=pl,step=99,levelist=1").relax == (("step", "levelist"),)


def test_nothing_of_a_locked_field_is_told(filled):
    filled.lock("param=t", ["list"], "secret")
    found = filled.explain("param=t")
    assert "secret" in found.refused
    assert (found.fields, found.keys, found.candidates) == (0, (), ())


def test_what_no_rule_of_the_schema_takes_is_told(make_field):
    keys = ("class", "stream", "expver", "type", "levtype", "date", "time", "number", "step", "levelist", "param")
    rules = [{"name": "t", "keys": {**dict.fromkeys(keys, "any"), "param": "t", "step": {"exclude": ["0"]}}}]
    store = dtedask.open("memory://explain-rules", schema=Schema.model_validate({"rules": rules}))
    store.archive(*make_field(0, param="t", step="6", levelist="500", number="1"))
    store.flush()
    assert store.explain("param=t/u,step=6").against_rules == ""
    assert store.explain("param=u").against_rules == "rule 1 't' fails at param"
    assert "fails at step" in str(store.explain("param=t,step=0"))
    assert store.explain("quantile=1:5").to_dict()["against_rules"] == "rule 1 't' fails at quantile"


def test_an_explanation_is_plain_json(filled):
    found = filled.explain("param=t,step=6/18").to_dict()
    assert found["keys"][0] == {
        "key": "step",
        "asked": ["6", "18"],
        "matched": ["6"],
        "unmatched": ["18"],
        "nearest": {"18": "12"},
        "existing": ["0", "6", "12"],
    }
    assert found["missing"] == [{"step": ["18"], "param": ["t"]}]


@pytest.mark.parametrize(
    ("key", "value", "existing", "found"),
    [
        ("date", "20240301", ["20230301", "20240228", "20240310"], "20240228"),
        ("time", "1100", ["0000", "0600", "1200"], "1200"),
        ("step", "90m", ["0", "1", "3"], "1"),
        ("expver", "0002", ["0001", "abcd"], "0001"),
        ("stream", "opr", ["enfo", "oper"], "oper"),
        ("param", "167", ["165", "168"], "168"),
        ("class", "zz", ["od"], None),
        ("step", "6", [], None),
    ],
)
def test_the_nearest_is_sought_in_time_number_or_spelling(key, value, existing, found):
    assert nearest(key, value, existing) == found


@given(st.integers(0, 300), st.lists(st.integers(0, 300), min_size=1))
def test_no_step_is_nearer_than_the_nearest(step, steps):
    found = int(nearest("step", str(step), [str(one) for one in sorted(steps)]))
    assert abs(found - step) == min(abs(one - step) for one in steps)
