"""`Plan.field_accepted` answers as the real MultIO does."""

import pytest

from dtedask.pipeline import Plan

ASKED = [
    {"param": "167", "levtype": "sfc", "category": "ocean-2d"},
    {"param": "130", "levtype": "pl", "category": "ocean-2d"},
    {"param": "167", "levtype": "pl", "category": "ocean-3d"},
]
T2 = {"param": ["167"]}
PL = {"levtype": ["pl"]}


def select(**options):
    return {"type": "select", **options}


@pytest.mark.parametrize(
    "actions",
    [
        [],
        [select(match=[T2])],
        [select(match=[T2, PL])],
        [select(match=[{**T2, **PL}])],
        [select(ignore=[T2])],
        [select(match=[PL], ignore=[T2])],
        [select(match=[T2]), select(match=[PL])],
        [{"type": "print", "stream": "cout"}, select(match=[PL])],
        [select(any=[{"match": [T2]}, {"match": [PL]}])],
        [select(all=[{"match": [T2]}, {"match": [PL]}])],
        [select(**{"not": {"match": [T2]}})],
    ],
    ids=str,
)
def test_the_same_fields_are_accepted(multio, actions):
    expected = multio.run(actions, [("accepted", keys) for keys in ASKED]).accepted
    plan = Plan.from_yaml({"actions": [*actions, {"type": "sink", "sinks": []}]})
    assert [plan.field_accepted(keys) for keys in ASKED] == expected


def test_a_pipeline_that_is_off_accepts_nothing():
    plans = [{"enabled": False, "actions": [select(match=[T2])]}, {"actions": [select(match=[PL])]}]
    assert [Plan.from_yaml({"plans": plans}).field_accepted(keys) for keys in ASKED] == [False, True, True]
