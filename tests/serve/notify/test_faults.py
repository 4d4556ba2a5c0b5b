"""What goes wrong: servers that end or are killed, clients that do not read, many listeners; test_kills.py has more."""

import json
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import httpx
import pyaviso
import pytest

from dtedask.notify.event_types import load_event_types
from dtedask.notify.streams import open_streams
from dtedask.serve.notify import ServeOptions, running

DTEDASK = Path(sys.executable).with_name("dtedask")
EVENTS = "free: {identifier: {a: string}}\n"


@contextmanager
def process(folder, *words, port=0):
    """A server of its own, ended at the end whatever happened to it."""
    (folder / "events.yaml").write_text(EVENTS)
    command = [sys.executable, "-m", "dtedask", "notify", "serve", "--root", "data", "--schema", "events.yaml"]
    with subprocess.Popen(
        [*command, "--port", str(port), "--json", *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as server:  # fmt: skip
        try:
            line = server.stdout.readline()
            assert line, (server.stderr.read(), server.wait())
            yield server, json.loads(line)["url"]
        finally:
            if server.poll() is None:
                server.kill()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def send(url, count, begin=0):
    with httpx.Client(base_url=url) as client:
        for number in range(begin, begin + count):
            body = {"event_type": "free", "identifier": {"a": str(number)}}
            assert client.post("/api/v1/notification", json=body).status_code == 200


@pytest.mark.slow
def test_sigterm_tells_every_stream_and_ends_the_server(tmp_path, raw_at):
    with process(tmp_path) as (server, url):
        streams = [raw_at(url).ask("POST", "/api/v1/watch", {"event_type": "free"}) for _ in range(5)]
        told = [one.events() for one in streams]
        assert [next(one)[1]["type"] for one in told] == ["connection_established"] * 5
        server.send_signal(signal.SIGTERM)
        for one in told:
            (name, data), *rest = [event for event in one if event[0] != "heartbeat"]
            assert (name, data["reason"], rest) == ("connection-closing", "server_shutdown", [])
        assert server.wait(10) == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_server_that_is_killed_in_mid_replay_costs_no_event_and_repeats_none(tmp_path):
    cuts, a_cut, port, sequences = 30, 200, free_port(), []
    count = cuts * a_cut + 500
    large = "x" * 4000  # more than the buffers between server and client hold
    log = open_streams(tmp_path / "data", _types())
    log.append([_types()["free"].draft({"a": str(number)}, large) for number in range(count)])
    log.close()
    client = pyaviso.AvisoClient(base_url=f"http://127.0.0.1:{port}")
    with client.listen("free", start_from=0) as heard:
        for cut in range(cuts):
            with process(tmp_path, port=port) as (server, _):
                sequences += [one.sequence for one in islice(heard, a_cut)]
                server.kill()
                server.wait()
            assert sequences == list(range(1, len(sequences) + 1)), f"cut {cut}"
        with process(tmp_path, port=port):
            sequences += [one.sequence for one in islice(heard, count - len(sequences))]
    assert sequences == list(range(1, count + 1))


def _types():
    return load_event_types(EVENTS)


@pytest.mark.slow
def test_a_client_that_never_reads_holds_nobody_and_is_dropped(streams, types, raw_at):
    with running(streams, options=ServeOptions(write_timeout_s=5.0, heartbeat_s=0.5)) as url:
        deaf = raw_at(url, buffer=4096)
        deaf.ask("POST", "/api/v1/watch", {"event_type": "free", "from_id": 1})
        reader = raw_at(url).ask("POST", "/api/v1/watch", {"event_type": "free"}).events()
        assert next(reader)[1]["type"] == "connection_established"
        slowest, large = 0.0, "x" * 50_000
        for number in range(100):
            begin = time.perf_counter()
            body = {"event_type": "free", "identifier": {"a": str(number)}, "payload": large}
            assert httpx.post(f"{url}/api/v1/notification", json=body).status_code == 200
            name = ""
            while name != "live-notification":
                name, data = next(reader)
            assert data["id"] == f"free@{number + 1}"
            slowest = max(slowest, time.perf_counter() - begin)
        assert slowest < 5.0  # were others held, they would be until it is dropped
        deadline = time.monotonic() + 60
        while "dtedask_notify_streams_dropped_total 1.0" not in httpx.get(f"{url}/metrics").text:
            assert time.monotonic() < deadline, "it was never dropped"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_listeners_hear_every_event_soon(tmp_path):
    listeners, events = 1000, 30
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = listeners + 200
    if hard < needed:
        pytest.skip(f"needs {needed} open files, and {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    with process(tmp_path) as (_, url):
        sockets = [_watch(url) for _ in range(listeners)]
        try:
            delays = _fan_out(url, sockets, events)
        finally:
            for one in sockets:
                one.close()
    assert len(delays) == listeners * events
    assert sorted(delays)[int(0.99 * len(delays))] < 0.5


def _watch(url):
    host, port = url.removeprefix("http://").split(":")
    stream = socket.create_connection((host, int(port)), timeout=30)
    body = b'{"event_type":"free"}'
    stream.sendall(b"POST /api/v1/watch HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    assert b"connection_established" in stream.recv(4096)
    return stream


def _fan_out(url, sockets, events):
    """Send ten events a second; gives for each event and listener how long it took."""
    sent, delays = {}, []
    poll = select.epoll()
    by_number = {one.fileno(): one for one in sockets}
    for number in by_number:
        poll.register(number, select.EPOLLIN)

    def send_all():
        with httpx.Client(base_url=url) as client:
            begin = time.perf_counter()
            for number in range(events):
                time.sleep(max(0.0, begin + number / 10 - time.perf_counter()))
                sent[f"free@{number + 1}"] = time.perf_counter()
                client.post("/api/v1/notification", json={"event_type": "free", "identifier": {"a": "1"}})

    thread = threading.Thread(target=send_all)
    thread.start()
    deadline = time.monotonic() + events / 10 + 30
    while len(delays) < len(sockets) * events and time.monotonic() < deadline:
        for number, _ in poll.poll(1.0):
            data = by_number[number].recv(1 << 16)
            now = time.perf_counter()
            delays += [now - sent[part.partition(b'"')[0].decode()] for part in data.split(b'"id":"')[1:]]
    thread.join()
    poll.close()
    return delays
