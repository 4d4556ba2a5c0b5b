"""Running the server: a socket, uvicorn, and an end in which every stream is told."""

from __future__ import annotations

import ipaddress
import logging
import queue
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

import uvicorn

from dtedask.core.errors import ServerError, SettingError
from dtedask.serve.access import Access
from dtedask.serve.notify.app import create_app
from dtedask.serve.notify.options import ServeOptions
from dtedask.serve.notify.protocol import JoinedWrites
from dtedask.serve.notify.upkeep import Upkeep

if TYPE_CHECKING:
    from fastapi import FastAPI

    from dtedask.notify.event_types import EventTypes
    from dtedask.notify.streams import Streams
    from dtedask.serve.notify.service import Service

logger = logging.getLogger(__name__)

_BACKLOG = 4096


def serve(streams: Streams, *, on_ready: Callable[[str], None] | None = None, **options: Unpack[Options]) -> None:
    """Serve notifications until SIGTERM or SIGINT.

    Parameters
    ----------
    streams : Streams
        The log; it is closed at the end.
    on_ready : callable (url), optional
        Told when connections are accepted.
    **options
        As `Options` has them.

    Raises
    ------
    SettingError
        If it would be open to the network without authentication.
    ServerError
        If nothing can listen there.
    """
    with _prepared(streams, on_ready or (lambda _url: None), options) as (server, listener):
        server.run(sockets=[listener])
    if not server.started:
        raise ServerError("The server could not start.", hint="Its log says why.")


@contextmanager
def running(streams: Streams, **options: Unpack[Options]) -> Iterator[str]:
    """Serve notifications in a thread while entered, such as in a notebook or in tests; yields the URL.

    Parameters
    ----------
    streams : Streams
        The log; it is closed at the end.
    **options
        As `Options` has them; without a port it takes a free one.
    """
    found: queue.SimpleQueue[str] = queue.SimpleQueue()
    options.setdefault("port", 0)
    with _prepared(streams, found.put, options) as (server, listener):
        thread = threading.Thread(target=_run_until_told, args=(server, listener, found), name="notices-serve")
        thread.start()
        try:
            url = found.get()
            if not url:
                raise ServerError("The server could not start.", hint="Its log says why.")
            yield url
        finally:
            server.should_exit = True
            thread.join()


class Options(TypedDict, total=False):
    """How a server runs.

    Parameters
    ----------
    root : str, optional
        The root whose commits are announced, also those that were missed.
    host : str
        Name or address to listen at; beyond this host only with authentication, or if `insecure`.
    port : int
        Port to listen at; 0 for a free one.
    url : str, optional
        How clients reach it, where that is not host and port.
    access : Access, optional
        Who may do what; by default everyone may do everything.
    insecure : bool
        Let everyone who can reach this host do what `access` lets everyone do.
    options : ServeOptions, optional
        Limits and times; by default those of the settings.
    extend : callable (app), optional
        Adds routes.
    """

    root: str | None
    host: str
    port: int
    url: str | None
    access: Access | None
    insecure: bool
    options: ServeOptions | None
    extend: Callable[[FastAPI], object] | None


@contextmanager
def _prepared(
    streams: Streams, on_ready: Callable[[str], None], options: Options
) -> Iterator[tuple[_Server, socket.socket]]:
    host, access = options.get("host", "127.0.0.1"), options.get("access")
    (access or Access()).check(cast("EventTypes", streams.types))
    _refuse_open_door(host, access, insecure=options.get("insecure", False))
    with _listen(host, options.get("port", 8765)) as listener:
        address = options.get("url") or _url_of(host, listener)
        limits = replace(options.get("options") or ServeOptions.from_settings(), source=address)
        app = create_app(streams, access=access, options=limits)
        extend = options.get("extend")
        if extend is not None:
            extend(app)
        with Upkeep(streams, options.get("root")):
            yield _Server(_config(app, limits), app.state.service, lambda: on_ready(address)), listener


def _run_until_told(server: _Server, listener: socket.socket, found: queue.SimpleQueue[str]) -> None:
    try:
        server.run(sockets=[listener])
    finally:
        found.put("")


class _Server(uvicorn.Server):
    """Tells all streams to end before it waits for them."""

    def __init__(self, config: uvicorn.Config, service: Service, on_ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._service = service
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End at SIGTERM and SIGINT, and then leave the process to its caller; uvicorn would kill it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.hub.stop()
        await super().shutdown(sockets)


def _config(app: FastAPI, options: ServeOptions) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=JoinedWrites,
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(options.grace_s)),
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServerError(
            f"Cannot listen at {host}:{port}: {reason}.", hint="Take another --port; 0 finds a free one."
        ) from error
    return listener


def _url_of(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    name = socket.gethostname() if host in {"0.0.0.0", "::", ""} else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _refuse_open_door(host: str, access: Access | None, *, insecure: bool) -> None:
    if insecure or (access is not None and not access.is_open) or _is_loopback(host):
        return
    raise SettingError(
        f"At {host!r} everyone in the network could read and send notifications.",
        hint="Name who may do what by --access, or allow it by --insecure.",
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
