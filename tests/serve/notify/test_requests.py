"""Bodies of requests: what is understood, and what is said of the others."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.serve.notify.problems import ProblemError
from dtedask.serve.notify.requests import read_notification, read_stream


def body(**fields):
    return json.dumps({"event_type": "flight", **fields}).encode()


@given(st.integers(0, 2**63 - 2))
def test_a_number_may_be_written_as_text_or_as_number(number):
    assert read_stream(body(from_id=number), "Watch").from_id == number
    assert read_stream(body(from_id=str(number)), "Watch").from_id == number


@given(st.integers(31_536_000, 220_000_000_000).map(lambda one: datetime.fromtimestamp(one, UTC)))
def test_a_time_without_zone_is_utc_and_seconds_and_milliseconds_are_understood(time):
    whole = time
    seconds = round(whole.timestamp())
    for text in (f"{whole:%Y-%m-%dT%H:%M:%SZ}", f"{whole:%Y-%m-%d %H:%M:%S}", f"{whole:%Y-%m-%dT%H:%M:%S}"):
        assert read_stream(body(from_date=text), "Watch").from_date == whole
    if seconds < 10**11:
        assert read_stream(body(from_date=str(seconds)), "Watch").from_date == whole
    if seconds >= 10**9:
        assert read_stream(body(from_date=seconds * 1000), "Watch").from_date == whole


@pytest.mark.parametrize(
    ("fields", "kind", "said"),
    [
        ({"from_id": 1, "from_date": "2026-01-01"}, "Watch", "Both from_id and from_date"),
        ({"from_id": 1, "to_id": 2, "to_date": "2026-01-01"}, "Replay", "Both to_id and to_date"),
        ({}, "Replay", "Neither from_id nor from_date"),
        ({"to_id": 3}, "Watch", "A watch has no end"),
        ({"from_id": 3, "to_id": 2}, "Replay", "to_id 2 lies before from_id 3"),
        ({"from_date": "2026-01-02", "to_date": "2026-01-01"}, "Replay", "lies before from_date"),
        ({"from_id": -1}, "Watch", "from_id is -1"),
        ({"from_id": True}, "Watch", "from_id is True"),
        ({"from_id": "٣"}, "Watch", "whole number"),
        ({"from_id": 2**63}, "Watch", "whole number"),
        ({"from_id": "9" * 5000}, "Watch", "whole number"),
        ({"from_date": "yesterday"}, "Watch", "from_date is 'yesterday'"),
        ({"from_date": "9" * 40}, "Watch", "must be a time"),
        ({"from_date": []}, "Watch", "must be a time"),
    ],
)
def test_where_a_stream_begins_and_ends_must_make_sense(fields, kind, said):
    with pytest.raises(ProblemError, match=said) as caught:
        read_stream(body(**fields), kind)
    assert caught.value.status == 400
    assert caught.value.code == f"INVALID_{kind.upper()}_REQUEST"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "INVALID_JSON"),
        (b"{", "INVALID_JSON"),
        (b"\xff", "INVALID_JSON"),
        (b'{"event_type": "flight", "payload": NaN}', "INVALID_JSON"),
        (b"[" * 100_000, "INVALID_JSON"),
        (b"[]", "INVALID_REQUEST_SHAPE"),
        (b"null", "INVALID_REQUEST_SHAPE"),
        (b"{}", "INVALID_REQUEST_SHAPE"),
        (b'{"event_type": 3}', "INVALID_REQUEST_SHAPE"),
        (b'{"event_type": ""}', "INVALID_REQUEST_SHAPE"),
        (b'{"event_type": "flight", "identifier": []}', "INVALID_REQUEST_SHAPE"),
        (b'{"event_type": "flight", "identifer": {}}', "UNKNOWN_FIELD"),
    ],
)
def test_what_is_no_request_is_told_apart(text, code):
    with pytest.raises(ProblemError, match=r"[.?]$") as caught:
        read_notification(text)
    assert caught.value.code == code


def test_an_unknown_field_is_named_with_the_nearest_one():
    with pytest.raises(ProblemError, match=r"'identifer'. Did you mean 'identifier'"):
        read_stream(body(identifer={}), "Watch")


@given(st.binary(max_size=200))
def test_no_body_makes_anything_but_a_request_or_a_problem(text):
    for read in (read_notification, lambda one: read_stream(one, "Watch"), lambda one: read_stream(one, "Replay")):
        try:
            read(text)
        except ProblemError as problem:
            assert 400 <= problem.status < 500  # noqa: PT017
