"""Connections that are kept: used again, never twice at a time, and left when the server or a fork has ended them."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dtedask.core.errors import ServerError, SettingError
from dtedask.notify.client import NotifyClient
from dtedask.notify.client.short import LostError, NotSentError, ShortRequests
from tests.notify.servers import HttpServer, http_server, make_authority

OK = json.dumps({"notification_id": "free@7", "request_id": "r", "processed_at": "2024-06-03T00:00:00Z"}).encode()


class Counting(HttpServer):
    """Remembers from which port each request came."""

    def __init__(self, context=None):
        self.ports = []
        super().__init__(context)

    def handle(self, request):
        self.ports.append(request.client_address[1])
        super().handle(request)


@pytest.fixture
def server():
    found = Counting()
    yield found
    found.stop()


def test_a_connection_is_used_again(server):
    requests = ShortRequests(server.url, None, 5)
    for _ in range(5):
        assert requests.ask("POST", "/x?y=1", b"{}", {"A": "b"}).status == 200
    assert len(set(server.ports)) == 1
    requests.close()
    assert requests.is_closed
    with pytest.raises(ServerError, match="is closed"):
        requests.ask("GET", "/", None, {})


def test_threads_never_share_a_connection(server):
    requests = ShortRequests(server.url, None, 5)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: requests.ask("POST", f"/{n}", b"x" * 1000, {}), range(200)))
    assert all(one.status == 200 for one in answers)
    assert sorted(path for _, path, *_ in server.requests) == sorted(f"/{n}" for n in range(200))
    assert len(set(server.ports)) <= 8
    requests.close()


def test_a_connection_that_the_server_has_ended_is_left(server):
    requests = ShortRequests(server.url, None, 5)
    for _ in range(3):
        server.says.append((200, {"Connection": "close"}, b"bye"))
        assert requests.ask("POST", "/", b"{}", {}).body == b"bye"
    assert len(set(server.ports)) == 3
    requests.close()


def test_what_was_not_sent_is_told_from_what_was_lost(server):
    requests = ShortRequests(server.url, None, 0.3)
    go_on = threading.Event()
    server.says.append(go_on)
    with pytest.raises(LostError, match="timed out"):
        requests.ask("POST", "/", b"{}", {})
    go_on.set()
    server.stop()
    with pytest.raises(NotSentError, match="refused"):
        ShortRequests(server.url, None, 1).ask("POST", "/", b"{}", {})


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_takes_connections_of_its_own(server):
    requests = ShortRequests(server.url, None, 5)
    requests.ask("GET", "/", None, {})
    child = os.fork()
    if not child:
        status = 1
        try:
            status = 0 if requests.ask("GET", "/child", None, {}).status == 200 else 1
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    requests.ask("GET", "/", None, {})
    first, other, last = server.ports
    assert first == last != other
    requests.close()


def test_a_proxy_of_the_environment_is_asked(server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url.replace("http://", "http://me:pass%21@"))
    monkeypatch.delenv("no_proxy", raising=False)
    requests = ShortRequests("http://elsewhere.example/base", None, 5)
    requests.ask("POST", "/api", b"{}", {})
    method, path, headers, _ = server.requests[0]
    assert (method, path) == ("POST", "http://elsewhere.example/base/api")
    assert headers["Host"] == "elsewhere.example"
    assert headers["Proxy-Authorization"] == "Basic bWU6cGFzcyE="
    requests.close()


@pytest.mark.slow
def test_certificates_are_verified_for_requests_and_streams(tmp_path, monkeypatch):
    bundle, context = make_authority(tmp_path)
    monkeypatch.setenv("TOKEN", "t0p")
    with http_server(context) as server:
        server.says.append((200, {}, OK))
        with NotifyClient(server.url, auth="bearer:TOKEN", ca_bundle=str(bundle)) as client:
            assert client.send("free").id == "free@7"
            with pytest.raises(ServerError, match="is no server of notices"):
                next(client.watch("free"))  # the answer is no stream, but it came
        assert [headers["Authorization"] for _, _, headers, _ in server.requests] == ["Bearer t0p"] * 2
        with NotifyClient(server.url, auth="bearer:TOKEN") as client:
            for ask in (lambda: client.send("free"), lambda: next(client.watch("free"))):
                with pytest.raises(ServerError, match="CERTIFICATE_VERIFY_FAILED"):
                    ask()
        assert len(server.requests) == 2
    with pytest.raises(SettingError, match=r"The certificates '.*none.pem' cannot be read"):
        NotifyClient(server.url, ca_bundle=str(tmp_path / "none.pem"))
