"""A server that is killed again and again, while clients send, watch and replay and a process commits."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest

import dtedask
from dtedask.core.errors import ServerError
from dtedask.notify import events_of
from dtedask.notify.client import NotifyClient
from dtedask.notify.log import close_logs
from dtedask.notify.notification import Draft
from dtedask.notify.streams import open_streams
from dtedask.serve.notify import running
from tests.notify.streams.killed import CUBE, TYPES, archive
from tests.notify.streams.test_kills import KILLS, killed

BEFORE = 3000
DEADLINE_S = 60.0


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Clients:
    """Threads that send, watch, replay and commit, whatever becomes of the server, and what they saw."""

    def __init__(self, root, url):
        self.root, self.url = root, url
        self.acknowledged, self.watched, self.replays = {}, {"flight": [], "data": []}, []

    def send(self, stop):
        number, name = 0, threading.get_ident()
        with NotifyClient(self.url) as client:
            while not stop.is_set():
                number += 1
                try:
                    sent = client.send("flight", {"n": f"{name}-{number}"})
                except ServerError:
                    stop.wait(0.02)
                else:
                    self.acknowledged[sent.id] = f"{name}-{number}"

    def watch_flights(self, stop):
        self._watch("flight", stop)

    def watch_commits(self, stop):
        self._watch("data", stop)

    def _watch(self, event_type, stop):
        found = self.watched[event_type]
        with NotifyClient(self.url) as client:
            while not stop.is_set():
                try:
                    found.extend(client.watch(event_type, from_id=len(found) + 1, stop=stop))
                except ServerError:  # no server was there at all when it began
                    stop.wait(0.02)

    def replay(self, stop):
        with NotifyClient(self.url) as client:
            while not stop.is_set():
                try:
                    self.replays.append([one.sequence for one in client.replay("flight", from_id=1)])
                except ServerError:
                    stop.wait(0.02)

    def commit(self, stop):
        store, step = dtedask.open(self.root), 0
        while not stop.is_set():
            archive(store, step)
            store.flush()
            step += 1
            stop.wait(0.05)

    @contextmanager
    def working(self, *works):
        """Do some of it for the length of a block; what goes wrong in a thread is raised here."""
        stop, errors = threading.Event(), []

        def run(work):
            try:
                work(stop)
            except BaseException as error:
                errors.append(error)
                raise

        threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(DEADLINE_S)
        assert errors == []

    def wait_for(self, heads):
        end = time.monotonic() + DEADLINE_S
        while any(len(found) < heads[name] for name, found in self.watched.items()):
            assert time.monotonic() < end, {name: (len(found), heads[name]) for name, found in self.watched.items()}
            time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_server_that_is_killed_thirty_times_loses_repeats_and_forgets_nothing(tmp_path):
    port, root = free_port(), tmp_path / "root"
    (tmp_path / "port").write_text(str(port))
    root.mkdir()
    with open_streams(root, TYPES) as streams:
        streams.append([Draft("flight", {"n": f"before-{n}"}, "x" * 200) for n in range(BEFORE)])
    clients = Clients(root, f"http://127.0.0.1:{port}")
    with ExitStack() as last, clients.working(clients.watch_flights, clients.watch_commits):
        with clients.working(clients.send, clients.send, clients.send, clients.replay, clients.commit):
            rounds = sum(1 for _ in killed("served", tmp_path, 0.3))
            last.enter_context(running(open_streams(root, TYPES), root=str(root), port=port))
        with open_streams(root, TYPES) as streams:
            clients.wait_for(streams.heads())
    assert rounds == KILLS
    check(clients)
    close_logs()


def check(clients):
    """Each was acknowledged, watched and replayed once, in order, under one number."""
    flights, commits = clients.watched["flight"], clients.watched["data"]
    for found in (flights, commits):
        assert [one.sequence for one in found] == list(range(1, len(found) + 1)), "no gap and no repeat"
    assert len(clients.acknowledged) > KILLS
    assert clients.acknowledged.items() <= {one.id: one.identifier["n"] for one in flights}.items()
    expected = [event.id for commit in dtedask.open(clients.root).history(CUBE) for event in events_of(commit)]
    assert [one.payload["id"] for one in commits] == expected
    assert all(found == list(range(1, len(found) + 1)) for found in clients.replays)
    assert any(len(found) >= BEFORE for found in clients.replays)
