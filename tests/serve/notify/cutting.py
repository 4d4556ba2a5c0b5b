"""A proxy before a server that cuts all connections when it is told to, and may be away for a while."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class CuttingProxy:
    """Hands bytes on in both directions."""

    def __init__(self, url):
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._sockets, self._lock, self.cuts = set(), threading.Lock(), 0
        self.is_away = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def is_used(self):
        """Whether somebody is connected."""
        return bool(self._sockets)

    def cut(self):
        """End all connections at once, in the middle of whatever they say."""
        with self._lock:
            gone, self._sockets = self._sockets, set()
        self.cuts += bool(gone)
        for one in gone:
            _end(one)

    def close(self):
        self.is_away = True
        _end(self._listener)
        self._listener.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_away:
                client.close()
                continue
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._sockets |= {client, server}
            for pair in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=pair, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.close()


def _copy(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(4096):
            target.sendall(data)
    _end(source)
    _end(target)
    source.close()


def _end(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
