"""ECMWF's own client, unchanged."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from itertools import islice
from pathlib import Path

import pyaviso
import pytest

AVISO = Path(sys.executable).with_name("aviso")


@pytest.fixture
def client(url):
    return pyaviso.AvisoClient(base_url=url, timeout=10)


@pytest.fixture
def listening(client):
    """Listen in a thread; gives a function that waits for so many notifications."""
    opened = []

    def listen(count, *arguments, **options):
        iterator = client.listen(*arguments, **options)
        opened.append(iterator)
        found = []
        thread = threading.Thread(target=lambda: found.extend(islice(iterator, count)), daemon=True)
        thread.start()

        def wait():
            thread.join(20)
            assert not thread.is_alive(), f"only {len(found)} of {count} came"
            return found

        return wait

    yield listen
    for iterator in opened:
        iterator.close()


def until_streams(url, count):
    """Wait until so many streams are open: `listen` returns before its request has come."""
    import httpx

    for _ in range(2000):
        lines = httpx.get(f"{url}/metrics").text.splitlines()
        if sum(float(one.split()[-1]) for one in lines if one.startswith("dtedask_notify_streams_active{")) >= count:
            return
    raise AssertionError(f"{count} streams were not opened")


def send(client, count, begin=0):
    return [client.notify(event_type="free", identifier={"a": str(begin + number)}) for number in range(count)]


def test_what_is_sent_is_heard_with_its_payload(client, url, listening):
    wait = listening(1, "flight", filter={"country": "italy"})
    until_streams(url, 1)
    client.notify(event_type="flight", identifier={"country": "france", "number": 1})
    answer = client.notify(event_type="flight", identifier={"country": "italy", "number": 3}, payload={"gate": [1, 2]})
    assert answer.status == "success"
    assert answer.request_id
    assert answer.processed_at.endswith("Z")
    (heard,) = wait()
    assert (heard.event_type, heard.sequence) == ("flight", 2)
    assert heard.identifier == {"country": "italy", "number": "3"}
    assert heard.payload == {"gate": [1, 2]}
    event = heard.cloudevent
    assert (event["specversion"], event["id"], event["type"]) == ("1.0", "flight@2", "int.ecmwf.aviso.flight")
    assert event["source"] == url


def test_many_are_sent_at_once_and_each_has_its_own_outcome(client):
    some = [{"event_type": "free", "identifier": {"a": str(number)}} for number in range(200)]
    some[7] = {"event_type": "free", "identifier": {"b": "no such key"}}
    results = client.notify_many(some, concurrency=16)
    assert [one.index for one in results if not one.ok] == [7]
    assert results[7].error.status == 400
    with client.listen("free", start_from=0, mode="replay_only") as found:
        assert sorted(int(one.identifier["a"]) for one in found) == [one for one in range(200) if one != 7]


def test_history_is_replayed_between_numbers_and_times(client):
    send(client, 5)
    with client.listen("free", start_from=0, mode="replay_only") as found:
        every = list(found)
    assert [one.sequence for one in every] == [1, 2, 3, 4, 5]
    with client.listen("free", start_from=2, until=4, mode="replay_only") as found:
        assert [one.sequence for one in found] == [3, 4]
    third = every[2].cloudevent["time"]
    with client.listen("free", start_from=third, mode="replay_only") as found:
        assert [one.sequence for one in found] == [3, 4, 5]
    with client.listen("free", start_from=0, until=third, mode="replay_only") as found:
        assert [one.sequence for one in found] == [1, 2, 3]


def test_history_goes_on_live_without_gap_or_repeat(client, url, listening):
    send(client, 3)
    wait = listening(6, "free", start_from=1)
    until_streams(url, 1)
    send(client, 4, begin=3)
    assert [one.sequence for one in wait()] == [2, 3, 4, 5, 6, 7]


def test_filters_with_operators_choose(client):
    for number in range(6):
        client.notify(event_type="flight", identifier={"country": "italy", "number": number})
    wanted = {"country": {"in": ["italy", "spain"]}, "number": {"between": [2, 4]}}
    with client.listen("flight", filter=wanted, start_from=0, mode="replay_only") as found:
        assert [one.identifier["number"] for one in found] == ["2", "3", "4"]


def test_polygons_and_points_choose(client):
    here, there = "(10,10,10,20,20,20,20,10,10,10)", "(50,50,50,60,60,60,60,50,50,50)"
    client.notify(event_type="storm", identifier={"polygon": here, "name": "here"})
    client.notify(event_type="storm", identifier={"polygon": there, "name": "there"})
    for wanted in ({"point": "15,15"}, {"polygon": "(15,15,15,30,30,30,15,15)"}):
        with client.listen("storm", filter=wanted, start_from=0, mode="replay_only") as found:
            assert [one.identifier["name"] for one in found] == ["here"]


def test_event_types_are_described(client):
    catalog = client.schema()
    assert {"flight", "free", "storm"} <= set(catalog.event_types)
    assert catalog.total_schemas == len(catalog.event_types)
    one = client.schema_for("flight")
    assert one.event_type == "flight"
    assert one.schema == catalog.schema["flight"]
    assert one.schema["identifier"]["country"]["required"] is True


def test_an_administrator_deletes_one_and_wipes_all(client):
    send(client, 4)
    client.delete_notification("free@2")
    with client.listen("free", start_from=2, mode="replay_only") as found:
        assert [one.sequence for one in found] == [3, 4]
    client.wipe_stream("FREE")
    client.notify(event_type="free", identifier={"a": "new"})
    with client.listen("free", start_from=4, mode="replay_only") as found:
        assert [one.sequence for one in found] == [5]
    client.wipe_all()
    with client.listen("free", start_from=5, mode="replay_only") as found:
        assert list(found) == []


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        (lambda c: c.notify(event_type="nothing", identifier={}), 400, "INVALID_NOTIFICATION_REQUEST"),
        (lambda c: c.notify(event_type="flight", identifier={"number": 1}), 400, "INVALID_NOTIFICATION_REQUEST"),
        (lambda c: next(c.listen("nothing")), 400, "INVALID_WATCH_REQUEST"),
        (lambda c: next(c.listen("flight")), 400, "INVALID_WATCH_REQUEST"),
        (lambda c: c.schema_for("nothing"), 404, "UNKNOWN_EVENT_TYPE"),
        (lambda c: c.delete_notification("free@99"), 404, "NOTIFICATION_NOT_FOUND"),
        (lambda c: c.delete_notification("free"), 400, "INVALID_NOTIFICATION_ID"),
        (lambda c: c.wipe_stream("nothing"), 404, "UNKNOWN_EVENT_TYPE"),
    ],
)
def test_errors_are_what_the_client_expects(client, call, status, code):
    with pytest.raises(pyaviso.HttpError, match=code) as caught:
        call(client)
    assert caught.value.status == status
    assert caught.value.request_id == json.loads(caught.value.body)["request_id"]


def test_more_history_than_allowed_is_a_gap_for_the_client(serving):
    with serving(replay_limit=3) as url:
        client = pyaviso.AvisoClient(base_url=url)
        send(client, 5)
        with client.listen("free", start_from=0) as found:
            assert [one.sequence for one in islice(found, 3)] == [1, 2, 3]
            with pytest.raises(pyaviso.HistoryGapError, match="replay_limit") as caught:
                next(found)
            assert caught.value.max_allowed == 3


@pytest.mark.slow
def test_a_watch_that_is_closed_for_its_age_goes_on_where_it_was(serving):
    with serving(max_duration_s=0.3) as url:
        client = pyaviso.AvisoClient(base_url=url)
        with client.listen("free", start_from=0) as found:
            heard = []
            for number in range(4):
                send(client, 2, begin=2 * number)
                heard += [one.sequence for one in islice(found, 2)]
                opened = _opened(url)
                while _opened(url) == opened:
                    pass
        assert heard == list(range(1, 9))


def _opened(url):
    import httpx

    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return next(float(one.split()[-1]) for one in lines if one.startswith("dtedask_notify_streams_opened_total{"))


def test_a_listener_resumes_from_its_state_file(url, tmp_path):
    def client():
        store = pyaviso.JsonFileStore(tmp_path / "state.json")
        return pyaviso.AvisoClient(base_url=url, state_store=store, flush_cursor_on_exit=True)

    send(client(), 2)
    with client().listen("free", start_from=0) as found:
        assert [one.sequence for one in islice(found, 2)] == [1, 2]
    send(client(), 2, begin=2)  # while nobody listens
    with client().listen("free") as found:
        assert [one.sequence for one in islice(found, 2)] == [3, 4]


def test_the_asynchronous_client_works_too(url):
    async def talk():
        client = pyaviso.AsyncAvisoClient(base_url=url)
        for number in range(3):
            await client.notify(event_type="free", identifier={"a": str(number)})
        return [one.sequence async for one in client.listen("free", start_from=0, mode="replay_only")]

    assert asyncio.run(talk()) == [1, 2, 3]


def aviso(url, *words, folder):
    environment = {**os.environ, "HOME": str(folder), "AVISO_BASE_URL": url}
    return subprocess.run(
        [AVISO, "--json", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=30
    )


@pytest.mark.slow
def test_the_command_aviso_works_too(url, tmp_path):
    for number in range(3):
        done = aviso(url, "notify", f"event=free,a={number}", folder=tmp_path)
        assert done.returncode == 0, done.stderr
    listed = aviso(url, "schema", "list", folder=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "flight" in listed.stdout
    replayed = aviso(url, "replay", "--event", "free", "--identifiers", "{}", "--from", "0", folder=tmp_path)
    assert replayed.returncode == 0, replayed.stderr
    assert [json.loads(line)["sequence"] for line in replayed.stdout.splitlines()] == [1, 2, 3]
    assert aviso(url, "admin", "delete", "free@2", "--yes", folder=tmp_path).returncode == 0
    assert aviso(url, "admin", "wipe-all", "--yes", folder=tmp_path).returncode == 0
