"""What a source is: fields in order, each step followed by a flush, and how far a reader has come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from dtedask.core.cores import cores
from dtedask.pipeline.message import Message
from dtedask.pipeline.sources.order import Moment, flush_after, in_one_order, moment_key, order_of

if TYPE_CHECKING:
    import numpy as np

    from dtedask.grib import Coordinate, FieldDescription
    from dtedask.pipeline.graph.compute import Graph

__all__ = ["AtRest", "DType", "Moment", "Places", "Source", "Unread", "by_moment", "numbered", "read_ahead"]

Mark = TypeVar("Mark")
DType = Literal["float32", "float64"]


class Source(ABC):
    """Where messages come from.

    `position` holds right after a message was given: what JSON can keep of it, handed to `messages` again, makes the
    next message the first one.
    """

    @property
    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What the source is, to tell whether a position belongs to it."""

    @property
    @abstractmethod
    def position(self) -> dict[str, Any]:
        """Where the next message begins."""

    @property
    def total(self) -> int | None:
        """Number of fields; None where that is not known."""
        return None

    @property
    def is_over(self) -> bool:
        """Whether nothing follows the messages that were given: not where a live stream was told to stop."""
        return True

    @abstractmethod
    def messages(self, position: Mapping[str, Any] | None = None) -> Iterator[Message]:
        """Give fields with their values, and after the last one of each step a flush of the kind ``step``.

        Parameters
        ----------
        position : mapping, optional
            Where to begin; what comes before is not read.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Unread:
    """A field that is not read yet; it travels.

    Parameters
    ----------
    description : FieldDescription
        What it is.
    read : callable
        Gives its values as float64, in the order of its grid.
    coordinates : callable
        Gives the coordinates of its grid.
    origin : str
        Where it is, for errors.
    token : str
        Stands for its values in the name of a task.
    """

    description: FieldDescription
    read: Callable[[], np.ndarray]
    coordinates: Callable[[], Mapping[str, Coordinate]]
    origin: str
    token: str


class AtRest(Source):
    """A source that knows all of its fields: they come in the order of their valid times."""

    def __init__(self) -> None:
        self._moment: Moment | None = None
        self._index = 0
        self._places = Places()

    @abstractmethod
    def steps(self, after: Moment | None = None) -> Iterator[tuple[Moment, Sequence[Unread]]]:
        """Give the fields of each step, in order of time; `after` leaves out what comes before that step."""

    @property
    def position(self) -> dict[str, Any]:
        """See `Source`: the step, and how many of its messages were given."""
        return {} if self._moment is None else {"moment": list(self._moment), "index": self._index}

    def messages(self, position: Mapping[str, Any] | None = None) -> Iterator[Message]:
        """See `Source`; fields are read ahead, a few at a time."""
        for message, (moment, index) in read_ahead(self._from(position)):
            self._moment, self._index = moment, index
            yield message

    def nodes(self, graph: Graph, position: Mapping[str, Any] | None = None) -> Iterator[Message]:
        """Give the same messages with values that a graph will read."""
        for message, unread, (moment, index) in self._from(position):
            self._moment, self._index = moment, index
            yield (
                message
                if unread is None
                else message.replaced(values=graph.source("read", unread.read, token=unread.token))
            )

    def _from(self, position: Mapping[str, Any] | None) -> Iterator[tuple[Message, Unread | None, tuple[Moment, int]]]:
        """Messages without their values, each with the position behind it."""
        after: Moment | None = tuple(position["moment"]) if position else None
        for moment, fields in self.steps(after):
            begin = int(position["index"]) if position and moment == after else 0
            for index, unread in enumerate(fields[begin:], begin + 1):
                yield self._places.message(unread), unread, (moment, index)
            if begin <= len(fields):
                yield flush_after(moment[1:]), None, (moment, len(fields) + 1)


class Places:
    """Coordinates of the grids that were met: one object for all fields of a grid."""

    def __init__(self) -> None:
        self._known: dict[str, Mapping[str, Coordinate]] = {}

    def message(self, unread: Unread) -> Message:
        """A field as a message without its values."""
        uid = unread.description.grid.uid
        if uid not in self._known:
            self._known[uid] = unread.coordinates()
        known = in_one_order(unread.description)
        return Message.of_field(known, None, coordinates=self._known[uid], origin=unread.origin)


def by_moment(fields: Iterable[Unread]) -> list[tuple[Moment, list[Unread]]]:
    """Fields step by step, in order of time; those of a step in the order of their keys."""
    found: dict[Moment, list[Unread]] = {}
    for one in sorted(fields, key=lambda unread: order_of(unread.description.keys)):
        found.setdefault(moment_key(one.description.keys), []).append(one)
    return sorted(found.items())


def numbered(places: Places, fields: Iterable[Unread]) -> Iterator[tuple[Message, Unread | None, int]]:
    """Messages of fields that came together, with their flushes; each with its number, counted from 1."""
    index = 0
    for moment, found in by_moment(fields):
        for one in found:
            index += 1
            yield places.message(one), one, index
        index += 1
        yield flush_after(moment[1:]), None, index


def read_ahead(messages: Iterable[tuple[Message, Unread | None, Mark]]) -> Iterator[tuple[Message, Mark]]:
    """Fill in the values of messages, a few of which are read at a time; each with the mark that came with it."""
    width = cores()
    pool = ThreadPoolExecutor(width, thread_name_prefix="read-ahead")
    ahead: deque[tuple[Message, Future[np.ndarray] | None, Mark]] = deque()
    try:
        for message, unread, mark in messages:
            ahead.append((message, pool.submit(unread.read) if unread else None, mark))
            if len(ahead) > width:
                yield _filled(*ahead.popleft())
        while ahead:
            yield _filled(*ahead.popleft())
    finally:
        # Whoever breaks off leaves this to the collector, which may run in a thread of the pool: nothing waits for it.
        pool.shutdown(wait=False, cancel_futures=True)


def _filled(message: Message, values: Future[np.ndarray] | None, mark: Mark) -> tuple[Message, Mark]:
    return (message if values is None else message.replaced(values=values.result())), mark
