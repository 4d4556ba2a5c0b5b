"""Serving listeners until the end: the loop of `dtedask listen`."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from dtedask.core.errors import NoticeError
from dtedask.core.settings import setting
from dtedask.notify.delivery.beginning import Mode, begin_at
from dtedask.notify.delivery.bounded import BoundedSource
from dtedask.notify.delivery.carrier import Carrier
from dtedask.notify.delivery.crew import Crew
from dtedask.notify.delivery.delivered import Delivery
from dtedask.notify.delivery.lookout import Lookout

if TYPE_CHECKING:
    from dtedask.notify.delivery.matching import Wants
    from dtedask.notify.delivery.moments import Moment
    from dtedask.notify.delivery.sources import Source
    from dtedask.notify.delivery.state import DeliveryState
    from dtedask.notify.listeners import Listener

__all__ = ["Sources", "serve"]

WRITE_AGAIN_S = 5.0

logger = logging.getLogger(__name__)


class Sources(Protocol):
    """Where the listeners of one root or server find their news."""

    def find(self, listener: Listener) -> tuple[Source, Wants]:
        """Find the source of a listener, and what it asks for."""
        ...

    def version(self) -> object:
        """Return something that changes whenever there is news."""
        ...

    @property
    def look_again_s(self) -> float:
        """How long to wait at most before everything is looked at, whatever the version says."""
        ...


def serve(
    listeners: Sequence[Listener],
    sources: Sources,
    state: DeliveryState,
    *,
    mode: Mode = "new",
    begin: Moment | None = None,
    end: Moment | None = None,
    stop: threading.Event,
    once: bool = False,
    on_delivery: Callable[[str, Delivery], None],
) -> Delivery:
    """Serve listeners until `stop`, until the end has come, or once.

    Parameters
    ----------
    listeners : sequence of Listener
        Who is to hear.
    sources : Sources
        Where they find their news.
    state : DeliveryState
        Where it is remembered how far they have come.
    mode, begin, end, stop, once, on_delivery
        As of `dtedask.notify.listen`.
    """
    found = [(listener, *sources.find(listener)) for listener in listeners]
    for listener, source, _ in found:
        begin_at(state, listener, source, mode, moment=begin)
        source.open(state.cursors(listener.name, source.event_type) or {}, once=once)
    bounded = [
        (listener, source if end is None else BoundedSource(source, end), wants) for listener, source, wants in found
    ]
    carriers = [Carrier(listener, source, state, wants=wants) for listener, source, wants in bounded]
    lookout = Lookout(carriers, state)
    crew = Crew(
        carriers,
        threads=setting("notify.threads"),
        stop=stop,
        is_patient=not once,
        on_delivery=on_delivery,
    )

    def is_over() -> bool:
        return end is not None and all(
            isinstance(source, BoundedSource) and source.is_over(state.cursors(listener.name, source.event_type) or {})
            for listener, source, _ in bounded
        )

    try:
        if once:
            crew.serve_all()
        else:
            _serve_on(crew, lookout, sources, stop, is_over if end is not None else None)
    finally:
        crew.end()
        _write(lookout)
        for listener in listeners:
            for trigger in listener.triggers:
                trigger.close()
    return crew.total


def _serve_on(
    crew: Crew,
    lookout: Lookout,
    sources: Sources,
    stop: threading.Event,
    is_over: Callable[[], bool] | None,
) -> None:
    """Serve until the end: at once when somebody else has written, else now and then."""
    interval_s = setting("notify.poll-interval")
    looked = written = time.monotonic()
    seen: object = None
    while not stop.is_set():
        version = sources.version()
        if version != seen or time.monotonic() - looked > sources.look_again_s:
            crew.news(lookout.due(), is_certain=version != seen)
            seen, looked = version, time.monotonic()
        crew.turn(interval_s)
        if is_over is not None and crew.is_idle and is_over():
            return
        if time.monotonic() - written > WRITE_AGAIN_S:
            written = time.monotonic()
            _write(lookout)


def _write(lookout: Lookout) -> None:
    try:
        lookout.write()
    except NoticeError as error:
        logger.warning("%s", error)
