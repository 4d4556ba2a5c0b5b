"""Files of others for tests: a message of several fields, and a server of files on loopback."""

import hashlib
import http.server
import os
import re
import threading
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from dtedask.geo import regular_latlon
from dtedask.grib import encode


@pytest.fixture
def several_fields():
    """One GRIB2 message of two fields: sections 4 to 7 stand in it twice."""
    grid = regular_latlon(np.arange(90.0, -91, -30), np.arange(0.0, 360, 30))
    keys = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "pl", "levelist": "500"}
    keys |= {"date": "20240603", "time": "0000", "step": "0"}
    one, two = (encode(np.full(grid.shape, 1.0 + n), {**keys, "param": p}, grid) for n, p in enumerate(("130", "131")))
    body = one[16:-4] + _after_grid(two) + b"7777"
    return one[:8] + (16 + len(body)).to_bytes(8, "big") + body


def _after_grid(message):
    """Sections 4 to 7 of a message."""
    position = 16
    while message[position + 4] != 4:
        position += int.from_bytes(message[position : position + 4], "big")
    return message[position:-4]


class FileServer(http.server.ThreadingHTTPServer):
    """Serves a folder with ranges, etags and times of change; each can be turned off.

    Icechunk drops the ports of URLs, so the server stands as a proxy before a host that does not exist.
    """

    daemon_threads = True
    base = "http://files.example"

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = Path(folder)
        self.gives_ranges = self.gives_etags = self.gives_times = self.compares = True
        self.asked = []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def _answer(self, with_body):
        server, path = self.server, self.server.folder / unquote(urlsplit(self.path).path).lstrip("/")
        if not path.is_file():
            return self._send(404, {}, b"")
        data, etag = path.read_bytes(), f'"{hashlib.md5(path.read_bytes()).hexdigest()}"'
        time = formatdate(path.stat().st_mtime, usegmt=True)
        server.asked.append((self.command, self.headers.get("Range")))
        if server.compares and self._is_other(etag if server.gives_etags else None, time):
            return self._send(412, {}, b"")
        headers = {"ETag": etag} if server.gives_etags else {}
        headers |= {"Last-Modified": time} if server.gives_times else {}
        status, part = 200, data
        wanted = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if server.gives_ranges else None
        if wanted:
            first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
            status, part = 206, data[first : last + 1]
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        return self._send(status, headers, part, with_body=with_body)

    def _is_other(self, etag, time):
        if etag and self.headers.get("If-Match", etag) != etag:
            return True
        since = self.headers.get("If-Unmodified-Since")
        return bool(since) and parsedate_to_datetime(time) > parsedate_to_datetime(since)

    def _send(self, status, headers, part, *, with_body=True):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(part))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(part)


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A server of the files in ``tmp_path/www``."""
    folder = tmp_path / "www"
    folder.mkdir()
    with FileServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("http_proxy", server.address)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        _forget_servers()
        yield server
        server.shutdown()
        thread.join()
    _forget_servers()


def _forget_servers():
    from dtedask.store.virtual import remote

    remote._store.cache_clear()


@pytest.fixture
def memory_store(request):
    """A root in memory of its own."""
    import dtedask

    return dtedask.open(f"memory://{request.node.name}-{os.getpid()}")
