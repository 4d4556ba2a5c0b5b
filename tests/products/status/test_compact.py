"""Many fields in few words."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.products.status.compact import compact, compact_text
from dtedask.request import Request

FIELDS = st.lists(
    st.fixed_dictionaries(
        {"param": st.sampled_from(["167", "228", "130"]), "step": st.sampled_from(["0", "6", "12", "18"])},
        optional={"levelist": st.sampled_from(["500", "850"]), "number": st.sampled_from(["1", "2"])},
    ),
    max_size=20,
)


def _fields(boxes):
    return [dict(zip(box, values, strict=True)) for box in boxes for values in itertools.product(*box.values())]


@pytest.mark.slow
@given(FIELDS)
def test_requests_hold_exactly_the_fields_each_once(fields):
    found = [tuple(sorted(one.items())) for one in _fields(compact(fields))]
    assert sorted(found) == sorted({tuple(sorted(one.items())) for one in fields})


@given(st.sets(st.sampled_from(["0", "3", "6", "9"]), min_size=1), st.sets(st.sampled_from(["1", "2"]), min_size=1))
def test_all_combinations_are_one_request(steps, numbers):
    fields = [{"param": "167", "step": step, "number": number} for step in steps for number in numbers]
    (box,) = compact(fields)
    assert (set(box["step"]), set(box["number"])) == (steps, numbers)


def test_the_text_is_a_request_of_mars():
    fields = [{"param": param, "step": str(step)} for param in ("167", "165") for step in range(0, 30, 6)]
    text = compact_text(fields)
    assert text == "param=10u/2t,step=0/to/24/by/6"
    assert Request.parse(text)["step"] == ("0", "6", "12", "18", "24")


def test_much_is_cut_short():
    fields = [{"param": "167", "step": str(step * step)} for step in range(20)]
    assert compact_text(fields) == "param=2t,step=0/1/4/.../361"
    several = [{"param": "167", "step": str(step), "levelist": str(step)} for step in range(5)]
    assert compact_text(several).endswith(" and 2 more")


def test_a_control_forecast_is_asked_for_as_forecasters_do():
    fields = [{"type": "pf", "number": number, "param": "167"} for number in ("0", "1", "2")]
    assert compact_text(fields) == "type=pf,number=1/2,param=2t; type=cf,param=2t"
