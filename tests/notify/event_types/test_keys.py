"""Keys of identifiers: the canonical form of their values, and what they refuse."""

import math
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import NotificationError
from dtedask.notify.event_types import load_event_types

SQUARE = [[0.0, 0.0], [0.0, 2.0], [2.0, 2.0], [2.0, 0.0], [0.0, 0.0]]


def type_of(**options):
    return load_event_types({"t": {"identifier": {options.pop("name", "x"): options}}})["t"]


def canonical(value, **options):
    name = options.get("name", "x")
    return type_of(**options).draft({name: value}).identifier[name]


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(["{}", "{:+d}", "{:030d}", " {} "]))
def test_every_way_to_write_an_integer_has_one_form(number, form):
    assert canonical(form.format(number), type="integer") == canonical(number, type="integer") == str(number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_as_it_was(number):
    text = canonical(number, type="float")
    assert float(text) == number
    assert canonical(text, type="float") == text


@given(st.dates())
def test_every_way_to_write_a_day_has_one_form(day):
    plain = f"{day.year:04d}{day.month:02d}{day.day:02d}"
    ordinal = f"{day.year:04d}-{(day - date(day.year, 1, 1)).days + 1:03d}"
    for written in (plain, day.isoformat(), ordinal, day, datetime(day.year, day.month, day.day, 6, tzinfo=UTC)):
        assert canonical(written, type="date") == plain
        assert canonical(written, type="date", canonical_format="%Y-%m-%d") == day.isoformat()


@given(st.times())
def test_every_way_to_write_a_time_has_one_form(moment):
    for written in (
        f"{moment:%H:%M}",
        f"{moment:%H%M}",
        f"{moment.hour}:{moment:%M}",
        time(moment.hour, moment.minute),
    ):
        assert canonical(written, type="time") == f"{moment:%H%M}"


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_a_string_is_taken_as_it_is(text):
    assert canonical(text, type="string") == text


@pytest.mark.parametrize(
    ("value", "options", "form"),
    [
        (9, {"type": "time"}, "0900"),
        ("14", {"type": "time"}, "1400"),
        ("A", {"type": "enum", "values": ["a", "b"]}, "a"),
        (1, {"type": "enum", "values": [1, 2]}, "1"),
        ("1", {"type": "expver"}, "0001"),
        ("Test", {"type": "expver"}, "test"),
        ("", {"type": "expver", "default": "0001"}, "0001"),
        ("AZ123", {"type": "regex", "pattern": "[A-Z]{2}[0-9]+"}, "AZ123"),
        ("03.06.2024", {"type": "date", "formats": ["%d.%m.%Y"]}, "20240603"),
        ("(0,0,0,2,2,2,2,0,0,0)", {"name": "polygon", "type": "polygon"}, SQUARE),
        ("0,0,0,2,2,2,2,0,0,0", {"name": "polygon", "type": "polygon"}, SQUARE),
        (str(SQUARE), {"name": "polygon", "type": "polygon"}, SQUARE),
        ([[1, 2]], {"name": "point_cloud", "type": "point_cloud"}, [[1.0, 2.0]]),
    ],
)
def test_values_get_their_canonical_form(value, options, form):
    assert canonical(value, **options) == form


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        ("", {"type": "string"}, "must not be empty"),
        ("abc", {"type": "string", "max_length": 2}, "3 characters, and at most 2"),
        ("\ud800", {"type": "string"}, "lone surrogate"),
        ("3.0", {"type": "integer"}, "must be an integer"),
        (True, {"type": "integer"}, "must be an integer"),
        (2**63, {"type": "integer"}, "64 bits"),
        ("9" * 5000, {"type": "integer"}, "must be an integer"),
        (float("inf"), {"type": "string"}, "too large, infinite"),
        (float("nan"), {"type": "string"}, "no number at all"),
        (-1, {"type": "integer", "range": [0, 100]}, r"in \[0, 100\]"),
        ("NaN", {"type": "float"}, "finite number"),
        (float("inf"), {"type": "float"}, "infinite"),
        ("1e999", {"type": "float"}, "finite number"),
        ("2023-02-30", {"type": "date"}, "no such day"),
        ("2023-366", {"type": "date"}, "no such day"),
        ("2023-0603", {"type": "date"}, "no such day"),
        ("24:00", {"type": "time"}, "no time of day"),
        ("x", {"type": "enum", "values": ["a"]}, "none of the values"),
        ("a/b", {"type": "expver"}, "no version"),
        ("az", {"type": "regex", "pattern": "[A-Z]+"}, "does not have the form"),
        (SQUARE[:-1], {"name": "polygon", "type": "polygon"}, "no closed polygon"),
        (SQUARE[:2] + SQUARE[:1], {"name": "polygon", "type": "polygon"}, "no closed polygon"),
        ([[91, 0]] * 4, {"name": "polygon", "type": "polygon"}, "latitude 91"),
        ([[0, 541]] * 4, {"name": "polygon", "type": "polygon"}, "longitude 541"),
        ([["a", 0]] * 4, {"name": "polygon", "type": "polygon"}, "is no point"),
        ({"type": "Polygon"}, {"name": "polygon", "type": "polygon"}, "no list of points"),
        ("0,0,1", {"name": "polygon", "type": "polygon"}, "latitude without a longitude"),
        ("[[[[", {"name": "polygon", "type": "polygon"}, "no list of numbers"),
        ([[1, 2]] * 3, {"name": "point_cloud", "type": "point_cloud", "max_points": 2}, "3 points, and at most 2"),
        ({"gte": 3}, {"type": "integer"}, "no mapping"),
        ([1], {"type": "integer"}, "one value is needed"),
        (None, {"type": "string"}, "one value is needed"),
    ],
)
def test_values_that_cannot_be_are_refused_by_name(value, options, message):
    with pytest.raises(NotificationError, match=rf"Key '{options.get('name', 'x')}' of event type 't'.*{message}"):
        canonical(value, **options)


@pytest.mark.parametrize("kind", ["integer", "float", "string", "date", "time", "expver"])
def test_integers_that_cannot_be_written_are_refused(kind):
    with pytest.raises(NotificationError, match="cannot be this int: it is too large"):
        canonical(10**5000, type=kind)


def circle(points, radius):
    angles = [2 * math.pi * number / points for number in range(points)]
    found = [[radius(angle) * math.sin(angle), radius(angle) * math.cos(angle)] for angle in angles]
    return [*found, found[0]]


def test_large_polygons_must_not_cross_themselves():
    large = circle(2000, lambda angle: 40 + 10 * math.cos(7 * angle))
    assert canonical(large, type="polygon", name="polygon") == large
    crossing = [*large[:1000], large[1500], *large[1000:]]
    with pytest.raises(NotificationError, match="crosses itself, and has more than 1000 points"):
        canonical(crossing, type="polygon", name="polygon")


def test_a_draft_needs_what_is_required_and_gets_defaults():
    kind = load_event_types(
        {
            "t": {
                "identifier": {
                    "a": {"type": "string", "required": True},
                    "b": "string",
                    "c": {"type": "expver", "default": 1},
                }
            }
        }
    )["t"]
    assert kind.draft({"a": "x"}).identifier == {"a": "x", "c": "0001"}
    assert list(kind.draft({"c": "2", "b": "y", "a": "x"}).identifier) == ["a", "b", "c"]
    with pytest.raises(NotificationError, match="needs the key 'a'"):
        kind.draft({"b": "y"})
    with pytest.raises(NotificationError, match="has no key 'bb'. Did you mean 'b'"):
        kind.draft({"a": "x", "bb": "y"})


@pytest.mark.parametrize(
    ("payload", "options", "message"),
    [
        (None, {"required": True}, "needs a payload"),
        ([1], {"type": "object"}, r"type 'array'. It must be of type object"),
        (float("nan"), {}, "nothing that JSON can hold"),
        (object(), {}, "nothing that JSON can hold"),
        ("\ud800", {}, "nothing that JSON can hold"),
    ],
)
def test_a_payload_that_cannot_be_is_refused(payload, options, message):
    kind = load_event_types({"t": {"identifier": {"a": "string"}, "payload": options}})["t"]
    with pytest.raises(NotificationError, match=message):
        kind.draft({"a": "x"}, payload)


@pytest.mark.parametrize("payload", [None, {"a": [1]}, "text", 3, 2.5, True, []])
def test_any_json_is_a_payload(payload):
    kind = load_event_types({"t": {"identifier": {"a": "string"}}})["t"]
    assert kind.draft({"a": "x"}, payload).payload == payload


def test_lengths_of_time_are_read():
    for text, expected in {"7d": 7 * 24, "48 h": 48, "1d 12h": 36, "90 minutes": 1.5, "1w": 168}.items():
        kind = load_event_types({"t": {"identifier": {"a": "string"}, "retention": {"age": text}}})["t"]
        assert kind.retention.age == timedelta(hours=expected)
