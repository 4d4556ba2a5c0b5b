"""HTTP as uvicorn speaks it, with an answer's headers and body in one write.

Two writes are two packets, and a client that waits for the second one waits for longer; a client that reads once gets
half of the answer.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dtedask.serve.notify.problems import ProblemError
from dtedask.serve.notify.wire import WIRE, Wire

if TYPE_CHECKING:
    from asyncio import Transport

_STATUS_LINE = b"HTTP/1.1 "


class JoinedWrites(HttpToolsProtocol):
    """A connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.access_log = False  # of uvicorn: it would log queries

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to write through a transport that joins."""
        super().connection_made(_Joining(transport, self.loop))  # type: ignore[arg-type]

    def on_message_begin(self) -> None:
        """Let the application have the connection."""
        super().on_message_begin()
        self.scope["extensions"] = {WIRE: Wire(self.transport, self.flow)}  # type: ignore[dict-item]

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as everything else."""
        name = str(uuid.uuid4())
        body = ProblemError(400, msg, code="INVALID_HTTP").body(name)
        head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
        self.transport.write(f"{head}x-request-id: {name}\r\ncontent-length: {len(body)}\r\n\r\n".encode())
        self.transport.write(body)
        self.transport.close()


class _Joining:
    """A transport that holds back headers until their body follows, or until the event loop comes round."""

    def __init__(self, transport: Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: bytes | None = None

    def write(self, data: bytes) -> None:
        """Write bytes, or hold them if they are headers."""
        if self._held is not None:
            data, self._held = self._held + data, None
        elif data.startswith(_STATUS_LINE):
            self._held = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def close(self) -> None:
        """Close when all is written."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        held, self._held = self._held, None
        if held is not None and not self._transport.is_closing():
            self._transport.write(held)
