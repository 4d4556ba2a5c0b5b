"""A proxy before an S3 server that does to requests what networks and servers do: on loopback, in this process."""

import http.client
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_BUSY = b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'
_DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>'
_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


@dataclass
class Rule:
    """What happens to requests that it takes.

    Parameters
    ----------
    does : {"503", "403", "slow", "cut-before", "cut-after"}
        Refuse for now or for good, hold the answer back, drop the connection before or after the server did its work.
    method, path : str
        Which requests: the method, and a part of the path; empty for all.
    times : int
        How many of them; then it is over.
    release : threading.Event
        Ends the waiting of "slow".
    done : callable
        Called when the server has done what was asked, before "cut-after" drops the connection.
    """

    does: str
    method: str = ""
    path: str = ""
    times: int = 10**9
    release: threading.Event = field(default_factory=threading.Event)
    done: object = staticmethod(lambda: None)
    hits: int = 0

    def takes(self, method, path):
        return self.hits < self.times and self.method in ("", method) and self.path in path


class Proxy:
    """Forwards to a server what no rule takes."""

    def __init__(self, url):
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self.rules, self.seen = [], []
        self._guard = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                proxy.handle(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - names of http.server

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Clients that give up are what this is for."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @contextmanager
    def rule(self, does, **options):
        """A rule for the length of a block."""
        rule = Rule(does, **options)
        with self._guard:
            self.rules.append(rule)
        try:
            yield rule
        finally:
            rule.release.set()
            with self._guard:
                self.rules.remove(rule)

    def close(self):
        for rule in self.rules:
            rule.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def handle(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        with self._guard:
            self.seen.append((request.command, request.path))
            rule = next((one for one in self.rules if one.takes(request.command, request.path)), None)
            if rule is not None:
                rule.hits += 1
        does = rule.does if rule is not None else ""
        if does in ("503", "403"):
            body = _BUSY if does == "503" else _DENIED
            self._answer(request, int(does), [("Content-Type", "application/xml")], body)
        elif does == "cut-before":
            request.close_connection = True
        else:
            if does == "slow":
                rule.release.wait(60)
            status, headers, data = self._forward(request, body)
            if does == "cut-after":
                rule.done()
                request.close_connection = True
            else:
                self._answer(request, status, headers, data)

    def _forward(self, request, body):
        connection = http.client.HTTPConnection(*self._target, timeout=60)
        try:
            # The Host header is part of the signature, so it stays as the client wrote it.
            connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    @staticmethod
    def _answer(request, status, headers, data):
        request.send_response_only(status)
        length = None
        for name, value in headers:
            if name.lower() == "content-length":
                length = value
            elif name.lower() not in _HOP_BY_HOP:
                request.send_header(name, value)
        request.send_header("Content-Length", length if request.command == "HEAD" and length else str(len(data)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(data)
