"""Our client and the server: what is sent comes back, to everyone, whatever is cut in between."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice

import pytest

from dtedask.core.errors import NotificationError, UnknownEventTypeError
from dtedask.notify.client import NotifyClient, RemoteLog
from dtedask.notify.event_log import EventLog
from dtedask.notify.event_types import load_event_types
from dtedask.notify.streams import open_streams
from dtedask.serve.notify import running
from dtedask.testing import EventLogSuite
from tests.serve.notify.cutting import CuttingProxy


@pytest.fixture
def client(url):
    with NotifyClient(url) as found:
        yield found


@pytest.mark.slow
def test_what_is_sent_is_replayed_and_deleted(client):
    sent = [client.send("flight", {"country": "italy", "number": number}, {"n": number}) for number in (1, 2, 3)]
    assert [one.id for one in sent] == ["flight@1", "flight@2", "flight@3"]
    found = list(client.replay("flight", {"country": "italy", "number": {"gte": 2}}))
    assert [(one.id, one.payload) for one in found] == [("flight@2", {"n": 2}), ("flight@3", {"n": 3})]
    assert client.delete("flight@2")
    assert not client.delete("flight@2")
    assert [one.sequence for one in client.replay("flight", {"country": "italy"}, from_id=2)] == [3]
    assert list(client.replay("flight", {"country": "italy"}, to_date=datetime(2020, 1, 1, tzinfo=UTC))) == []
    assert client.wipe("flight")
    assert list(client.replay("flight", {"country": "italy"})) == []


def test_the_words_of_the_server_come_through(client):
    with pytest.raises(NotificationError, match=r"There is no event type 'fligt'.*Did you mean 'flight'"):
        client.send("fligt", {})
    with pytest.raises(NotificationError, match="country"):
        client.send("flight", {"number": 1})
    with pytest.raises(NotificationError, match="country"):
        next(client.watch("flight"))
    with pytest.raises(UnknownEventTypeError, match="fligt"):
        client.schema("fligt")
    assert set(client.schema()) >= {"flight", "free"}
    assert client.schema("flight")["identifier"]["country"]["required"] is True


@pytest.mark.slow
def test_a_watch_lives_through_every_end_of_its_connection(serving):
    with serving(max_duration_s=0.3, heartbeat_s=0.1) as url, NotifyClient(url) as client:
        heard = client.watch("free")
        numbers = []
        thread = threading.Thread(target=lambda: numbers.extend(one.sequence for one in islice(heard, 60)))
        thread.start()
        while _streams(url) < 1:
            pass
        for number in range(60):
            client.send("free", {"a": str(number)})
            time.sleep(0.01)  # the connection ends about four times meanwhile
        thread.join(20)
    assert numbers == list(range(1, 61))


@pytest.mark.slow
def test_a_connection_that_is_cut_and_back_loses_and_repeats_nothing(url):
    with CuttingProxy(url) as proxy, NotifyClient(proxy.url) as away, NotifyClient(url) as client:
        stop, numbers, is_all = threading.Event(), [], threading.Event()

        def listen():
            for one in away.watch("free", stop=stop):
                numbers.append(one.sequence)
                if one.sequence == 80:
                    is_all.set()

        thread = threading.Thread(target=listen)
        thread.start()
        _until(lambda: _streams(url) == 1)
        for number in range(80):
            client.send("free", {"a": str(number)})
            if number % 13 == 5:
                _until(lambda: proxy.is_used)
                proxy.is_away = number % 2 == 0
                proxy.cut()
            elif number % 13 == 9:
                proxy.is_away = False
        assert is_all.wait(60)
        stop.set()
        thread.join(20)
    assert proxy.cuts >= 6
    assert numbers == list(range(1, 81))


@pytest.mark.slow
def test_a_log_is_read_through_cuts_too(url):
    with CuttingProxy(url) as proxy, NotifyClient(proxy.url) as away, NotifyClient(url) as client:
        log, after, found = RemoteLog(away), 0, []
        for number in range(60):
            client.send("free", {"a": str(number)})
            if number % 7 == 3:
                proxy.cut()
            found += [one.sequence for one in log.page("free", after)]
            after = found[-1]
        seen = log.version()
        _until(lambda: log.version() != seen)
        proxy.cut()
        seen = log.version()
        client.send("free", {"a": "last"})
        _until(lambda: log.version() != seen)
        log.close()
    assert found == list(range(1, 61))


def test_a_watch_that_begins_in_the_past_goes_on_with_what_comes(client):
    for number in range(5):
        client.send("free", {"a": str(number)})
    heard = client.watch("free", from_id=3)
    assert [next(heard).sequence for _ in range(3)] == [3, 4, 5]
    client.send("free", {"a": "later"})
    assert next(heard).identifier == {"a": "later"}
    heard.close()


def _streams(url):
    import httpx

    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return sum(float(one.split()[-1]) for one in lines if one.startswith("dtedask_notify_streams_active{"))


@pytest.mark.slow
def test_the_log_of_a_server_says_when_it_has_changed(client):
    log = RemoteLog(client)
    assert isinstance(log, EventLog)
    seen = log.version()
    _until(lambda: log.version() != seen)  # the first answer counts as a change
    seen = log.version()
    client.send("free", {"a": "1"})
    _until(lambda: log.version() != seen)
    assert log.heads()["free"] == 1
    log.close()


def _until(is_true):
    end = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.slow
def test_large_pages_are_cut_and_read_on(client):
    log = RemoteLog(client)
    for number in range(5):
        client.send("free", {"a": str(number)}, "x" * 3_000_000)
    assert [one.sequence for one in log.page("free", 0)] == [1, 2, 3, 4, 5]
    assert [one.sequence for one in log.page("free", 1, limit=2, until=4)] == [2, 3]


TYPES = {
    name: {"identifier": {key: {"type": "string", "required": False} for key in ("country", "number", "n", "worker")}}
    for name in ("flight", "other")
}


class TestRemoteLog(EventLogSuite):
    """The log of a server is a log like any other; what it keeps is the server's own business."""

    test_trimming_keeps_the_last_ones = test_trimming_by_time_takes_what_is_older = None
    test_any_json_comes_back = None  # the event types say what may come

    @pytest.fixture(autouse=True)
    def _servers(self):
        with ExitStack() as stack:
            self.stack, self.urls = stack, {}
            yield

    def open(self, folder):
        if folder not in self.urls:
            streams = open_streams(None, load_event_types(TYPES), path=folder / "events.sqlite")
            self.urls[folder] = self.stack.enter_context(running(streams))
        return RemoteLog(self.stack.enter_context(NotifyClient(self.urls[folder])))
