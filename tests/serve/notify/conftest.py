"""A real server in a thread, with a real log."""

import json
import socket
from contextlib import contextmanager

import pytest

from dtedask.notify.event_types import load_event_types
from dtedask.notify.streams import open_streams
from dtedask.serve.notify import ServeOptions, running

TYPES = {
    "flight": {
        "identifier": {"country": {"type": "string", "required": True}, "number": {"type": "integer"}},
        "payload": {"required": False},
    },
    "free": {"identifier": {"a": "string"}},
    "storm": {"identifier": {"polygon": {"type": "polygon", "required": False}, "name": "string"}},
}


@pytest.fixture
def types():
    return load_event_types(TYPES)


@pytest.fixture
def streams(types, tmp_path):
    log = open_streams(None, types, path=tmp_path / "events.sqlite")
    yield log
    log.close()


@pytest.fixture
def serving(streams):
    """Serve with other limits: a context manager that gives the URL."""

    @contextmanager
    def serve(log=streams, *, options=None, **limits):
        with running(log, options=ServeOptions(**limits), **(options or {})) as url:
            yield url

    return serve


@pytest.fixture
def url(serving):
    with serving() as found:
        yield found


class Raw:
    """One connection that speaks HTTP by hand."""

    def __init__(self, url, *, timeout_s=20.0, buffer=None):
        host, port = url.removeprefix("http://").split(":")
        self.socket = socket.socket()
        if buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(timeout_s)
        self.socket.connect((host, int(port)))
        self._rest = b""

    def ask(self, method, path, body=b"", *headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: here", f"Content-Length: {len(data)}", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode() + data)
        return self

    def more(self):
        return self.socket.recv(1 << 16)

    def events(self):
        """Give events as (name, data) until the stream ends."""
        for block in self._blocks():
            lines = [line for line in block.decode().split("\n") if line.startswith(("event: ", "data: "))]
            if lines:
                yield lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))

    def _blocks(self):
        while True:
            while b"\n\n" not in self._rest:
                data = self.socket.recv(1 << 16)
                if not data:
                    return
                self._rest += data
            block, _, self._rest = self._rest.partition(b"\n\n")
            yield block

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.close()


@pytest.fixture
def raw_at():
    """Open connections to any server."""
    opened = []

    def connect(url, **options):
        opened.append(Raw(url, **options))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


@pytest.fixture
def raw(url, raw_at):
    """Open connections to the server."""
    return lambda to=url, **options: raw_at(to, **options)
