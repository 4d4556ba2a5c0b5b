"""Stages of a run: code says which stage it is in, and whoever listens in the context hears of it.

Nobody has to be passed down: `listening_to_stages` sets a context variable, which threads see that copy the context.
Without a listener a stage costs one look at that variable.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, TypeVar

StageName = Literal[
    "cluster", "survey", "write", "merge", "commit", "announce", "catalog", "series", "pipeline", "products"
]
Entered = TypeVar("Entered")


class StageListener:
    """Hears of stages, from any thread; subclasses say what they want to hear."""

    def stage_began(self, stage: stage) -> None:
        """A stage begins; it lies within those that began before it and have not ended."""

    def stage_noted(self, text: str) -> None:
        """Something to know of the stage under way, such as what it waits for."""

    def stage_ended(self, stage: stage, error: BaseException | None) -> None:
        """A stage has ended, by an error or without one."""

    def task_ended(self, name: str, seconds: float, *, again: bool) -> None:
        """A task of this process ended, or one anywhere failed and is done again."""


_listeners: ContextVar[tuple[StageListener, ...]] = ContextVar("dtedask-stages", default=())


class stage:  # noqa: N801 - used as a function: `with stage("write"):`
    """Say that what runs inside is a stage of the run.

    Parameters
    ----------
    name : str
        Which stage.
    detail : str
        What it works on, such as a cube.
    beside : bool
        Whether it runs in the background, beside the others. Its time counts where no other stage is under way, and
        nested stages are not told of: they are part of it.
    """

    __slots__ = ("_heard_by", "_token", "beside", "detail", "name")

    def __init__(self, name: StageName, *, detail: str = "", beside: bool = False) -> None:
        self.name: str = name
        self.detail = detail
        self.beside = beside
        self._heard_by: tuple[StageListener, ...] = ()
        self._token: Token[tuple[StageListener, ...]] | None = None

    def __enter__(self) -> None:
        self._heard_by = _listeners.get()
        for listener in self._heard_by:
            listener.stage_began(self)
        if self.beside:
            self._token = _listeners.set(())

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            _listeners.reset(self._token)
        for listener in reversed(self._heard_by):
            listener.stage_ended(self, error)


class staged(AbstractContextManager[Entered]):  # noqa: N801 - as `stage`
    """Count entering and leaving a context as a stage, and not what runs inside.

    Parameters
    ----------
    name : str
        Which stage.
    context : context manager
        What is entered and left.
    detail : str
        What it is about.
    """

    def __init__(self, name: StageName, context: AbstractContextManager[Entered], *, detail: str = "") -> None:
        self._name, self._detail = name, detail
        self._context = context

    def __enter__(self) -> Entered:
        with stage(self._name, detail=self._detail):
            return self._context.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        with stage(self._name, detail=self._detail):
            return self._context.__exit__(kind, error, traceback)


def note(text: str) -> None:
    """Tell listeners something of the stage under way, such as "waiting for workers: 0 of 4"."""
    for listener in _listeners.get():
        listener.stage_noted(text)


def task_ended(name: str, seconds: float = 0.0, *, again: bool = False) -> None:
    """Tell listeners of a task that only this process knows of.

    Parameters
    ----------
    name : str
        What tasks of its kind are called.
    seconds : float
        How long it took.
    again : bool
        Whether it failed and is done again.
    """
    for listener in _listeners.get():
        listener.task_ended(name, seconds, again=again)


@contextmanager
def listening_to_stages(listener: StageListener) -> Iterator[None]:
    """Have a listener hear of all stages inside, beside those that listen already."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


@dataclass(frozen=True, slots=True)
class Span:
    """One stage from begin to end.

    Parameters
    ----------
    name, detail : str
        Which stage, and what it worked on.
    begin_s, end_s : float
        Seconds since the recorder began.
    """

    name: str
    detail: str
    begin_s: float
    end_s: float


class StageTimes(StageListener):
    """A listener that counts the time of stages; nested time counts once, so the times add up to the whole.

    Each moment belongs to the stage that began last and has not ended; to one that runs beside the others only where
    there is no other. What belongs to none is ``"other"``.

    Parameters
    ----------
    clock : callable
        Gives seconds that never go back.
    most_spans : int
        So many spans are kept, the first; times and counts are complete all the same.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter, *, most_spans: int = 2000) -> None:
        self._clock = clock
        self._most_spans = most_spans
        self._lock = threading.Lock()
        self._begin = self._before = clock()
        self._open: list[tuple[stage, float]] = []
        self._seconds: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._spans: list[Span] = []

    def stage_began(self, stage: stage) -> None:
        """Count until now for what was under way."""
        with self._lock:
            self._open.append((stage, self._credit()))
            self._counts[stage.name] = self._counts.get(stage.name, 0) + 1
            self._seconds.setdefault(stage.name, 0.0)

    def stage_ended(self, stage: stage, _error: BaseException | None) -> None:
        """Count until now for what was under way."""
        with self._lock:
            now = self._credit()
            place = next(place for place in reversed(range(len(self._open))) if self._open[place][0] is stage)
            _, begin = self._open.pop(place)
            if len(self._spans) < self._most_spans:
                self._spans.append(Span(stage.name, stage.detail, begin - self._begin, now - self._begin))

    @property
    def seconds(self) -> dict[str, float]:
        """Time of each stage until now, in the order in which they first began; then ``"other"``."""
        with self._lock:
            self._credit()
            return {name: took for name, took in self._seconds.items() if name != _OTHER} | {
                _OTHER: self._seconds.get(_OTHER, 0.0)
            }

    @property
    def counts(self) -> dict[str, int]:
        """How often each stage began."""
        with self._lock:
            return dict(self._counts)

    @property
    def spans(self) -> tuple[Span, ...]:
        """Stages that have ended, in the order of their ends."""
        with self._lock:
            return tuple(self._spans)

    @property
    def total_s(self) -> float:
        """Time since the beginning, which is the sum of `seconds`."""
        return self._clock() - self._begin

    def _credit(self) -> float:
        now = self._clock()
        before_others = [stage for stage, _ in self._open if not stage.beside] or [stage for stage, _ in self._open]
        owner = before_others[-1].name if before_others else _OTHER
        self._seconds[owner] = self._seconds.get(owner, 0.0) + now - self._before
        self._before = now
        return now


_OTHER = "other"
