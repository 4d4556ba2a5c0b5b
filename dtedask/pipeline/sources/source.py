"""What a source is: fields in order, each step followed by a flush, and how far a reader has come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dtedask.core.cores import cores
from dtedask.pipeline.message import Message
from dtedask.pipeline.sources.order import flush_after

if TYPE_CHECKING:
    import numpy as np

    from dtedask.grib import Coordinate, FieldDescription
    from dtedask.pipeline.graph.compute import Graph

__all__ = ["AtRest", "DType", "Moment", "Source", "Unread"]

DType = Literal["float32", "float64"]
Moment = tuple[int, str, str, str]
"""Valid time in seconds since 1970, then date, time and step."""


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
        self._places: dict[str, Mapping[str, Coordinate]] = {}

    @abstractmethod
    def steps(self, after: Moment | None = None) -> Iterator[tuple[Moment, Sequence[Unread]]]:
        """Give the fields of each step, in order of time; `after` leaves out what comes before that step."""

    @property
    def position(self) -> dict[str, Any]:
        """See `Source`: the step, and how many of its messages were given."""
        return {} if self._moment is None else {"moment": list(self._moment), "index": self._index}

    def messages(self, position: Mapping[str, Any] | None = None) -> Iterator[Message]:
        """See `Source`; fields are read ahead, a few at a time."""
        width = cores()
        with ThreadPoolExecutor(width, thread_name_prefix="read-ahead") as pool:
            ahead: deque[tuple[Message, Any, Moment, int]] = deque()
            for message, unread, moment, index in self._from(position):
                ahead.append((message, pool.submit(unread.read) if unread else None, moment, index))
                if len(ahead) > width:
                    yield self._given(*ahead.popleft())
            while ahead:
                yield self._given(*ahead.popleft())

    def nodes(self, graph: Graph, position: Mapping[str, Any] | None = None) -> Iterator[Message]:
        """Give the same messages with values that a graph will read."""
        for message, unread, moment, index in self._from(position):
            self._moment, self._index = moment, index
            yield (
                message
                if unread is None
                else message.replaced(values=graph.source("read", unread.read, token=unread.token))
            )

    def _given(self, message: Message, values: Any, moment: Moment, index: int) -> Message:
        self._moment, self._index = moment, index
        return message if values is None else message.replaced(values=values.result())

    def _from(self, position: Mapping[str, Any] | None) -> Iterator[tuple[Message, Unread | None, Moment, int]]:
        """Messages without their values, each with the position behind it."""
        after: Moment | None = tuple(position["moment"]) if position else None
        for moment, fields in self.steps(after):
            begin = int(position["index"]) if position and moment == after else 0
            for index, unread in enumerate(fields[begin:], begin + 1):
                yield self._message(unread), unread, moment, index
            if begin <= len(fields):
                yield flush_after(moment[1:]), None, moment, len(fields) + 1

    def _message(self, unread: Unread) -> Message:
        uid = unread.description.grid.uid
        if uid not in self._places:
            self._places[uid] = unread.coordinates()
        return Message.of_field(unread.description, None, coordinates=self._places[uid], origin=unread.origin)
