"""Bringing events to listeners: a pure state machine, and the loop around it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from dtedask.core.errors import TriggerError
from dtedask.notify.event import Event
from dtedask.notify.log import Entry, Failure, NoticeLog

if TYPE_CHECKING:
    from dtedask.notify.listeners import Listener
    from dtedask.notify.triggers import Trigger

Mode = Literal["new", "catchup", "now"]
Cursors = Mapping[str, int]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was delivered.

    Parameters
    ----------
    events : int
        Events that a listener asked for, counted for each listener.
    triggers : int
        Triggers that ran, the failed ones included.
    failures : tuple of TriggerError
        One for each trigger that failed; each is logged.
    """

    events: int = 0
    triggers: int = 0
    failures: tuple[TriggerError, ...] = ()

    def __add__(self, other: Delivery) -> Delivery:
        return Delivery(self.events + other.events, self.triggers + other.triggers, self.failures + other.failures)


@dataclass(frozen=True, slots=True)
class Run:
    """Instruction: run the triggers of the listener for an event."""

    event: Event


@dataclass(frozen=True, slots=True)
class Save:
    """Instruction: remember that the listener has heard of a commit."""

    cube: str
    sequence: int


@dataclass(slots=True)
class Courier:
    """How far one listener has come; decides what to do with each commit of the log.

    Parameters
    ----------
    listener : Listener
        Says which events it wants.
    cursors : dict of cube to sequence
        The last commit of each cube that it has heard of.
    """

    listener: Listener
    cursors: dict[str, int] = field(default_factory=dict)

    def handle(self, entry: Entry) -> list[Run | Save]:
        """Say what to do with a commit: nothing when it was heard of before."""
        if entry.sequence <= self.cursors.get(entry.cube, 0):
            return []
        self.cursors[entry.cube] = entry.sequence
        runs = [Run(event) for event in entry.events if self.listener.matches(event)]
        return [*runs, Save(entry.cube, entry.sequence)]


def first_cursors(mode: Mode, known: Cursors | None, heads: Cursors) -> Cursors:
    """Say where a listener begins.

    Parameters
    ----------
    mode : {"new", "catchup", "now"}
        Where it was, or with what comes from now on; where it was, or at the beginning; with what comes from now on.
    known : mapping of cube to sequence, optional
        Where it was; None for a listener that never ran.
    heads : mapping of cube to sequence
        End of the log.
    """
    if mode == "now":
        return heads
    if known is not None:
        return known
    return {} if mode == "catchup" else heads


def deliver(log: NoticeLog, listener: Listener) -> Delivery:
    """Bring a listener everything in the log that it has not heard of, in order.

    Where another thread or process is doing just that, it is left to them: whoever holds the right looks again
    after giving it back, so nothing stays behind.
    """
    total = Delivery()
    while log.is_behind(listener.name):
        with log.delivery(listener.name) as held:
            if not held:
                break
            total += _deliver_all(log, listener)
    return total


def _deliver_all(log: NoticeLog, listener: Listener) -> Delivery:
    total = Delivery()
    courier = Courier(listener, log.cursors(listener.name) or {})
    for entry in log.entries(after=dict(courier.cursors)):
        failures: list[tuple[Failure, TriggerError]] = []
        for instruction in courier.handle(entry):
            if isinstance(instruction, Run):
                failed = _run_triggers(listener, instruction.event)
                failures += failed
                total += Delivery(1, len(listener.triggers), tuple(error for _, error in failed))
            else:
                log.save(listener.name, instruction.cube, instruction.sequence, [failure for failure, _ in failures])
    return total


def _run_triggers(listener: Listener, event: Event) -> list[tuple[Failure, TriggerError]]:
    results = [(trigger, _run(listener, trigger, event)) for trigger in listener.triggers]
    return [
        (Failure(listener.name, event.id, trigger.type, str(error), datetime.now(UTC)), error)
        for trigger, error in results
        if error is not None
    ]


def _run(listener: Listener, trigger: Trigger, event: Event) -> TriggerError | None:
    try:
        trigger.run(event)
    except Exception as error:
        known = isinstance(error, TriggerError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        failure = TriggerError(
            f"Trigger {trigger.type!r} of listener {listener.name!r} failed for {event.id}: {reason}"
        )
        failure.__cause__ = error
        logger.error("%s", failure, exc_info=None if known else error)
        return failure
    return None
