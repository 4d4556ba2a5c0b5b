"""Which tasks of a transaction run next, after some have failed: a state machine, which runs nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dtedask.core.errors import TaskMemoryError, WorkerLostError
from dtedask.core.sizes import size_text

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 20.0


@dataclass(frozen=True)
class Work:
    """Tasks of one kind.

    Parameters
    ----------
    name : str
        What the dashboard calls them.
    function : callable
        Does one batch; its last argument.
    shared : object, optional
        The first argument of all; it travels once.
    memory : callable, optional
        Bytes that a task of a batch holds at most.
    about : callable, optional
        What to call an item of a batch in an error.
    is_repeatable : bool
        Whether a task that failed half-way may run again.
    """

    name: str
    function: Callable[..., Any]
    shared: Any = None
    memory: Callable[[Sequence[Any]], int] | None = None
    about: Callable[[Any], str] | None = None
    is_repeatable: bool = True

    def named(self, items: Sequence[Any]) -> str:
        """A task of some items, for people."""
        one = self.about(items[0]) if self.about else "its only item"
        rest = f" and {len(items) - 1} more" if len(items) > 1 else ""
        return f"The task {self.name!r} of {one}{rest}"


@dataclass(frozen=True, slots=True)
class Room:
    """What there is to run tasks in.

    Parameters
    ----------
    of : str
        What to call it in an error, such as ``"a worker"``.
    places : int
        Processes.
    threads : int
        Tasks side by side in all of them.
    memory_bytes : int, optional
        What each process has; None where that is not known.
    """

    of: str
    places: int
    threads: int
    memory_bytes: int | None

    def most(self, need_bytes: int) -> int:
        """Tasks that may run side by side when each needs so much."""
        if self.memory_bytes is None or need_bytes <= 0:
            return self.threads
        a_place = max(self.memory_bytes * 7 // 10 // need_bytes, 1)  # the rest is for the libraries and for results
        return min(self.places * a_place, self.threads)


@dataclass(frozen=True, slots=True)
class Piece:
    """A batch, or a part of one that was cut.

    Parameters
    ----------
    place : tuple of int
        Number of the batch, then which half, and which half of that.
    items : sequence
        What the task does.
    tries : int
        How often it has failed for other reasons than memory.
    is_alone : bool
        Whether nothing may run beside it.
    """

    place: tuple[int, ...]
    items: Sequence[Any]
    tries: int = 0
    is_alone: bool = False

    def halves(self) -> list[Piece]:
        """Two pieces in place of this one."""
        middle = len(self.items) // 2
        parts = (self.items[:middle], self.items[middle:])
        return [replace(self, place=(*self.place, number), items=part) for number, part in enumerate(parts)]


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a task has no result.

    Parameters
    ----------
    kind : {"memory", "lost", "passing"}
        Too little memory; its worker died, one does not know why; something that may be gone the next time.
    error : Exception
        What was raised.
    told : str
        What is known of the workers, and the end of their logs.
    """

    kind: Literal["memory", "lost", "passing"]
    error: BaseException
    told: str = ""

    def __str__(self) -> str:
        why = {"memory": "too little memory", "lost": "its worker died", "passing": f"{self.error}"}
        return f"{why[self.kind]}. {self.told}".rstrip(" ")


@dataclass(frozen=True, slots=True)
class Wave:
    """Pieces to run now.

    Parameters
    ----------
    pieces : list of Piece
        The pieces.
    most : int, optional
        How many may run, or wait in a worker, at once; None for all.
    pause_s : float
        How long to wait before.
    """

    pieces: list[Piece]
    most: int | None
    pause_s: float


@dataclass
class Attempts:
    """The pieces of some work until each has a result.

    Parameters
    ----------
    work : Work
        What is done.
    batches : iterable of sequence
        The tasks.
    room : Room
        Where they run.
    retries : int
        How often a task runs again that failed for a reason which may pass.

    Raises
    ------
    TaskMemoryError
        If one item alone needs more memory than there is.
    """

    work: Work
    batches: Iterable[Sequence[Any]]
    room: Room
    retries: int
    again: int = 0  # tasks that were run again, or in parts
    _waiting: list[Piece] = field(default_factory=list)
    _done: dict[tuple[int, ...], Any] = field(default_factory=dict)
    _most: int = 1
    _was_short: bool = False

    def __post_init__(self) -> None:
        most_needed = 0
        for number, batch in enumerate(self.batches):
            for piece, needed in self._fitting(Piece((number,), batch)):
                self._waiting.append(piece)
                most_needed = max(most_needed, needed)
        self._most = self.room.most(most_needed)

    def wave(self) -> Wave | None:
        """What is to run next; None when all is done."""
        if self._was_short:
            self._most = max(self._most // 2, min(self._most, self.room.places))
            self._was_short = False
        self._waiting.sort(key=lambda piece: piece.place)
        together = [piece for piece in self._waiting if not piece.is_alone]
        chosen = together or self._waiting
        if not chosen:
            return None
        self._waiting = [piece for piece in self._waiting if piece.is_alone] if together else []
        tries = max(piece.tries for piece in chosen)
        pause = min(_FIRST_PAUSE_S * 4 ** (tries - 1), _LONGEST_PAUSE_S) if tries else 0.0
        most = self._most if self._most < self.room.threads else None
        return Wave(chosen, most if together else 1, pause)

    def done(self, piece: Piece, result: Any) -> None:
        """A piece has a result."""
        self._done[piece.place] = result

    def failed(self, piece: Piece, why: Failed) -> None:
        """A piece has none.

        Raises
        ------
        TaskMemoryError
            If it is one item that ran alone, and memory was short.
        WorkerLostError
            If it is one item whose workers died again and again.
        Exception
            What was raised, if it did not pass.
        """
        self.again += 1
        if not self.work.is_repeatable:
            raise self._too_large(piece) if why.kind == "memory" else why.error
        if why.kind == "passing":
            if piece.tries >= self.retries:
                raise why.error
            self._waiting.append(replace(piece, tries=piece.tries + 1))
        elif len(piece.items) > 1:
            self._was_short = True
            self._waiting += piece.halves()
        elif why.kind == "memory":
            self._short(piece, why)
        else:
            self._lost(piece, why)

    @property
    def results(self) -> list[Any]:
        """The results in the order of the items."""
        return [self._done[place] for place in sorted(self._done)]

    def _fitting(self, piece: Piece) -> list[tuple[Piece, int]]:
        """Parts of a piece that have room, and what each needs."""
        needed = self._needs(piece)
        if self.room.memory_bytes is None or needed <= self.room.memory_bytes:
            return [(piece, needed)]
        if len(piece.items) > 1:
            return [part for half in piece.halves() for part in self._fitting(half)]
        raise self._too_large(piece)

    def _needs(self, piece: Piece) -> int:
        return self.work.memory(piece.items) if self.work.memory is not None else 0

    def _short(self, piece: Piece, why: Failed) -> None:
        if piece.is_alone or self._most == 1:
            raise self._too_large(piece, why.told) from why.error
        self._waiting.append(replace(piece, is_alone=True))

    def _lost(self, piece: Piece, why: Failed) -> None:
        if piece.tries >= self.retries:
            what, times = self.work.named(piece.items), self.retries + 1
            raise WorkerLostError(
                f"Every worker of t{what[1:]} died while it ran, {times} times over. {why.told}",
                hint="Look at the logs of the jobs; the same again does only what is missing.",
            ) from why.error
        self._waiting.append(replace(piece, tries=piece.tries + 1, is_alone=True))

    def _too_large(self, piece: Piece, told: str = "") -> TaskMemoryError:
        has = "" if self.room.memory_bytes is None else f", and {self.room.of} has {size_text(self.room.memory_bytes)}"
        needs = (
            f"needs about {size_text(self._needs(piece))}" if self.work.memory else "needs more memory than there is"
        )
        return TaskMemoryError(
            f"{self.work.named(piece.items)} {needs}{has}. {told}".rstrip(" "),
            hint="Give it more memory: `memory` of the profile, with fewer workers or threads.",
        )
