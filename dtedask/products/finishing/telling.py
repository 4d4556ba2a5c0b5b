"""Deliveries are told of: a line in the manifest of the place, and a notice for listeners. Each once, in order."""

from __future__ import annotations

import itertools
import json
import logging
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dtedask.core.errors import DeliveryError, DtedaskError, InvalidValueError, NoticeError, TriggerError
from dtedask.core.notice import Notice
from dtedask.notify.event import parse_time
from dtedask.plugins import run_after_notice
from dtedask.request import parameter
from dtedask.store.commits import changes_of

if TYPE_CHECKING:
    from dtedask.products.finishing.open_places import OpenPlaces
    from dtedask.products.ledger import Ledger
    from dtedask.products.ledger.ledger import Pending

__all__ = ["Teller"]

logger = logging.getLogger(__name__)


class Teller:
    """Tells of all deliveries that the ledger says nobody was told of.

    Whoever comes while another thread is at it leaves it to that one: many products take one manifest's writing.
    What could not be told stays in the ledger, and is tried again the next time, or by the next process.

    Parameters
    ----------
    ledger : Ledger
        Says what is to be told.
    places : OpenPlaces
        Where manifests are.
    root : str
        Root whose log and listeners get the notices; "" for none.
    """

    def __init__(self, ledger: Ledger, places: OpenPlaces, root: str) -> None:
        self._ledger = ledger
        self._places = places
        self._root = root
        self._busy = threading.Lock()
        self._asked = itertools.count(1)
        self._last = 0

    def tell(self) -> list[DtedaskError]:
        """Tell of all there is; returns what went wrong, which is logged too."""
        self._last = next(self._asked)
        failures: list[DtedaskError] = []
        seen = 0
        while seen != self._last and self._busy.acquire(blocking=False):
            try:
                seen = self._last
                failures = self._tell_all()
            finally:
                self._busy.release()
        return failures

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
        except DtedaskError as error:
            if not (isinstance(error, DeliveryError) and error.is_lasting):
                return [error]
            self._ledger.recorded(one.number for one in group)
            return [error]
        self._ledger.recorded(one.number for one in group)
        return []

    def _announce(self, pending: Iterable[Pending]) -> list[DtedaskError]:
        failures: list[DtedaskError] = []
        told = []
        for one in pending:
            found = _give(notice_of(one.line, self._root)) if self._root else []
            failures += found
            if not found:
                told.append(one.number)
        self._ledger.told(told)
        return failures


def notice_of(line: str, root: str) -> Notice:
    """The notice of a delivery, by its line of a manifest."""
    entry = json.loads(line)
    fields = [(entry["location"], _name(keys), keys) for keys in entry["fields"]]
    stream = f"products/{entry['owner'] or entry['requirement']}"
    return Notice(root, stream, entry["id"], parse_time(entry["time"]), changes_of(fields))


def _give(notice: Notice) -> list[DtedaskError]:
    """Give a notice; triggers that fail are the listeners' matter, and logged."""
    return [
        failure
        for failure in run_after_notice(notice)
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
