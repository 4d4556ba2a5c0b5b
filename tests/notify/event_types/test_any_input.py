"""Whatever JSON or YAML comes in, the answer is a value or an error of dtedask that names what is wrong."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError, NotificationError
from dtedask.notify.event_types import load_event_types
from dtedask.notify.event_types.keys import OPERATORS
from dtedask.request.vocabulary import key_order

pytestmark = pytest.mark.slow

KEYS = {
    "word": {"type": "string", "max_length": 20},
    "level": {"type": "enum", "values": ["a", "b"]},
    "number": {"type": "integer", "range": [-5, 5]},
    "size": {"type": "float"},
    "day": {"type": "date", "formats": ["%d.%m.%Y"]},
    "hour": {"type": "time"},
    "version": {"type": "expver", "default": "1"},
    "form": {"type": "regex", "pattern": "[a-z]+[0-9]*"},
    "polygon": {"type": "polygon"},
}
SENT = load_event_types({"t": {"identifier": KEYS}})["t"]
CLOUD = load_event_types({"t": {"identifier": {"point_cloud": "point_cloud"}}})["t"]
COMMITS = load_event_types("c: {cubes: '*'}")["c"]

numbers = st.integers() | st.floats() | st.sampled_from([10**999, -(10**999), 2**63, 1e308])
words = (
    st.text(max_size=12)
    | st.sampled_from(["g", "none", "off", "null", "od", "t", "jan", "0.25/0.25", "O96", "1h", "0-24", "500/850", "a"])
    | st.sampled_from(["20240603", "-1", "0/to/24/by/6", "a/b", "all", "06:00", "\ud800", "[[1,2]]"])
)
pairs = st.lists(st.floats(-90, 90) | numbers, min_size=1, max_size=3)
leaves = st.none() | st.booleans() | numbers | words | st.lists(pairs, max_size=6)
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(OPERATORS) | st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=6,
)
mars_keys = st.sampled_from([*key_order(), "polygon", "point", "level"])


@given(st.dictionaries(st.sampled_from([*KEYS, "point", "other"]), anything, max_size=4), anything)
def test_any_notification_is_taken_or_refused(identifier, payload):
    for kind in (SENT, CLOUD):
        try:
            draft = kind.draft(identifier, payload)
        except NotificationError:
            continue
        again = kind.draft(json.loads(json.dumps(dict(draft.identifier))), payload)
        assert again.identifier == draft.identifier


@given(st.dictionaries(st.sampled_from([*KEYS, "point", "point_cloud", "other"]), anything, max_size=3), anything)
def test_any_filter_is_taken_or_refused(identifier, point):
    for kind in (SENT, CLOUD):
        for place in (None, point):
            try:
                found = kind.filter(identifier, point=place)
            except NotificationError:
                continue
            assert found.takes({}) == found.takes_all
            assert json.loads(found.canonical) is not None
            hash(found)


@given(st.dictionaries(mars_keys, anything, max_size=3))
def test_any_filter_of_commits_is_taken_or_refused(identifier):
    try:
        found = COMMITS.filter(identifier)
    except NotificationError:
        return
    found.takes({"class": "od", "step": "0/6", "levelist": "500", "param": "130", "date": "20240603"})
    assert found == COMMITS.filter(identifier)


@given(
    st.dictionaries(
        st.sampled_from(["a", "mars", "notification_schema", "application"]) | st.text(max_size=4),
        st.dictionaries(
            st.sampled_from(["identifier", "payload", "retention", "auth", "cubes", "topic", "b"]), anything
        )
        | anything,
        max_size=2,
    )
)
def test_any_document_is_taken_or_refused(document):
    try:
        found = load_event_types(document)
    except DocumentError:
        return
    assert json.loads(json.dumps(found.schema())) is not None


ODD = ["g", "none", "all", "off", "a", "0", "-1", "od", "20240603", "0/to/12/by/6", "t", "06:00", "O96", "", " ", "g/a"]


@pytest.mark.parametrize("form", ["value", "list", "eq", "in", "gt", "between"])
def test_every_key_of_mars_takes_or_refuses_every_odd_value(form):
    taken = 0
    for key in key_order():
        for word in ODD:
            wanted = {"value": word, "list": [word], "in": {"in": [word, word]}, "between": {"between": [word, word]}}
            try:
                found = COMMITS.filter({key: wanted.get(form, {form: word})})
            except NotificationError:
                continue
            found.takes({"class": "od", "step": "0/6", "date": "20240603"})
            taken += json.loads(found.canonical) is not None
    assert taken > 50
