"""Hearing of commits: at the start, after each commit of this process, and while others commit."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DocumentError, DtedaskError, NotFoundError
from dtedask.core.settings import setting
from dtedask.notify.delivery import beginning
from dtedask.notify.delivery.beginning import Mode
from dtedask.notify.delivery.carrier import Carrier
from dtedask.notify.delivery.delivered import Delivery
from dtedask.notify.delivery.item import end_of
from dtedask.notify.delivery.moments import parse_moment
from dtedask.notify.delivery.serving import serve
from dtedask.notify.hearing import hear_others
from dtedask.notify.location import is_in_root, log_path, root_url
from dtedask.notify.log import NoticeLog, open_log
from dtedask.notify.missed import Cubes, History, fill, store_cubes, store_history

if TYPE_CHECKING:
    from dtedask.notify.client import NotifyClient
    from dtedask.notify.delivery.finding import Types
    from dtedask.notify.delivery.matching import Wants
    from dtedask.notify.delivery.sources import Source as NewsSource
    from dtedask.notify.listeners import Listener, Listeners

    Source = str | os.PathLike[str] | Mapping[str, Any] | Listeners
    Served = tuple[Listener, NewsSource, Wants]

logger = logging.getLogger(__name__)

_told: set[str] = set()


def catch_up(
    root: str | os.PathLike[str],
    *,
    listeners: Iterable[Listeners] | None = None,
    cubes: Cubes = store_cubes,
    history: History = store_history,
) -> Delivery:
    """Announce what was committed and never announced; done at the start of everything that commits.

    Parameters
    ----------
    root : str or os.PathLike
        The root; one that does not exist yet has nothing to announce.
    listeners : iterable of Listeners, optional
        Who is to hear of it; by default the listeners of the setting ``dtedask.notify.listeners``. Listeners that
        never ran hear of what comes from now on, and of commits that are not in the log of the root yet.
    cubes, history : callable
        Where commits are found; by default in the store.

    Returns
    -------
    Delivery
        What the listeners were told.
    """
    url = root_url(root)
    if _is_missing(url):
        return Delivery()
    log = open_log(url)
    documents = configured_listeners() if listeners is None else list(listeners)
    if is_in_root(log.path, url):
        register(log, documents, log.heads())
    fill(log, url, cubes=cubes, history=history)
    register(log, documents, log.heads())
    return deliver_to(log, documents)


def listen(  # noqa: PLR0913 - each says something else of one run
    source: Source | Iterable[Source],
    root: str | os.PathLike[str] | NotifyClient,
    *,
    mode: Mode = "new",
    begin: str | int | datetime | None = None,
    end: str | int | datetime | None = None,
    types: Types | None = None,
    stop: threading.Event | None = None,
    once: bool = False,
    on_delivery: Callable[[str, Delivery], None] = lambda _name, _delivery: None,
    cubes: Cubes = store_cubes,
    history: History = store_history,
) -> Delivery:
    """Run listeners for the commits of any process, and for what anyone sends, until told to stop.

    Each listener is served on its own: a slow one, or one whose trigger is tried again, holds up nobody.

    Parameters
    ----------
    source : str, os.PathLike, mapping or Listeners, or several of them
        The listeners; a folder stands for all its files.
    root : str, os.PathLike or NotifyClient
        The root, or a server by its client; waited for when it does not exist yet, or does not answer.
    mode : {"new", "catchup", "now"}
        Begin where each listener was, or where it never ran with what comes from now on (``new``) or with the first
        commit (``catchup``); ``now`` skips everything until now.
    begin : str, int or datetime, optional
        Begin here, wherever the listeners were: a number, an id, a commit (``CUBE@3``) or a time.
    end : str, int or datetime, optional
        The last that is wanted; listening ends when it was delivered.
    types : EventTypes or its document, optional
        Event types that are sent.
    stop : threading.Event, optional
        Ends listening, after the triggers that run, when it is set.
    once : bool
        Deliver what there is, wait for triggers that are to be tried again, and return.
    on_delivery : callable, optional
        Called with the name of a listener and what it was brought.
    cubes, history : callable
        Where commits are found that are not in the log; by default in the store.

    Returns
    -------
    Delivery
        What was delivered until the end.

    Raises
    ------
    DocumentError
        If the listeners are wrong.
    InvalidValueError
        If `begin` or `end` is no moment of what they listen to.
    NotFoundError, ServerError
        If `once` and there is no root, or no answer.
    """
    from dtedask.notify.listeners import load_all_listeners

    listeners = [one for document in load_all_listeners(_several(source)) for one in document.listeners]
    options: dict[str, Any] = {
        "mode": mode,
        "begin": None if begin is None else parse_moment(begin),
        "end": None if end is None else parse_moment(end),
        "stop": stop or threading.Event(),
        "once": once,
        "on_delivery": on_delivery,
    }
    if not isinstance(root, str | os.PathLike):
        return _listen_to_server(listeners, root, options)
    url = root_url(root)
    if not _wait_for_root(url, options["stop"], once=once):
        return Delivery()
    from dtedask.notify.delivery.finding import RootSources

    # A connection of its own, so that it also hears of the commits of other threads.
    with NoticeLog(log_path(url), root=url) as log, closing(RootSources(log, types)) as sources, ExitStack() as stack:
        fill(log, url, cubes=cubes, history=history)
        if not once:
            stack.enter_context(hear_others(log, url, cubes=cubes, history=history))
        if setting("notify.expect"):
            _tell_of_completeness(url, stack, once=once)
        return serve(listeners, sources, log.state, **options)


def _listen_to_server(listeners: Sequence[Listener], client: NotifyClient, options: Mapping[str, Any]) -> Delivery:
    from dtedask.notify.delivery.remote import ServerSources
    from dtedask.notify.delivery.state import DeliveryState, server_state_path

    with closing(ServerSources(client)) as sources, DeliveryState(server_state_path(client.url)) as state:
        if not sources.wait(options["stop"], once=options["once"]):
            return Delivery()
        return serve(listeners, sources, state, **options)


def _tell_of_completeness(url: str, stack: ExitStack, *, once: bool) -> None:
    """Tell what is complete, or late, of what the settings expect."""
    from dtedask.notify.completeness import Expectations, configured_document, telling
    from dtedask.notify.streams import SqliteEventLog
    from dtedask.notify.streams.opening import events_path

    document = configured_document()
    if document is None:
        return
    streams = stack.enter_context(SqliteEventLog(events_path(url)))
    if once:
        with closing(Expectations.open(streams, url, document)) as expectations:
            expectations.tick(datetime.now(UTC))
    else:
        stack.enter_context(telling(streams, url, document))


def _several(source: Source | Iterable[Source]) -> Iterable[Source]:
    from dtedask.notify.listeners import Listeners

    return [source] if isinstance(source, str | os.PathLike | Mapping | Listeners) else source


def configured_listeners() -> list[Listeners]:
    """Load the listeners that run after every commit: those of the settings, and those that a recipe holds.

    Raises
    ------
    DocumentError
        If a document is wrong.
    """
    from dtedask.notify.active import active_listeners
    from dtedask.notify.listeners import load_listeners

    return [*map(load_listeners, setting("notify.listeners")), *active_listeners()]


def register(log: NoticeLog, documents: Iterable[Listeners], cursors: Mapping[str, int]) -> list[Exception]:
    """Let listeners that never ran begin behind these commits; gives what is wrong with their documents."""
    places = {cube: end_of(sequence) for cube, sequence in cursors.items()}
    found, mistakes = _served(log, documents)
    for listener, source, _ in found:
        beginning.register(log.state, listener, source, places)
    return mistakes


def deliver_to(log: NoticeLog, documents: Iterable[Listeners]) -> Delivery:
    """Deliver to all listeners of some documents, in turn; what is to be tried again, threads do later."""
    found, _ = _served(log, documents)
    total = Delivery()
    for listener, source, wants in found:
        carrier = Carrier(listener, source, log.state, wants=wants)
        done = carrier.deliver()
        total += done
        if done.due is not None:
            from dtedask.notify.delivery.again import deliver_again

            deliver_again(log.state.path, carrier, done.due, partial(_is_known, listener.name))
    return total


def _is_known(name: str) -> bool:
    """Whether this process still has a listener of that name, as far as its files can be read."""
    try:
        return any(name == one.name for document in configured_listeners() for one in document.listeners)
    except DtedaskError:
        return False


def _served(log: NoticeLog, documents: Iterable[Listeners]) -> tuple[list[Served], list[Exception]]:
    """Find what the listeners of a process that commits ask for; those of what is sent are for `listen`."""
    from dtedask.notify.delivery.finding import RootSources

    sources = log.sources = log.sources or RootSources(log)
    found: list[Served] = []
    mistakes: list[Exception] = []
    for listener in (one for document in documents for one in document.listeners):
        try:
            commits = sources.find_commits(listener)
        except DocumentError as error:
            logger.error("%s", error)
            mistakes.append(error)
            continue
        if commits is not None:
            found.append((listener, *commits))
        elif listener.name not in _told:
            _told.add(listener.name)
            logger.warning(
                "Listener %r hears of %r, which no commit to %s brings: run `dtedask listen` for it.",
                listener.name,
                listener.event,
                log.root,
            )
    return found, mistakes


def _is_missing(url: str) -> bool:
    return "://" not in url and not Path(url).is_dir()


def _wait_for_root(url: str, stop: threading.Event, *, once: bool) -> bool:
    if not _is_missing(url):
        return True
    if once:
        raise NotFoundError(f"There is no root at {url!r}.", hint="Check the path; the first archive makes it.")
    logger.warning("There is no root at %r yet; waiting for it.", url)
    interval_s = setting("notify.poll-interval")
    while _is_missing(url):
        if stop.wait(interval_s):
            return False
    return True
