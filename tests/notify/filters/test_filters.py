"""Filters, against an evaluator that reads the document of the filter anew for each notification."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import NotificationError
from dtedask.notify.event_types import load_event_types
from dtedask.notify.notification import Notification

TYPE = load_event_types(
    {
        "t": {
            "identifier": {
                "word": "string",
                "level": {"type": "enum", "values": ["low", "high", "worst"]},
                "number": {"type": "integer", "range": [-20, 20]},
                "size": "float",
                "day": "date",
                "hour": "time",
                "expver": "expver",
            }
        }
    }
)["t"]

VALUES = {
    "word": st.sampled_from(["a", "b", "B", "a/b", "*"]),
    "level": st.sampled_from(["low", "HIGH", "worst"]),
    "number": st.integers(-20, 20) | st.integers(-20, 20).map(str),
    "size": st.floats(-1e6, 1e6) | st.integers(-3, 3) | st.sampled_from(["1e2", "-0.0", ".5"]),
    "day": st.dates().map(str) | st.sampled_from(["20240603", "2024-155", "20231231"]),
    "hour": st.sampled_from(["0", "6", "0600", "18:30", "23:59"]),
    "expver": st.sampled_from(["1", "0001", "ABCD", "abcd"]),
}
ORDERED = ("number", "size", "day", "hour")


def day_of(text):
    if text.count("-") == 1:
        return date(int(text[:4]), 1, 1) + timedelta(days=int(text[5:]) - 1)
    return date.fromisoformat(text)


def minutes_of(text):
    clock = text if ":" in text else f"{text[:2]}:{text[2:]}" if len(text) == 4 else f"{text}:00"
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


MEANING = {
    "word": str,
    "level": str.lower,
    "number": int,
    "size": float,
    "day": day_of,
    "hour": minutes_of,
    "expver": lambda text: text.zfill(4).lower(),
}


def plain(key, value):
    """What a value stands for, by Python's own types."""
    return MEANING[key](str(value))


def takes(wanted, sent):
    """Whether a filter takes a notification, read off its document."""
    return all(key in sent and asks(key, asked, plain(key, sent[key])) for key, asked in wanted.items())


def asks(key, asked, have):
    if isinstance(asked, list):
        return any(plain(key, one) == have for one in asked)
    if not isinstance(asked, dict):
        return plain(key, asked) == have
    ((operator, operand),) = asked.items()
    if operator in ("in", "between"):
        operand = [plain(key, one) for one in operand]
        return have in operand if operator == "in" else operand[0] <= have <= operand[1]
    limit = plain(key, operand)
    return {"eq": have == limit, "gt": have > limit, "gte": have >= limit, "lt": have < limit, "lte": have <= limit}[
        operator
    ]


@st.composite
def asked_of(draw, key):
    one, several = VALUES[key], st.lists(VALUES[key], min_size=1, max_size=3)
    operators = ["", "list", "eq", "in", *(["gt", "gte", "lt", "lte", "between"] if key in ORDERED else [])]
    match draw(st.sampled_from(operators)):
        case "":
            return draw(one)
        case "list":
            return draw(several)
        case "in":
            return {"in": draw(several)}
        case "between":
            pair = sorted(draw(st.tuples(one, one)), key=lambda value: plain(key, value))
            return {"between": list(pair)}
        case operator:
            return {operator: draw(one)}


def some_of(strategies):
    return st.fixed_dictionaries({}, optional=strategies)


def notification(sent):
    return Notification("t", 1, TYPE.draft(sent).identifier, None, datetime(2024, 6, 3, tzinfo=UTC))


SENT = some_of(VALUES)
WANTED = some_of({key: asked_of(key) for key in VALUES})


@given(SENT, WANTED)
def test_a_filter_takes_what_its_document_says(sent, wanted):
    assert TYPE.filter(wanted).matches(notification(sent)) == takes(wanted, sent)


@given(SENT, WANTED, WANTED)
def test_joined_filters_take_what_both_or_one_of_them_takes(sent, one, another):
    first, second, news = TYPE.filter(one), TYPE.filter(another), notification(sent)
    assert (first & second).matches(news) == (takes(one, sent) and takes(another, sent))
    assert (first | second).matches(news) == (takes(one, sent) or takes(another, sent))


@given(WANTED, st.randoms())
def test_filters_that_ask_for_the_same_are_equal(wanted, random):
    items = list(wanted.items())
    random.shuffle(items)
    one, another = (
        TYPE.filter(wanted),
        TYPE.filter({key: [*value, *value] if isinstance(value, list) else value for key, value in items}),
    )
    assert (one, hash(one), one.canonical) == (another, hash(another), another.canonical)


@given(SENT, WANTED)
def test_the_canonical_form_of_a_filter_is_the_same_filter(sent, wanted):
    one = TYPE.filter(wanted)
    assert TYPE.filter(json.loads(one.canonical)) == one


def test_a_filter_of_nothing_takes_everything():
    assert TYPE.filter().takes_all
    assert TYPE.filter({}).matches(notification({}))
    assert not TYPE.filter({"number": 1}).takes_all


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"number": {"gte": 1, "lt": 2}}, "exactly one operator is needed, and there are 2"),
        ({"number": {}}, "exactly one operator is needed, and there are 0"),
        ({"number": {"ge": 1}}, "'ge' is no operator.*Did you mean 'gte'"),
        ({"number": {"between": [2, 1]}}, "smaller value first"),
        ({"number": {"between": [2]}}, "takes two values"),
        ({"number": {"gte": 21}}, r"must be in \[-20, 20\]"),
        ({"number": {"in": []}}, "at least one value"),
        ({"number": []}, "at least one value"),
        ({"number": {"gte": [1]}}, "one value is needed"),
        ({"number": [[1]]}, "one value is needed"),
        ({"number": None}, "one value is needed"),
        ({"level": {"gt": "low"}}, "'gt' is no operator"),
        ({"level": ["low", "lo"]}, "none of the values.*Did you mean 'low'"),
        ({"numbr": 1}, "no key 'numbr'. Did you mean 'number'"),
        ({"polygon": [[0, 0]]}, "no key 'polygon'"),
        ({"point": [0, 0]}, "no polygons"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(wanted, message):
    with pytest.raises(NotificationError, match=message):
        TYPE.filter(wanted)


def test_watching_needs_the_required_keys():
    kind = load_event_types("{t: {identifier: {a: {type: string, required: true}, b: string}}}")["t"]
    with pytest.raises(NotificationError, match="must name the key 'a'"):
        kind.filter({"b": "x"})
    assert kind.filter({"b": "x"}, partial=True).takes({"a": "y", "b": "x"})
    assert kind.filter({"a": {"in": ["y", "z"]}}).takes({"a": "y"})


def test_values_of_an_older_form_of_the_type_are_not_taken():
    assert not TYPE.filter({"number": {"gte": 1}}).takes({"number": "many"})
    assert not TYPE.filter({"word": "a"}).takes({"word": [["a"]]})
