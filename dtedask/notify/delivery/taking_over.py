"""What an older dtedask remembered of listeners in the log of notices is taken over, once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dtedask.notify.delivery.item import end_of, place_of
from dtedask.notify.delivery.letters import DeadLetter
from dtedask.notify.event import EVENT_TYPE, Event, parse_time

if TYPE_CHECKING:
    from dtedask.notify.database import Database
    from dtedask.notify.delivery.state import DeliveryState
    from dtedask.notify.log import NoticeLog

__all__ = ["take_over"]

logger = logging.getLogger(__name__)


def take_over(old: Database, state: DeliveryState, log: NoticeLog) -> None:
    """Move cursors and failed triggers out of the file of a log.

    They are written to their new place before they are removed from the old one: whenever the process is killed, the
    next one finds them.
    """
    if state.has_looked:
        return
    if old.path.exists():
        with old.read() as connection:
            cursors: dict[str, dict[str, int]] = {name: {} for (name,) in connection.execute("SELECT * FROM listeners")}
            for listener, cube, sequence in connection.execute("SELECT listener, cube, sequence FROM cursors"):
                cursors.setdefault(listener, {})[cube] = end_of(sequence)
            failures = connection.execute(
                "SELECT listener, event, trigger, message, time FROM failures ORDER BY number"
            ).fetchall()
        if cursors or failures:
            letters = [letter for row in failures if (letter := _letter_of(log, *row)) is not None]
            state.take_over(cursors, letters)
            logger.info("Took over %d listeners from %s into %s.", len(cursors), old.path, state.path)
            with old.write() as connection:
                for table in ("listeners", "cursors", "failures"):
                    connection.execute(f"DELETE FROM {table}")
    state.has_looked = True


def _letter_of(
    log: NoticeLog, listener: str, event_id: str, trigger: str, message: str, time: str
) -> DeadLetter | None:
    event = _event_of(log, event_id)
    if event is None:  # purged since
        return None
    place = place_of(event.sequence, event.index)
    return DeadLetter(
        0, listener, "", EVENT_TYPE, event.cube, place, event, -1, trigger, message, 1, parse_time(time)
    )  # fmt: skip


def _event_of(log: NoticeLog, event_id: str) -> Event | None:
    cube, _, number = event_id.rpartition("@")
    sequence = int(number.partition(".")[0])
    for entry in log.entries(after={**log.heads(), cube: sequence - 1}):
        return next((event for event in entry.events if event.id == event_id), None)
    return None
