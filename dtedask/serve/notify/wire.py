"""A connection as a stream uses it, past the layers of ASGI."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import Transport

    from starlette.types import Scope
    from uvicorn.protocols.http.flow_control import FlowControl

WIRE = "dtedask.wire"
"""Extension of ASGI: the `Wire` of a request."""


class Wire:
    """One connection.

    Parameters
    ----------
    transport : asyncio.Transport
        Where bytes go.
    flow : FlowControl
        Knows whether the client reads.
    """

    __slots__ = ("_flow", "_transport")

    def __init__(self, transport: Transport, flow: FlowControl) -> None:
        self._transport = transport
        self._flow = flow

    @property
    def is_paused(self) -> bool:
        """Whether what was written has still to be read."""
        return self._flow.write_paused

    def write_chunk(self, data: bytes) -> None:
        """Write a piece of a body whose length is not known."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def abort(self) -> None:
        """Drop the connection at once, whatever is still to be written."""
        self._transport.abort()


def wire_of(scope: Scope) -> Wire | None:
    """Give the connection of a request, where the server gives it."""
    found: Wire | None = scope.get("extensions", {}).get(WIRE)
    return found
