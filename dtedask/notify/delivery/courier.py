"""Bringing news to one listener, as a pure state machine: no clock, no threads, no files.

For each item the triggers run in their order, each once. Those that failed are tried again when their delay is over;
the next item waits until every trigger has succeeded or was given up, so that news comes in order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from dtedask.notify.delivery.item import Item
from dtedask.notify.delivery.policy import Policy

__all__ = [
    "Arrived",
    "Courier",
    "Failed",
    "Finish",
    "Hand",
    "Instruction",
    "Keep",
    "Occurrence",
    "Pass",
    "Run",
    "Succeeded",
    "Try",
    "Wait",
    "Woken",
]

State = Literal["new", "waiting", "done", "dead", "skipped"]


@dataclass(frozen=True, slots=True)
class Try:
    """How far one trigger has come with the item in hand.

    Parameters
    ----------
    state : {"new", "waiting", "done", "dead", "skipped"}
        Not tried yet; to be tried again; succeeded; given up; given up and nobody minds.
    attempts : int
        Attempts so far.
    due : datetime, optional
        When it is tried again.
    error : str
        Why it failed last.
    """

    state: State = "new"
    attempts: int = 0
    due: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Hand:
    """The item that is being delivered, with one try for each trigger."""

    item: Item
    tries: tuple[Try, ...]


@dataclass(frozen=True, slots=True)
class Arrived:
    """The next item has come."""

    item: Item
    is_wanted: bool
    time: datetime


@dataclass(frozen=True, slots=True)
class Succeeded:
    """A trigger has succeeded."""

    trigger: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Failed:
    """A trigger has failed.

    Parameters
    ----------
    trigger : int
        Which one.
    error : str
        Why.
    time : datetime
        When.
    chance : float
        A random number in [0, 1).
    is_lasting : bool
        Whether the same would fail again.
    wait_s : float
        What the other side asked to wait.
    """

    trigger: int
    error: str
    time: datetime
    chance: float
    is_lasting: bool = False
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Woken:
    """Time has passed, or the process has started."""

    time: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """Instruction: run a trigger for the item in hand."""

    trigger: int
    hand: Hand


@dataclass(frozen=True, slots=True)
class Keep:
    """Instruction: remember how far the triggers have come, before anything else."""

    hand: Hand


@dataclass(frozen=True, slots=True)
class Wait:
    """Instruction: come again at this time; nothing else can be delivered until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Finish:
    """Instruction: remember that the item was heard of, and what was given up, at once."""

    hand: Hand


@dataclass(frozen=True, slots=True)
class Pass:
    """Instruction: the item is not wanted; it need not be looked at again."""

    stream: str
    place: int


Occurrence = Arrived | Succeeded | Failed | Woken
Instruction = Run | Keep | Wait | Finish | Pass


@dataclass(slots=True)
class Courier:
    """How far one listener has come; decides what happens next.

    Parameters
    ----------
    policies : sequence of Policy
        One for each trigger.
    cursors : dict of stream to place
        The last place in each stream that was heard of.
    hand : Hand, optional
        What was being delivered when the last courier ended.
    """

    policies: Sequence[Policy]
    cursors: dict[str, int] = field(default_factory=dict)
    hand: Hand | None = None
    _kept: Hand | None = field(init=False)

    def __post_init__(self) -> None:
        self._kept = self.hand

    def handle(self, occurrence: Occurrence) -> list[Instruction]:
        """Say what to do now."""
        match occurrence:
            case Arrived(item, is_wanted, time):
                return self._arrived(item, time, is_wanted=is_wanted)
            case Succeeded(trigger, time):
                self._set(trigger, lambda before: replace(before, state="done", attempts=before.attempts + 1, due=None))
                return self._go_on(time)
            case Failed():
                return self._failed(occurrence)
            case Woken(time):
                return self._go_on(time)

    def _arrived(self, item: Item, time: datetime, *, is_wanted: bool) -> list[Instruction]:
        if item.place <= self.cursors.get(item.stream, 0):
            return []
        if self.hand is not None:
            raise RuntimeError(f"{item} came while {self.hand.item} is in hand")
        if not is_wanted:
            self.cursors[item.stream] = item.place
            return [Pass(item.stream, item.place)]
        self.hand = Hand(item, tuple(Try() for _ in self.policies))
        return self._go_on(time)

    def _failed(self, failed: Failed) -> list[Instruction]:
        policy = self.policies[failed.trigger]

        def after(before: Try) -> Try:
            attempts = before.attempts + 1
            if not policy.allows(attempts, is_lasting=failed.is_lasting):
                return Try("dead" if policy.required else "skipped", attempts, None, failed.error)
            delay = policy.delay(attempts, failed.chance, at_least_s=failed.wait_s)
            return Try("waiting", attempts, failed.time + delay, failed.error)

        hand = self._set(failed.trigger, after)
        following = self._go_on(failed.time)
        return following if isinstance(following[0], Finish | Keep) else [*self._keep(hand), *following]

    def _go_on(self, time: datetime) -> list[Instruction]:
        hand = self.hand
        if hand is None:
            return []
        for number, one in enumerate(hand.tries):
            if one.state == "new":
                return [Run(number, hand)]
        waiting = sorted((one.due, number) for number, one in enumerate(hand.tries) if one.due is not None)
        if waiting:
            due, number = waiting[0]
            return [Run(number, hand)] if due <= time else [*self._keep(hand), Wait(due)]
        self.hand = None
        self.cursors[hand.item.stream] = max(self.cursors.get(hand.item.stream, 0), hand.item.place)
        return [Finish(hand)]

    def _keep(self, hand: Hand) -> list[Instruction]:
        if hand == self._kept:
            return []
        self._kept = hand
        return [Keep(hand)]

    def _set(self, trigger: int, change: Callable[[Try], Try]) -> Hand:
        if self.hand is None:
            raise RuntimeError(f"trigger {trigger} ended with nothing in hand")
        tries = list(self.hand.tries)
        tries[trigger] = change(tries[trigger])
        self.hand = Hand(self.hand.item, tuple(tries))
        return self.hand
