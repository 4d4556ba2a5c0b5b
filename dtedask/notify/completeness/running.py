"""Telling of completeness while something else runs: after each commit, or beside a listener or a server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from dtedask.core.errors import DocumentError, DtedaskError
from dtedask.core.settings import setting
from dtedask.notify.completeness.document import ExpectationsDocument, load_expectations
from dtedask.notify.completeness.expectations import Expectations
from dtedask.notify.event_log import EventLog
from dtedask.notify.location import log_path, root_url
from dtedask.notify.log import NoticeLog
from dtedask.notify.streams import SqliteEventLog
from dtedask.notify.streams.opening import events_path

__all__ = ["configured_document", "expectations_of", "telling"]

logger = logging.getLogger(__name__)

_LOOK_AGAIN_S = 60.0
_PATIENCE_S = 5.0


def configured_document() -> ExpectationsDocument | None:
    """Read the files of the setting ``dtedask.notify.expect`` as one document; None where it names none.

    Raises
    ------
    DocumentError
        If one is wrong, or if two have an expectation of the same name.
    """
    files = setting("notify.expect")
    found = [one for file in files for one in load_expectations(Path(file).expanduser()).expect]
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise DocumentError(f"Two of the files {', '.join(files)} have an expectation {name!r}.")
    return ExpectationsDocument(expect=found) if found else None


def expectations_of(root: str) -> Expectations | None:
    """What the settings expect of a root, which stays open; None where they expect nothing.

    Raises
    ------
    DocumentError
        If a document is wrong.
    NoticeError
        If notifications cannot be written.
    """
    files = tuple(str(Path(file).expanduser().absolute()) for file in setting("notify.expect"))
    if not files:
        return None
    stamps = tuple((file, _stamp(file)) for file in files)
    return _opened(root_url(root), str(events_path(root)), stamps)


@lru_cache(maxsize=8)
def _opened(root: str, events: str, _stamps: tuple[tuple[str, float], ...]) -> Expectations:
    document = configured_document()
    assert document is not None
    return Expectations(SqliteEventLog(events), root, document)


def _stamp(file: str) -> float:
    try:
        return Path(file).stat().st_mtime
    except OSError:
        return 0.0


@contextmanager
def telling(streams: EventLog, root: str, document: ExpectationsDocument) -> Iterator[Expectations]:
    """Tell of completeness in a thread, while the context lasts.

    Parameters
    ----------
    streams : EventLog
        Where notifications are written.
    root : str
        Path or URL of the root.
    document : ExpectationsDocument
        What is expected.

    Raises
    ------
    NoticeError
        If notifications cannot be written at the start. What fails later is logged, and tried again.
    """
    url = root_url(root)
    expectations = Expectations.open(streams, url, document)
    stop = threading.Event()
    with NoticeLog(log_path(url), root=url) as log:
        thread = threading.Thread(target=_run, args=(expectations, log, stop), name="completeness", daemon=True)
        thread.start()
        try:
            yield expectations
        finally:
            stop.set()
            thread.join()
            expectations.close()


def _run(expectations: Expectations, log: NoticeLog, stop: threading.Event) -> None:
    interval_s = setting("notify.poll-interval")
    seen: object = None
    while not stop.is_set():
        try:
            version, heads = log.version(), log.heads()
            if version != seen:
                expectations.on_news(expectations.behind(heads))
                seen = version
            until = expectations.tick(datetime.now(UTC))
        except DtedaskError as error:
            logger.warning("Cannot look for what is complete, trying again in %g s: %s", _PATIENCE_S, error)
            stop.wait(_PATIENCE_S)
            seen = None
            continue
        _wait_for_news(log, seen, until, interval_s, stop)


def _wait_for_news(
    log: NoticeLog, seen: object, until: datetime | None, interval_s: float, stop: threading.Event
) -> None:
    """Wait until somebody has written, or it is time for something."""
    end = datetime.now(UTC).timestamp() + _LOOK_AGAIN_S
    if until is not None:
        end = min(end, until.timestamp())
    while log.version() == seen and datetime.now(UTC).timestamp() < end and not stop.wait(interval_s):
        pass
