"""Selection as in the real MultIO: the same fields pass, and the same fields are accepted before they are written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.pipeline.streams.stream import Stream
from tests.pipeline.multio import ours
from tests.pipeline.multio.real import MultioError, metadata

FIELDS = [
    ("field", metadata(1, param=param, level=level, levtype=levtype), np.array([number + 0.5]))
    for number, (param, level, levtype) in enumerate(
        (param, level, levtype) for param in (130, 131, 167) for level in (0, 500, 850) for levtype in ("sfc", "pl")
    )
]
matches = st.lists(
    st.dictionaries(
        st.sampled_from(["param", "levelist", "levtype", "step"]), st.none(), min_size=1, max_size=3
    ).flatmap(lambda keys: st.fixed_dictionaries({key: VALUES[key] for key in keys})),
    min_size=1,
    max_size=3,
)
VALUES = {
    "param": st.lists(st.sampled_from(["130", "131", "167", "200"]), min_size=1, max_size=3),
    "levelist": st.lists(st.sampled_from([0, 500, 1000]), min_size=1, max_size=2),
    "levtype": st.sampled_from(["sfc", "pl"]),
    "step": st.sampled_from([[1], [2], [1, 2]]),
}


def select(**options):
    return [{"type": "select", **options}]


@pytest.mark.slow
@settings(max_examples=12)
@given(match=matches, ignore=st.none() | matches)
def test_the_same_fields_pass(multio, match, ignore):
    actions = select(match=match, **({} if ignore is None else {"ignore": ignore}))
    theirs = [out.values[0] for out in multio.run(actions, FIELDS).fields]
    assert [values[0] for values in ours.values(actions, FIELDS)] == theirs


@pytest.mark.slow
@settings(max_examples=8)
@given(match=matches)
def test_the_same_fields_are_accepted(multio, match):
    keys = [given for _, given, _ in FIELDS]
    theirs = multio.run(select(match=match), [("accepted", one) for one in keys], collect=False).accepted
    with Stream({"actions": select(match=match)}) as stream:
        assert [stream.field_accepted(one) for one in keys] == theirs


def test_numbers_in_a_plan_match_texts_of_a_field_where_multio_ends(multio):
    """MultIO compares values of one type only, and fails where a plan writes 167 and the model "167"."""
    with pytest.raises(MultioError, match="values of a different type"):
        multio.run(select(match=[{"param": [167]}]), FIELDS)
    assert len(ours.values(select(match=[{"param": [167]}]), FIELDS)) == 6


def test_a_stream_of_a_plan_that_selects_nothing_accepts_nothing_as_in_multio(multio):
    actions = [{"type": "scale", "preset-mappings": "local-to-wmo"}]
    assert multio.run(actions, [("accepted", FIELDS[0][1])], collect=False).accepted == [False]
    with Stream({"actions": actions}) as stream:
        assert not stream.field_accepted(FIELDS[0][1])
