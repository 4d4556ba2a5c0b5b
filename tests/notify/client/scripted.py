"""A server that does what a script says, one entry for each request: to answer, to stream, to cut, to be silent."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from dtedask.notify.notification import Notification

CUT, SILENT = "cut", "silent"


def frame(name, **data):
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def live(sequence, name="live-notification", event_type="free"):
    """One notification, as the server writes it."""
    from datetime import UTC, datetime

    found = Notification(event_type, sequence, {"a": str(sequence)}, None, datetime(2024, 6, 3, tzinfo=UTC))
    return frame(name, **found.cloud_event("http://here"))


def replayed(sequence):
    return live(sequence, "replay")


def established(**more):
    return frame("live-notification", type="connection_established", timestamp="2024-06-03T00:00:00Z", **more)


STARTED = frame("replay-control", type="replay_started")
COMPLETED = frame("replay-control", type="replay_completed")
LIMIT = frame("replay-control", type="notification_replay_limit_reached", max_allowed=2)
HEARTBEAT = frame("heartbeat", topic="free")


def closing(reason):
    return frame("connection-closing", reason=reason)


class Scripted:
    """`says` are (status, body) for plain answers, or lists of bytes, CUT and SILENT; `requests` is what was asked."""

    def __init__(self):  # noqa: C901 - the handler knows the script
        self.says, self.requests = [], []
        self.over = threading.Event()
        self.is_silent = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = json.loads(body) if body else None
                outer.requests.append((self.command, self.path, dict(self.headers), asked))
                said = outer.says.pop(0) if outer.says else [SILENT]
                if isinstance(said, tuple):
                    self.answer(*said)
                else:
                    self.stream(said)

            do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - names of http.server

            def answer(self, status, data, headers=()):
                text = json.dumps(data).encode() if not isinstance(data, bytes) else data
                self.send_response(status)
                for name, value in {"Content-Length": str(len(text)), **dict(headers)}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def stream(self, parts):
                self.close_connection = True
                if parts[:1] == [CUT]:
                    return
                if parts[:1] != [SILENT]:
                    self.send_response(200)
                    self.send_header("Content-Type", "text/event-stream")
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                for part in parts:
                    if part == CUT:
                        return
                    if part == SILENT:
                        outer.is_silent.set()
                        outer.over.wait(30)
                        return
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_):
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Clients that leave are what this is for."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def asked(self):
        """Where each stream was asked to begin."""
        return [{key: asked[key] for key in asked if key.startswith("from")} for *_, asked in self.requests]

    def stop(self):
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def scripted_server():
    server = Scripted()
    try:
        yield server
    finally:
        server.stop()
