"""The loop around the couriers: reads, runs triggers and writes down what came of it."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from threading import Event as Signal
from typing import TYPE_CHECKING

from dtedask.core.errors import TriggerError
from dtedask.notify.delivery.courier import (
    Arrived,
    Courier,
    Failed,
    Finish,
    Hand,
    Instruction,
    Keep,
    Occurrence,
    Pass,
    Run,
    Succeeded,
    Try,
    Wait,
    Woken,
)
from dtedask.notify.delivery.delivered import Delivery
from dtedask.notify.delivery.item import Item, News
from dtedask.notify.delivery.letters import DeadLetter
from dtedask.notify.delivery.matching import Wants
from dtedask.notify.delivery.policy import policy_of

if TYPE_CHECKING:
    from dtedask.notify.delivery.sources import Source
    from dtedask.notify.delivery.state import DeliveryState
    from dtedask.notify.listeners import Listener
    from dtedask.notify.triggers import Trigger

__all__ = ["Carrier", "label_of", "utc_now"]

logger = logging.getLogger(__name__)


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def label_of(trigger: Trigger) -> str:
    """Say what a trigger is called."""
    return str(getattr(trigger, "name", "") or trigger.type)


class Carrier:
    """Brings one listener all that it asks for from one source.

    Parameters
    ----------
    listener : Listener
        Who is to hear.
    source : Source
        Where the news comes from.
    state : DeliveryState
        Where it is remembered.
    wants : callable, optional
        What it asks for; by default what its MARS request says.
    clock : callable
        Gives the time, UTC.
    chance : callable
        Gives random numbers in [0, 1), for the delays.
    """

    def __init__(
        self,
        listener: Listener,
        source: Source,
        state: DeliveryState,
        *,
        wants: Wants | None = None,
        clock: Callable[[], datetime] = utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.listener = listener
        self.source = source
        self.state = state
        self.wants = wants or listener.wants
        self._clock = clock
        self._chance = chance
        self._labels = [label_of(trigger) for trigger in listener.triggers]
        self._unwritten: list[Callable[[], None]] = []
        self.heard: Mapping[str, int] | None = None
        """Up to where nothing is left to do, as far as this process knows."""

    @property
    def name(self) -> str:
        """Name of the listener."""
        return self.listener.name

    def has_heard(self, places: Mapping[str, int]) -> bool:
        """Whether nothing is left to do up to these places, as far as this process knows."""
        heard = self.heard
        return heard is not None and all(heard.get(stream, 0) >= place for stream, place in places.items())

    def deliver(self, stop: Signal | None = None) -> Delivery:
        """Deliver what there is and what is due, in order, and wait for nothing.

        Where another thread or process is doing just that, it is left to them: whoever holds the right looks again
        after giving it back, so nothing stays behind.

        Parameters
        ----------
        stop : threading.Event, optional
            Ends it after the trigger that runs when it is set.

        Raises
        ------
        NoticeError
            If the log cannot be read, or what was done cannot be written down; that is then the first thing that the
            next call does.
        """
        stop, total = stop or Signal(), Delivery()
        while self._has_work():
            with self.state.right(self.name) as held:
                if not held:
                    return total
                total += self._round(stop)
            if total.due is not None or stop.is_set():
                return total
        return total

    def _has_work(self) -> bool:
        if self._unwritten:
            return True
        cursors = self.state.cursors(self.name, self.source.event_type)
        if cursors is None:
            return False
        heads = self.source.heads()
        if any(head > cursors.get(stream, 0) for stream, head in heads.items()):
            return True
        if self.state.hand(self.name, self._labels) is not None:
            return True
        self.heard = heads
        return False

    def _round(self, stop: Signal) -> Delivery:
        self.write()
        heads = self.source.heads()
        cursors = self.state.cursors(self.name, self.source.event_type) or {}
        courier = Courier(
            [policy_of(trigger) for trigger in self.listener.triggers],
            dict(cursors),
            self.state.hand(self.name, self._labels),
        )
        one = _Round(self, courier, stop)
        try:
            if one.handle(Woken(self.now())) and one.handle_all(self.source.items(cursors)):
                # What is gone, such as the last notifications that somebody deleted, need not be looked for again.
                one.passed.update(heads)
                self.heard = heads
        finally:
            if one.passed:
                self.write(lambda: self.state.save(self.name, one.passed))
        return one.total

    def now(self) -> datetime:
        """Return the time."""
        return self._clock()

    def attempt(self, number: int, news: News) -> Exception | None:
        """Run a trigger; gives what it raised."""
        try:
            self.listener.triggers[number].run(news)
        except Exception as error:  # noqa: BLE001 - whatever a trigger raises is its failure
            return error
        return None

    def failed(self, number: int, error: Exception) -> Failed:
        """Say how a trigger failed."""
        return Failed(
            number,
            str(error) if isinstance(error, TriggerError) else f"{type(error).__name__}: {error}",
            self.now(),
            self._chance(),
            is_lasting=bool(getattr(error, "is_lasting", False)),
            wait_s=float(getattr(error, "wait_s", 0.0)),
        )

    def keep(self, hand: Hand, passed: Mapping[str, int]) -> None:
        """Write down how far the triggers have come."""
        self.write(lambda: self.state.keep(self.name, hand, self._labels, passed))

    def finish(self, hand: Hand, passed: Mapping[str, int]) -> None:
        """Write down that an item was heard of, with the dead letters."""
        letters = [self._letter(hand, number) for number, one in enumerate(hand.tries) if one.state == "dead"]
        self.write(lambda: self.state.finish(self.name, {**passed, hand.item.stream: hand.item.place}, letters))

    def write(self, action: Callable[[], None] | None = None) -> None:
        """Do what was not yet written down, and this; it is kept in memory until it succeeds."""
        if action is not None:
            self._unwritten.append(action)
        while self._unwritten:
            self._unwritten[0]()
            del self._unwritten[0]

    def failure(self, hand: Hand, failed: Failed, cause: Exception) -> TriggerError:
        """Tell of a trigger that failed, in the log of the process and as an error."""
        one, label = hand.tries[failed.trigger], self._labels[failed.trigger]
        error = TriggerError(
            f"Trigger {label!r} of listener {self.name!r} failed for {_id(hand.item)}: {failed.error}"
            + _what_follows(one, failed.time)
        )
        error.__cause__ = cause
        level = logging.ERROR if one.state == "dead" else logging.WARNING
        logger.log(level, "%s", error, exc_info=None if isinstance(cause, TriggerError) else cause)
        return error

    def _letter(self, hand: Hand, number: int) -> DeadLetter:
        one, item = hand.tries[number], hand.item
        if item.news is None:
            raise ValueError(f"{item} holds no news")
        return DeadLetter(
            number=0,
            listener=self.name,
            document=self.listener.document,
            event_type=self.source.event_type,
            stream=item.stream,
            place=item.place,
            news=item.news,
            trigger=number,
            label=self._labels[number],
            error=one.error,
            attempts=one.attempts,
            time=self.now(),
        )


class _Round:
    """One go through what there is: instructions of the courier are followed until it has to wait."""

    def __init__(self, carrier: Carrier, courier: Courier, stop: Signal) -> None:
        self.total = Delivery()
        self.passed: dict[str, int] = {}
        self._carrier = carrier
        self._courier = courier
        self._stop = stop

    def handle_all(self, items: Iterator[Item]) -> bool:
        """Handle items; False where not all could be."""
        carrier = self._carrier
        for item in items:
            wanted = item.news is not None and carrier.wants(item.news)
            if self._stop.is_set() or not self.handle(Arrived(item, wanted, carrier.now())):
                return False
        return True

    def handle(self, occurrence: Occurrence) -> bool:
        """Do what follows from an occurrence; False where that ends the round."""
        instructions = self._courier.handle(occurrence)
        while instructions:
            following: list[Instruction] = []
            for instruction in instructions:
                match instruction:
                    case Run(trigger, hand):
                        if self._stop.is_set():
                            self._carrier.keep(hand, self._take_passed())
                            return False
                        following = self._run(trigger, hand)
                    case Wait(until):
                        self.total += Delivery(due=until)
                        return False
                    case Keep(hand):
                        self._carrier.keep(hand, self._take_passed())
                    case Finish(hand):
                        self._carrier.finish(hand, self._take_passed())
                        self.total += Delivery(events=1)
                    case Pass(stream, place):
                        self.passed[stream] = place
            instructions = following
        return True

    def _run(self, trigger: int, hand: Hand) -> list[Instruction]:
        if hand.item.news is None:
            raise ValueError(f"{hand.item} holds no news")
        self.total += Delivery(triggers=1)
        error = self._carrier.attempt(trigger, hand.item.news)
        if error is None:
            return self._courier.handle(Succeeded(trigger, self._carrier.now()))
        failed = self._carrier.failed(trigger, error)
        following = self._courier.handle(failed)
        after = next(one.hand for one in following if isinstance(one, Keep | Finish))
        told = self._carrier.failure(after, failed, error)
        match after.tries[trigger].state:
            case "dead":
                self.total += Delivery(failures=(told,))
            case "waiting":
                self.total += Delivery(postponed=(told,))
        return following

    def _take_passed(self) -> dict[str, int]:
        passed, self.passed = self.passed, {}
        return passed


def _what_follows(one: Try, time: datetime) -> str:
    """Say how it goes on with a trigger that failed."""
    if one.due is not None:
        return f" (attempt {one.attempts}; again in {(one.due - time).total_seconds():.2g} s)"
    if one.state == "skipped":
        return " (it is not required)"
    return f" ({one.attempts} attempts)" if one.attempts > 1 else ""


def _id(item: Item) -> str:
    return item.news.id if item.news is not None else f"{item.stream}@{item.place}"
