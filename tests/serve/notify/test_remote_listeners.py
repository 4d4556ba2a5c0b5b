"""Listeners on another host: what a server has is delivered once and in order, whatever is cut in between."""

from __future__ import annotations

import queue
import random
import socket
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from dtedask.core.commit import Change, Commit
from dtedask.core.errors import DocumentError, InvalidValueError, NotificationError, ServerError
from dtedask.notify import listen, open_log
from dtedask.notify.client import NotifyClient
from dtedask.notify.delivery import crew
from dtedask.notify.delivery.state import DeliveryState, server_state_path
from dtedask.notify.log import close_logs
from dtedask.notify.streams import open_streams
from dtedask.serve.notify import running

BEGIN = datetime(2024, 6, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def documents(function, **listener):
    trigger = {"type": "function", "function": function}
    return {"listeners": [{"name": "l", "event": "flight", "triggers": [trigger], **listener}]}


def send(url, *numbers, country="italy"):
    with NotifyClient(url) as client:
        for number in numbers:
            client.send("flight", {"country": country, "number": number})


class Cutter:
    """A proxy that lets bytes through, until it cuts all connections; `is_open` says whether it takes new ones."""

    def __init__(self, url):
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.is_open = True
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Cut what there is; both sides are told by a reset."""
        for one in self._sockets:
            _reset(one)
        self._sockets.clear()

    def close(self):
        self._listener.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self.is_open:
                _reset(client)
                continue
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _reset(one):
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def _copy(one, other):
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    _reset(other)


@contextmanager
def listening(document, url, **options):
    stop = threading.Event()
    with NotifyClient(url) as client:
        thread = threading.Thread(target=listen, args=(document, client), kwargs={"stop": stop, **options})
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(30)
            assert not thread.is_alive()


def test_a_listener_goes_on_where_it_was_and_asks_by_its_conditions(url):
    heard = []
    document = documents(heard.append, identifiers={"number": {"gte": 2}})
    send(url, 1, 2, 3)
    with NotifyClient(url) as client:
        assert listen(document, client, mode="catchup", once=True).events == 2
        assert listen(document, client, once=True).events == 0
        send(url, 4)
        listen(document, client, once=True)
        assert listen(document, client, begin="flight@1", end=2).events == 1
    assert [one.id for one in heard] == ["flight@2", "flight@3", "flight@4", "flight@2"]


def test_a_listener_hears_while_it_comes_and_begins_with_what_comes_from_now_on(url):
    heard = queue.Queue()
    send(url, 1)
    with listening(documents(lambda one: heard.put(one.identifier["number"])), url):
        with DeliveryState(server_state_path(url)) as state:
            while not state.cursors("l", "flight"):
                pass
        send(url, 2, 3)
        assert [heard.get(timeout=30), heard.get(timeout=30)] == ["2", "3"]


def test_what_the_server_does_not_know_is_a_mistake_in_the_document(url, tmp_path):
    file = tmp_path / "l.yaml"
    with NotifyClient(url) as client:
        for listener, expected in (
            ("event: flihgt", "has no event type 'flihgt'. Did you mean 'flight'?"),
            ("event: flight\n  identifiers: {numbr: 3}", "numbr"),
        ):
            file.write_text(f"listeners:\n- triggers: [{{type: echo}}]\n  {listener}\n")
            with pytest.raises(DocumentError, match=rf"l\.yaml:[34]: listeners\[0\].*{expected.split('.')[0]}"):
                listen(file, client, once=True)


def test_commits_of_a_root_on_another_host_are_heard_of_as_commits(tmp_path, types):
    root = tmp_path / "root"
    root.mkdir()
    request = (("class", "od"), ("step", "6"), ("param", "130"))
    commit = Commit(str(root), "od/oper/0001", "S", "", 1, BEGIN, changes=(Change("fc/pl/O96", "t", request, 1),))
    open_log(root).append([commit])
    heard = []
    with (
        open_streams(str(root), types) as streams,
        running(streams, root=str(root)) as url,
        NotifyClient(url) as client,
    ):
        for name, asked in (
            ("l", {"request": {"step": 6}}),
            ("m", {"request": {"step": 12}}),
            ("n", {"event": "mars"}),
        ):
            document = documents(heard.append, **{"event": "data", "name": name, **asked})
            listen(document, client, mode="catchup", once=True)
    assert heard == 2 * [*open_log(root).events()]
    close_logs()


def test_a_server_that_does_not_answer_is_an_error_once_and_waited_for_else(serving, monkeypatch):
    from dtedask.notify.delivery import remote

    monkeypatch.setattr(remote, "FIRST_WAIT_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with NotifyClient(f"http://127.0.0.1:{port}") as client, pytest.raises(ServerError, match="127.0.0.1"):
        listen(documents(print), client, once=True)


class WithoutLog:
    """Takes from a server what aviso-server does not have."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and scope["path"].startswith("/api/v1/log"):
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body"})
        else:
            await self.app(scope, receive, send)


@pytest.fixture
def plain_url(serving):
    with serving(options={"extend": lambda app: app.add_middleware(WithoutLog)}) as found:
        yield found


def test_a_server_without_a_log_in_pages_is_listened_to_by_its_watch(plain_url):
    heard = queue.Queue()
    document = documents(
        lambda one: heard.put(one.identifier["number"]), identifiers={"country": "italy", "number": {"gte": 2}}
    )
    send(plain_url, 1, 2)
    with NotifyClient(plain_url) as client:
        assert listen(document, client, once=True).events == 0
        send(plain_url, 3, 1)
        assert listen(document, client, once=True).events == 1
        assert listen(document, client, once=True).events == 0
        assert listen(document, client, begin=1, once=True).events == 2
        assert (
            listen(
                {**document, "listeners": [{**document["listeners"][0], "name": "m"}]},
                client,
                mode="catchup",
                once=True,
            ).events
            == 2
        )
        with pytest.raises(InvalidValueError, match="does not say where flight@2 is"):
            listen(document, client, end="flight@2", once=True)
    found = [heard.get(timeout=30) for _ in range(5)]
    assert found == ["3", "2", "3", "2", "3"]
    with listening(document, plain_url):
        send(plain_url, 4, 1, 5)
        assert [heard.get(timeout=30), heard.get(timeout=30)] == ["4", "5"]


def test_what_a_server_without_a_log_refuses_is_said(plain_url):
    with NotifyClient(plain_url) as client, pytest.raises(NotificationError, match="country"):
        listen(documents(print, identifiers={"number": 3}), client, mode="catchup", once=True)


@pytest.mark.slow
def test_a_watch_that_is_cut_loses_and_repeats_nothing(plain_url):
    proxy, heard = Cutter(plain_url), queue.Queue()
    document = documents(lambda one: heard.put(one.sequence), identifiers={"country": "italy"})
    with listening(document, proxy.url, mode="catchup"):
        for number in range(1, 6):
            send(plain_url, number)
            assert heard.get(timeout=60) == number
            proxy.cut()
    proxy.close()


@pytest.mark.slow
def test_a_connection_that_is_cut_thirty_times_loses_and_repeats_nothing(url, monkeypatch):
    monkeypatch.setattr(crew, "FIRST_PAUSE_S", 0.05)
    heard, chance = queue.Queue(), random.Random(4)
    proxy, found = Cutter(url), []
    document = documents(lambda one: heard.put(one.sequence), identifiers={"country": "italy"})
    with listening(document, proxy.url, mode="catchup"):
        for number in range(1, 31):
            send(url, number)
            send(url, number, country="peru")
            threading.Event().wait(chance.uniform(0, 0.05))
            proxy.is_open = chance.random() < 0.5
            proxy.cut()
            threading.Event().wait(chance.uniform(0, 0.05))
            proxy.is_open = True
            if chance.random() < 0.5:
                found.append(heard.get(timeout=60))
        send(url, 31)
        while not found or found[-1] != 61:
            found.append(heard.get(timeout=60))
    proxy.close()
    assert found == list(range(1, 62, 2))
