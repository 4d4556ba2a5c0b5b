"""Deliveries are told of: a line in the manifest of the place, and a notice for listeners. Each once, in order."""

from __future__ import annotations

import contextvars
import itertools
import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dtedask.core.errors import DeliveryError, DtedaskError, InvalidValueError, NoticeError, TriggerError
from dtedask.core.notice import Notice
from dtedask.notify.event import parse_time
from dtedask.plugins import run_after_notices
from dtedask.request import parameter
from dtedask.store.commits import changes_of

if TYPE_CHECKING:
    from dtedask.products.finishing.open_places import OpenPlaces
    from dtedask.products.ledger import Ledger
    from dtedask.products.ledger.ledger import Pending

__all__ = ["Teller"]

logger = logging.getLogger(__name__)
_AT_ONCE = 100


class Teller:
    """Tells of all deliveries that the ledger says nobody was told of.

    A thread does it beside the deliveries, at once, and all that came meanwhile together: many products take one
    writing of a manifest. What could not be told stays in the ledger, and is tried again the next time, or by the next
    process.

    Parameters
    ----------
    ledger : Ledger
        Says what is to be told.
    places : OpenPlaces
        Where manifests are.
    root : str
        Root whose log and listeners get the notices; "" for none.
    pause_s : float
        The thread rests so long after each time, seconds.
    """

    def __init__(self, ledger: Ledger, places: OpenPlaces, root: str, *, pause_s: float = 0.2) -> None:
        self._ledger = ledger
        self._places = places
        self._root = root
        self._pause_s = pause_s
        self._busy = threading.Lock()
        self._asked = threading.Event()
        self._closed = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """Let there be told soon of what the ledger has now; the caller does not wait."""
        self._asked.set()
        with self._starting:
            if self._thread is None and not self._closed.is_set():
                context = contextvars.copy_context()  # with its settings
                self._thread = threading.Thread(target=context.run, args=(self._run,), name="tell", daemon=True)
                self._thread.start()

    def tell(self) -> list[DtedaskError]:
        """Tell of all there is; returns what went wrong, which is logged too."""
        with self._busy:
            return self._tell_all()

    def close(self) -> list[DtedaskError]:
        """End the thread, and tell of all there is."""
        self._closed.set()
        self._asked.set()
        with self._starting:
            thread = self._thread
        if thread is not None:
            thread.join()
        return self.tell()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            if self._closed.is_set():
                return
            self._asked.clear()
            try:
                self.tell()
            except Exception as error:  # noqa: BLE001 - the next time, or close, tells of it; the thread goes on
                logger.warning("%s", error)
            self._closed.wait(self._pause_s)

    def _tell_all(self) -> list[DtedaskError]:
        failures: list[DtedaskError] = []
        pending = self._ledger.pending()
        missing = [one for one in pending if not one.is_recorded]
        for _, group in itertools.groupby(sorted(missing, key=_place), key=_place):
            failures += self._record(list(group))
        untold = [one for one in pending if not one.is_told]
        failures += self._announce(untold)
        for failure in failures:
            logger.warning("%s", failure)
        return failures

    def _record(self, group: list[Pending]) -> list[DtedaskError]:
        try:
            self._places.of_json(group[0].options).record(group[0].manifest, [one.line for one in group])
        except Exception as error:  # noqa: BLE001 - one of an installed package: the others are told of
            if not isinstance(error, DtedaskError):
                return [_unexpected(group[0], error)]
            if not (isinstance(error, DeliveryError) and error.is_lasting):
                return [error]
            self._ledger.recorded(one.number for one in group)
            return [error]
        self._ledger.recorded(one.number for one in group)
        return []

    def _announce(self, pending: Sequence[Pending]) -> list[DtedaskError]:
        failures: list[DtedaskError] = []
        for begin in range(0, len(pending), _AT_ONCE):
            some = pending[begin : begin + _AT_ONCE]
            found = self._give(some)
            if found and len(some) > 1:  # one that cannot be told does not hold the others back
                found = [failure for one in some for failure in self._give([one])]
            failures += found
        return failures

    def _give(self, pending: Sequence[Pending]) -> list[DtedaskError]:
        found = _give([notice_of(one.line, self._root) for one in pending]) if self._root else []
        if not found:
            self._ledger.told(one.number for one in pending)
        return found


def _unexpected(pending: Pending, error: Exception) -> DeliveryError:
    found = DeliveryError(f"The manifest of {pending.target!r} cannot be written: {type(error).__name__}: {error}")
    found.__cause__ = error
    return found


def notice_of(line: str, root: str) -> Notice:
    """The notice of a delivery, by its line of a manifest."""
    entry = json.loads(line)
    fields = [(entry["location"], _name(keys), keys) for keys in entry["fields"]]
    stream = f"products/{entry['owner'] or entry['requirement']}"
    # All events of a product name the one file that holds its fields.
    changes = tuple(
        replace(change, size_bytes=entry.get("size"), checksum=entry.get("checksum", ""))
        for change in changes_of(fields)
    )
    return Notice(root, stream, entry["id"], parse_time(entry["time"]), changes)


def _give(notices: Sequence[Notice]) -> list[DtedaskError]:
    """Give notices; triggers that fail are the listeners' matter, and logged."""
    return [
        failure
        for failure in run_after_notices(notices)
        if isinstance(failure, NoticeError) and not isinstance(failure, TriggerError)
    ]


def _place(pending: Pending) -> tuple[str, str]:
    return pending.options, pending.manifest


def _name(keys: dict[str, str]) -> str:
    param = keys.get("param", "")
    try:
        return parameter(param).short_name or param
    except InvalidValueError:  # of a centre whose parameters ecCodes does not know
        return param or "data"
