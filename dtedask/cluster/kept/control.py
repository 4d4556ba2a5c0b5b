"""How other processes talk to the process of a kept cluster: one question, one answer, over TCP.

Both are JSON, signed with a secret that only the owner of the cluster can read. A question is bound to a number that
the server has just drawn, an answer to its question, so that neither can be repeated. Nothing secret is sent. Who asked
for the end may hold the connection until the process has ended.
"""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from dtedask.core.errors import ClusterError

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0
_LONGEST_QUESTION, _LONGEST_ANSWER = 1 << 16, 1 << 26  # thousands of workers are told of in one answer

Answering = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def new_secret() -> str:
    """Draw a secret."""
    return secrets.token_hex(32)


@contextmanager
def control_server(host: str, secret: str, answer: Answering) -> Iterator[tuple[str, int]]:
    """Answer questions in threads of their own; yield the address.

    Parameters
    ----------
    host : str
        Address of the interface to listen on.
    secret : str
        Who asks must know it.
    answer : callable
        Called in a thread with each question; what it returns is the answer. It may take its time.
    """
    with _Server((host, 0), secret, answer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()
        try:
            yield (host, server.server_address[1])
        finally:
            server.shutdown()


def ask(
    address: tuple[str, int],
    secret: str,
    question: Mapping[str, Any],
    *,
    timeout_s: float = TIMEOUT_S,
    end_s: float | None = None,
) -> dict[str, Any]:
    """Ask the process of a cluster and return its answer.

    Parameters
    ----------
    address : (str, int)
        Where it listens.
    secret : str
        That of its folder.
    question : mapping
        What can be written as JSON.
    timeout_s : float, optional
        How long to wait for the answer.
    end_s : float, optional
        After an answer that holds ``"ends": true``, wait so long until that process has let go of the connection.

    Raises
    ------
    OSError
        If nobody listens there (`ConnectionRefusedError`), or nobody answers in time (`TimeoutError`).
    ClusterError
        If who answers does not know the secret.
    """
    with socket.create_connection(address, timeout=timeout_s) as connection, connection.makefile("rwb") as line:
        drawn = str(_read(line, _LONGEST_QUESTION)["number"])
        signature = _send(line, secret, drawn, {**question, "number": secrets.token_hex(16)})
        message = _read(line, _LONGEST_ANSWER)
        if not _is_signed(message, secret, signature):
            raise ClusterError(f"Who listens on {address[0]}:{address[1]} is not the cluster's process.")
        answer = cast("dict[str, Any]", json.loads(message["text"]))
        if end_s is not None and answer.get("ends"):
            connection.settimeout(end_s)
            line.read()
        return answer


def listens(address: str, timeout_s: float = TIMEOUT_S) -> bool:
    """Whether somebody takes connections at an address such as ``tls://10.0.0.1:8786``."""
    found = urlsplit(address)
    try:
        socket.create_connection((found.hostname or "", found.port or 0), timeout=timeout_s).close()
    except OSError:
        return False
    return True


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], secret: str, answer: Answering) -> None:
        self.secret, self.answer = secret, answer
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def handle_error(self, _request: Any, client_address: Any) -> None:
        logger.debug("a question from %s was cut off: %s", client_address, sys.exception())


class _Handler(socketserver.StreamRequestHandler):
    timeout = TIMEOUT_S
    server: _Server

    def handle(self) -> None:
        drawn = secrets.token_hex(16)
        self.wfile.write(json.dumps({"number": drawn}).encode() + b"\n")
        message = _read(self.rfile, _LONGEST_QUESTION)
        if not _is_signed(message, self.server.secret, drawn):
            logger.warning("a question from %s was not signed by the owner", self.client_address[0])
            return
        answer = self.server.answer(json.loads(message["text"]))
        _send(self.wfile, self.server.secret, message["signature"], answer)
        if answer.get("ends"):
            self.connection.settimeout(None)
            self.rfile.read(1)  # until the asker leaves, or this process ends


def _read(line: Any, longest: int) -> dict[str, Any]:
    text = line.readline(longest)
    if not text.endswith(b"\n"):
        raise ConnectionAbortedError("the connection ended before the message")
    return cast("dict[str, Any]", json.loads(text))


def _send(line: Any, secret: str, bound_to: str, body: Mapping[str, Any]) -> str:
    text = json.dumps(body)
    signature = _signature(secret, bound_to, text)
    line.write(json.dumps({"text": text, "signature": signature}).encode() + b"\n")
    line.flush()
    return signature


def _is_signed(message: Mapping[str, Any], secret: str, bound_to: str) -> bool:
    expected = _signature(secret, bound_to, str(message.get("text")))
    return hmac.compare_digest(expected, str(message.get("signature")))


def _signature(secret: str, bound_to: str, text: str) -> str:
    return hmac.new(bytes.fromhex(secret), f"{bound_to} {text}".encode(), "sha256").hexdigest()
