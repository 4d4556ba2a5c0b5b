"""An HTTP server that takes products: whole, checked, each once by its key; and that can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


class Server:
    """Keeps what it was sent in `files`; `says` are answers that it gives first instead, one for each request."""

    def __init__(self):
        self.files, self.requests, self.says = {}, [], []
        self._keys = {}
        self._guard = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                server.handle(self)

            do_PUT = do_POST = do_GET = handle_any  # noqa: N815 - names of http.server

            def log_message(self, *_):
                pass

        class Loud(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):
                """Clients that are killed are what this is for."""

        self._server = Loud(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def handle(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length)
        with self._guard:
            self.requests.append((request.command, request.path, dict(request.headers)))
            said = self.says.pop(0) if self.says else None
        if said == "cut-before":
            request.close_connection = True
            return
        if isinstance(said, float):
            time.sleep(said)
        if isinstance(said, tuple):
            self._answer(request, *said)
            return
        if len(body) < length:  # the client died
            return
        answer = self._take(request, body)
        if said == "cut-after":
            request.close_connection = True
            return
        self._answer(request, *answer)

    def _take(self, request, body):
        name = unquote(request.path.lstrip("/"))
        with self._guard:
            if request.command == "GET":
                if name not in self.files:
                    return 404, {}, b""
                return 200, {"ETag": _tag(self.files[name])}, self.files[name]
            digest = re.fullmatch(r"sha-256=:(.*):", request.headers["Repr-Digest"])[1]
            if base64.b64decode(digest) != hashlib.sha256(body).digest():
                return 400, {}, b"the digest does not match"
            key = request.headers["Idempotency-Key"]
            if self._keys.get(key) == (name, digest) and request.command == "POST":
                return 200, {"Idempotent-Replayed": "true"}, b""
            if request.command == "POST":
                name = self._posted(request, name, body)
            elif not self._may_put(request, name):
                return 412, {}, b""
            else:
                self.files[name] = body
            self._keys[key] = (unquote(request.path.lstrip("/")), digest)
            return 201, {}, b""

    def _posted(self, request, name, body):
        said = re.fullmatch(r"attachment; filename\*=UTF-8''(.*)", request.headers["Content-Disposition"])[1]
        name = f"{name}/{unquote(said)}"
        lines = request.headers["Content-Type"] == "application/jsonl"
        self.files[name] = (self.files.get(name, b"") if lines else b"") + body
        return name

    def _may_put(self, request, name):
        if "If-None-Match" in request.headers:
            return name not in self.files
        if "If-Match" in request.headers:
            return name in self.files and _tag(self.files[name]) == request.headers["If-Match"]
        return True

    def _answer(self, request, status, headers=(), body=b""):
        request.send_response_only(status)
        for key, value in dict(headers).items():
            request.send_header(key, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@contextmanager
def running():
    """A server for the length of a block."""
    server = Server()
    try:
        yield server
    finally:
        server.close()


def _tag(body):
    return f'"{hashlib.md5(body).hexdigest()}"'
