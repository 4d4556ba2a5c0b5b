"""The client against a server that misbehaves as real ones do: no gap, no repeat, and errors that say what to do."""

from __future__ import annotations

import base64
import threading
import time
from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import (
    ForbiddenError,
    NotificationError,
    ServerError,
    SettingError,
    UnauthorizedError,
    UnknownEventTypeError,
)
from dtedask.notify.client import Basic, Bearer, NotifyClient, read_auth
from dtedask.notify.client.cursor import Cursor
from dtedask.notify.notification import Draft
from tests.notify.client.scripted import (
    COMPLETED,
    CUT,
    HEARTBEAT,
    LIMIT,
    SILENT,
    STARTED,
    closing,
    established,
    frame,
    live,
    replayed,
    scripted_server,
)

OK = (
    200,
    {"status": "success", "request_id": "r", "processed_at": "2024-06-03T00:00:00Z", "notification_id": "free@7"},
)


@pytest.fixture
def server():
    with scripted_server() as found:
        yield found


@pytest.fixture
def client(server):
    with NotifyClient(server.url, timeout_s=5) as found:
        yield found


def numbers(stream, count=None):
    return [found.sequence for found in islice(stream, count)]


def test_a_notification_is_sent_as_it_is(server, client):
    server.says += [OK, OK]
    sent = client.send("free", {"a": "1"}, {"note": 1})
    assert (sent.id, sent.request_id, sent.time) == ("free@7", "r", datetime(2024, 6, 3, tzinfo=UTC))
    client.send("free")
    assert [request[:2] for request in server.requests] == [("POST", "/api/v1/notification")] * 2
    assert server.requests[0][3] == {"event_type": "free", "identifier": {"a": "1"}, "payload": {"note": 1}}
    assert server.requests[1][3] == {"event_type": "free", "identifier": {}}


def test_many_are_sent_in_order_or_several_at_a_time(server, client):
    drafts = [Draft("free", {"a": str(number)}) for number in range(12)]
    server.says += [OK] * 24
    assert len(client.send_many(drafts)) == 12
    assert [asked["identifier"]["a"] for *_, asked in server.requests] == [str(number) for number in range(12)]
    assert len(client.send_many(drafts, threads=4)) == 12


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        (
            400,
            {"code": "INVALID_NOTIFICATION_REQUEST", "message": "number is 'x'."},
            NotificationError,
            "number is 'x'.",
        ),
        (401, {"message": "Who are you?"}, UnauthorizedError, "says 401 .*Who are you"),
        (403, {"message": "You may not."}, ForbiddenError, "says 403 .*You may not"),
        (404, {"code": "UNKNOWN_EVENT_TYPE", "message": "There is no 'fligt'."}, UnknownEventTypeError, "no 'fligt'"),
        (500, {"message": "The disk is full."}, ServerError, "says 500 .*The disk is full.*log of the server"),
        (404, b"<html>", ServerError, "says 404 .*<html>"),
    ],
)
def test_errors_of_the_server_are_ours_with_its_words(server, client, status, body, error, message):
    server.says += [(status, body), (status, body)]
    with pytest.raises(error, match=message):
        client.send("free", {"a": "1"})
    with pytest.raises(error, match=message):
        next(client.watch("free"))
    assert len(server.requests) == 2


@pytest.mark.slow
def test_what_was_not_taken_is_sent_again_and_what_may_have_been_taken_is_not(server, client):
    busy = (503, {"message": "later"}, {"Retry-After": "0"})
    server.says += [busy, busy, OK]
    assert client.send("free").id == "free@7"
    server.says += [busy, busy, busy]
    with pytest.raises(ServerError, match="says 503"):
        client.send("free")
    before = len(server.requests)
    server.says += [[CUT]]
    with pytest.raises(ServerError, match="was lost before it answered.*not known whether it took"):
        client.send("free")
    assert len(server.requests) == before + 1


@pytest.mark.slow
def test_a_server_that_is_not_there_is_named(server):
    server.stop()
    with NotifyClient(server.url) as client:
        with pytest.raises(ServerError, match=r"cannot be reached.*`dtedask notify serve`"):
            client.send("free")
        with pytest.raises(ServerError, match="cannot be reached"):
            next(client.watch("free"))


@pytest.mark.slow
def test_a_watch_that_is_cut_goes_on_behind_the_last_notification(server, client):
    server.says += [
        [established(), live(3), live(4), CUT],
        [STARTED, replayed(5), COMPLETED, live(6), closing("max_duration_reached")],
        [STARTED, replayed(6), replayed(8), closing("server_shutdown")],
        [CUT],
        (503, {"message": "starting"}),
        [STARTED, COMPLETED, live(9), SILENT],
    ]
    assert numbers(client.watch("free", {"a": "1"}), 6) == [3, 4, 5, 6, 8, 9]
    assert server.asked() == [{}, *[{"from_id": number} for number in ("5", "7", "9", "9", "9")]]


@pytest.mark.slow
def test_a_watch_that_is_cut_before_its_first_notification_loses_nothing(server, client):
    server.says += [[established(sequence=41), CUT], [STARTED, replayed(42), SILENT]]
    assert numbers(client.watch("free"), 1) == [42]
    assert server.asked() == [{}, {"from_id": "42"}]
    server.says += [[established(), CUT], [STARTED, replayed(42), SILENT]]
    assert numbers(client.watch("free"), 1) == [42]
    assert server.asked()[-1] == {"from_date": "2024-06-03T00:00:00Z"}
    server.says += [[STARTED, CUT], [STARTED, replayed(42), SILENT]]
    assert numbers(client.watch("free", from_date=datetime(2020, 1, 1, tzinfo=UTC)), 1) == [42]
    assert server.asked()[-2:] == [{"from_date": "2020-01-01T00:00:00.000000Z"}] * 2


@pytest.mark.slow
def test_a_server_that_falls_silent_is_left_for_a_new_connection(server):
    server.says += [[established(sequence=1), HEARTBEAT, SILENT], [STARTED, replayed(2), SILENT]]
    with NotifyClient(server.url, silence_s=0.3) as client:
        assert numbers(client.watch("free"), 1) == [2]
    assert server.asked()[-1] == {"from_id": "2"}


@pytest.mark.slow
def test_a_replay_ends_and_goes_on_where_it_was_cut_or_limited(server, client):
    server.says += [
        [STARTED, replayed(1), replayed(2), LIMIT, closing("end_of_stream")],
        [STARTED, replayed(3), CUT],
        [STARTED, replayed(5), COMPLETED, closing("end_of_stream")],
    ]
    assert numbers(client.replay("free", to_id=9)) == [1, 2, 3, 5]
    assert server.asked() == [{"from_id": "1"}, {"from_id": "3"}, {"from_id": "4"}]
    assert all(asked["to_id"] == "9" for *_, asked in server.requests)


def test_a_stream_can_be_stopped_while_it_waits(server, client):
    stop = threading.Event()
    server.says += [[established(), live(1), SILENT]]
    heard, first = [], threading.Event()

    def listen():
        for found in client.watch("free", stop=stop):
            heard.append(found.sequence)
            first.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert first.wait(10)
    begin = time.monotonic()
    stop.set()
    thread.join(10)
    assert (heard, thread.is_alive()) == ([1], False)
    assert time.monotonic() - begin < 5
    assert len(server.requests) == 1


def test_a_stream_that_fails_or_cannot_be_read_is_an_error(server, client):
    server.says += [[established(), frame("error", message="the disk is gone")]]
    with pytest.raises(ServerError, match="The stream of 'free' failed: the disk is gone"):
        next(client.watch("free"))
    server.says += [[established(), b"event: live-notification\ndata: {no json\n\n"]]
    with pytest.raises(ServerError, match="is not JSON: '{no json'"):
        next(client.watch("free"))
    server.says += [[established(), frame("live-notification", specversion="1.0", id="free@x", data={})]]
    with pytest.raises(ServerError, match="a notification that cannot be read"):
        next(client.watch("free"))
    server.says += [(200, {"hello": 1})]
    with pytest.raises(ServerError, match="is no server of notices"):
        next(client.watch("free"))


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3), st.booleans()), max_size=30), st.integers(1, 50))
def test_however_often_a_stream_is_cut_each_notification_is_told_once_and_in_order(cuts, count):
    log = list(range(1, count + 1))
    cursor = Cursor("free", is_replay=False, start={"from_id": "1"})
    told = []
    for length, again, is_limited in [*cuts, (count, 0, False)]:
        begin = int(cursor.ask()["from_id"])
        for number in [*range(max(1, begin - again), begin), *log[begin - 1 :][:length]]:
            text = replayed(number).decode().split("data: ")[1]
            found = cursor.handle("replay", text)
            told += [found.sequence] if found else []
        if is_limited:
            cursor.handle("replay-control", '{"type": "notification_replay_limit_reached"}')
    assert told == log


def test_the_administrator_deletes_and_wipes(server, client):
    done = {"success": True, "message": "3 notifications of free are deleted."}
    gone = {"success": False, "message": "There is no notification 'free@3'.", "code": "NOTIFICATION_NOT_FOUND"}
    server.says += [(200, done), (404, gone), (200, done), (200, done), (200, {"schema": {"identifier": {}}})]
    assert client.delete("free@3")
    assert not client.delete("free@3")
    assert client.wipe("free") == done["message"]
    client.wipe()
    assert client.schema("free") == {"identifier": {}}
    assert [request[:2] for request in server.requests] == [
        ("DELETE", "/api/v1/admin/notification/free@3"),
        ("DELETE", "/api/v1/admin/notification/free@3"),
        ("DELETE", "/api/v1/admin/wipe/stream"),
        ("DELETE", "/api/v1/admin/wipe/all"),
        ("GET", "/api/v1/schema/free"),
    ]
    assert server.requests[2][3] == {"stream_name": "free"}


def test_credentials_come_from_the_environment_and_are_in_no_message(server, monkeypatch, caplog):
    caplog.set_level("DEBUG")
    monkeypatch.setenv("MY_TOKEN", "t0p-secret")
    monkeypatch.setenv("MY_USER", "me")
    server.says += [OK, OK, (401, {"message": "no"})]
    texts = []
    for auth in ("bearer:$MY_TOKEN", Basic("MY_USER", "MY_TOKEN"), "bearer:MY_TOKEN"):
        with NotifyClient(server.url, auth=auth) as client:
            texts.append(repr(client))
            try:
                client.send("free")
            except UnauthorizedError as error:
                texts.append(str(error))
    found = [headers["Authorization"] for _, _, headers, _ in server.requests]
    basic = base64.b64encode(b"me:t0p-secret").decode()
    assert found == ["Bearer t0p-secret", f"Basic {basic}", "Bearer t0p-secret"]
    assert not [text for text in [*texts, caplog.text, repr(Bearer("MY_TOKEN"))] if "t0p" in text or basic in text]
    monkeypatch.delenv("MY_TOKEN")
    missing = pytest.raises(UnauthorizedError, match="The environment variable 'MY_TOKEN' is not set. Set MY_TOKEN")
    with NotifyClient(server.url, auth="bearer:MY_TOKEN") as client, missing:
        client.send("free")


@pytest.mark.parametrize("text", ["bearer:a b", "t0p-secret", "basic:A", "digest:A:B"])
def test_credentials_that_are_none_are_refused_and_not_repeated(text):
    with pytest.raises(SettingError, match=r"Write bearer:\$TOKEN or basic:\$USER:\$PASSWORD") as caught:
        read_auth(text)
    assert text not in str(caught.value)
    assert read_auth("none") is None


@pytest.mark.parametrize(
    ("url", "auth", "message"),
    [
        ("ftp://x", None, "'ftp://x' is no server"),
        ("http://me:word@x", None, "holds a password"),
        ("http://elsewhere.example", "bearer:T", "Credentials would go to http://elsewhere.example for all to read"),
    ],
)
def test_addresses_that_would_tell_a_secret_are_refused(url, auth, message):
    with pytest.raises(SettingError, match=message):
        NotifyClient(url, auth=auth)


def test_a_start_is_a_number_or_a_time(client):
    with pytest.raises(NotificationError, match="Both from_id and from_date"):
        client.watch("free", from_id=1, from_date=datetime.now(UTC))
    with pytest.raises(NotificationError, match="It cannot be sent as JSON"):
        client.send("free", {"a": float("nan")})
