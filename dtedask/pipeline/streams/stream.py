"""The way of a running model into a plan: the calls of MultIO, from Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Condition
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dtedask.core.errors import FieldError, PlanError
from dtedask.pipeline.actions.aggregate import WHOLE
from dtedask.pipeline.message import Kind, Message
from dtedask.pipeline.plan import Plan
from dtedask.pipeline.runs.running import Resume
from dtedask.pipeline.streams.flush_counts import FlushCounts
from dtedask.pipeline.streams.stream_metadata import Grids, keys_of, values_of
from dtedask.pipeline.streams.stream_progress import Progress

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.grib import Coordinate
    from dtedask.pipeline.runs.summary import RunSummary

__all__ = ["Client", "Stream"]

Metadata = Mapping[str, Any]


class Client:
    """One of the sources of a stream; several may write side by side, each from a thread of its own.

    Made by `Stream.client`.

    Parameters
    ----------
    stream : Stream
        Where it writes to.
    source : str
        What it is called: fields of a domain say so which part they are.
    """

    def __init__(self, stream: Stream, source: str) -> None:
        self._stream = stream
        self.source = source

    def write_domain(self, metadata: Metadata, definition: Sequence[int] | np.ndarray) -> None:
        """Say which points of a field this source holds, before its first field.

        Parameters
        ----------
        metadata : mapping
            ``name`` of the domain, ``representation`` (``unstructured`` or ``structured``), ``globalSize``, and where
            it is known ``domainCount``, the number of sources.
        definition : sequence of int
            Unstructured: the global index of each value. Structured: ni_global, nj_global, ibegin, ni, jbegin, nj,
            data_dim, data_ibegin, data_ni, data_jbegin, data_nj, and how many points all sources hold together, if
            some belong to nobody.
        """
        numbers = np.array(definition)
        if numbers.dtype.kind not in "iu":
            raise FieldError(f"A domain is described by integers, not {numbers.dtype}.")
        self._send(Kind.DOMAIN, metadata, numbers)

    def write_mask(self, metadata: Metadata, values: Sequence[float] | np.ndarray) -> None:
        """Say which points count: those whose value is not 0.

        Parameters
        ----------
        metadata : mapping
            ``domain``, and whatever tells masks apart, such as ``name`` and ``level``.
        values : sequence of numbers or booleans
            Of the part that this source holds.
        """
        self._send(Kind.MASK, metadata, np.asarray(values) != 0)

    def write_field(self, metadata: Metadata, values: Sequence[float] | np.ndarray) -> None:
        """Write a field, or the part of it that this source holds.

        Parameters
        ----------
        metadata : mapping
            Its MARS keys, in any form that requests have; ``domain`` if it is a part; ``grid`` if the domain does not
            say where its points are; ``missingValue`` if it has missing points; ``timeStep`` in seconds if ``step``
            counts time steps; anything else that the plan asks for.
        values : sequence of numbers
            float32 or float64. They are copied: the model may use its array again.
        """
        keys = keys_of(metadata)
        message = self._stream.field(keys, values_of(values, keys), self.source)
        self._stream.feed(message)

    def write_grib(self, data: bytes) -> None:
        """Write the fields of GRIB messages that stand back to back."""
        from dtedask.grib import coordinates, decode, scan

        places: dict[str, Mapping[str, Coordinate]] = {}
        for found in scan(data):
            uid = found.field.grid.uid
            if uid not in places:
                places[uid] = coordinates(found)
            values = decode(found.read(), found.field.order, dtype="float64")
            self._stream.feed(Message.of_field(found.field, values, coordinates=places[uid], origin=self._origin))

    def flush(self, metadata: Metadata | None = None) -> None:
        """Say that this source has written all of a step.

        Parameters
        ----------
        metadata : mapping, optional
            ``step``, ``date`` and ``time`` of the step; ``domain``, if only its fields are meant; ``flushKind`` if it
            is another than ``step``.
        """
        keys = keys_of({"flushKind": "step", **(metadata or {})})
        self._stream.flushed(Message(Kind.FLUSH, keys), self.source)

    def notify(self, metadata: Metadata) -> None:
        """Send a notice through the plan."""
        self._stream.feed(Message(Kind.NOTICE, keys_of(metadata), ()))

    @property
    def _origin(self) -> str:
        return f"source {self.source}" if self.source else ""

    def _send(self, kind: Kind, metadata: Metadata, values: np.ndarray) -> None:
        self._stream.feed(Message(kind, keys_of(metadata, source=self.source or "0"), values, origin=self._origin))


class Stream(Client):
    """A plan that a running model writes to. Used in a ``with`` block it is closed at its end.

    All calls may come from several threads at once; messages go through the plan one after the other.

    Parameters
    ----------
    plan : Plan, str, path or mapping
        What to do with the fields.
    output : str
        Root that sinks of the type cube write to which name none.
    grids : mapping of str to DataArray or str
        Where points are, by the name of a domain or grid: an array with coordinates in the order of the model's values,
        or global steps in degrees. Fields of other grids have no place and can be archived only after an action gives
        them one.
    sources : int
        How many clients write: each flush goes on once all of them have sent it. 0 leaves that to the plan's
        `aggregate`, which knows the sources by their domains.
    threads : int
        How many threads the functions of the actions run on; the results are the same.
    resume : {"auto", "must", "never"}, optional
        Save the state behind flushes, as the plan says, and go on with a stream that was interrupted: where there is
        one, only where there is one, or never. The model must begin again behind the step of `resumed_after`. Each
        source then waits in `flush` for the others, so that there is one moment for all, and needs a thread of its own.

    Examples
    --------
    >>> plan = {"actions": [{"type": "select", "match": [{"param": ["2t"]}]}, {"type": "print"}]}
    >>> with Stream(plan) as stream:
    ...     stream.write_field({"param": "2t", "date": 20240601, "time": 0, "step": 6}, [280.5, 281.0])
    ...     stream.write_field({"param": "msl", "date": 20240601, "time": 0, "step": 6}, [101325.0, 101300.0])
    field param=167,date=20240601,time=0000,step=6
    flush flushKind=end-of-simulation
    """

    def __init__(
        self,
        plan: Plan | str | os.PathLike[str] | Mapping[str, Any],
        *,
        output: str = "",
        grids: Mapping[str, xr.DataArray | str] | None = None,
        sources: int = 0,
        threads: int = 1,
        resume: Resume | None = None,
    ) -> None:
        super().__init__(self, "")
        self.plan = plan if isinstance(plan, Plan) else Plan.from_yaml(plan, output=output)
        self.sources = max(sources, 1) if resume else sources
        self._grids = Grids(grids or {})
        self._waits = bool(resume)
        self._run = Progress(self.plan, threads, resume)
        self._lock = Condition()
        self._flushes: FlushCounts[tuple[tuple[str, str], ...]] = FlushCounts()
        self._failed: BaseException | None = None
        self._is_open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end(kind, error, traceback)

    @property
    def summary(self) -> RunSummary:
        """What was done so far."""
        return self._run.run.summary

    @property
    def resumed_after(self) -> Mapping[str, str] | None:
        """Keys of the flush behind which an interrupted stream goes on, None if it begins anew."""
        return self._run.resumed_after

    def client(self, source: str | int) -> Client:
        """Return the face for one of several sources."""
        return Client(self, str(source))

    def field_accepted(self, metadata: Metadata) -> bool:
        """Whether a field of these keys need be written: what `Plan.field_accepted` says, as MultIO does."""
        return self.plan.field_accepted(keys_of(metadata))

    def close(self) -> None:
        """Flush what is left and let go of all that is open.

        Raises
        ------
        PlanError
            If the stream had failed; then nothing is flushed.
        """
        if self._failed is not None:
            self._end(type(self._failed), self._failed, None)
            self._check_open()
        self._end(None, None, None)

    def field(self, keys: Mapping[str, Any], values: np.ndarray, source: str) -> Message:
        """Make the message of a field, whole or a part."""
        place = self._grids.place(keys)
        is_part = str(keys.get("domain", "")) not in WHOLE
        if is_part:
            keys = {**keys, "source": source or keys.get("source", "0")}
        if place is None:
            return Message(Kind.FIELD, keys, values)
        keys = {key: value for key, value in keys.items() if key != "grid"}
        if not is_part:
            values = place.values(values)
        return Message(Kind.FIELD, keys, values, place.description, place.coordinates)

    def feed(self, message: Message) -> None:
        """Send a message through the plan.

        Raises
        ------
        PlanError
            If the stream is closed, or failed before.
        """
        with self._turn() as run:
            run.feed(message)

    def flushed(self, message: Message, source: str) -> None:
        """Take the flush of a source; it goes on at once, or when the last of all sources has sent it."""
        if not self.sources:
            self.feed(message.with_keys(source=source) if source else message)
            return
        flush = tuple(sorted((key, str(value)) for key, value in message.keys.items()))
        with self._turn() as run:
            self._flushes.add(flush, source)
            if len(self._flushes.sent_by(flush)) >= self.sources:
                self._flushes.take(flush)
                run.feed(message)
                self._lock.notify_all()
        if self._waits:
            self._wait(lambda: source not in self._flushes.sent_by(flush))

    def _wait(self, has_gone_on: Callable[[], bool]) -> None:
        with self._lock:
            self._lock.wait_for(lambda: has_gone_on() or not self._is_open or self._failed is not None)
            if not has_gone_on():
                self._check_open()

    @contextmanager
    def _turn(self) -> Iterator[Progress]:
        with self._lock:
            self._check_open()
            try:
                yield self._run
            except BaseException as error:
                self._failed = self._failed or error
                self._lock.notify_all()
                raise

    def _check_open(self) -> None:
        if self._failed is not None:
            raise PlanError(f"The stream failed before: {self._failed}") from self._failed
        if not self._is_open:
            raise PlanError("The stream is closed.", hint="Open another one.")

    def _end(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._lock.notify_all()
                self._run.end(kind, error, traceback)
