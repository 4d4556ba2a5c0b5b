"""Copy fields from one root into another, in commits of so many bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from dtedask.core.errors import RequestError
from dtedask.store.archive import Archive
from dtedask.store.control import Control
from dtedask.store.moving.batches import Batch, Piece, decoded_bytes, in_batches
from dtedask.store.moving.carrying import Carrier, CoordinatesOf
from dtedask.store.moving.fitting import Fitting
from dtedask.store.moving.result import Copy
from dtedask.store.placement import place
from dtedask.store.progress import Progress, Tracker
from dtedask.store.roots import RootDocument

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.request import Request
    from dtedask.store.execute import Execution
    from dtedask.store.identity import Address
    from dtedask.store.location import Location
    from dtedask.store.schema import Schema
    from dtedask.store.selection import Selection
    from dtedask.store.transaction import Options
    from dtedask.store.writing import Entry

OnProgress = Callable[[Progress], None] | None


@dataclass(frozen=True)
class Target:
    """A root that fields are copied into.

    Parameters
    ----------
    location : Location
        Where it is; it need not exist.
    schema : Schema
        What it has, or will have.
    options : Options
        How to commit.
    """

    location: Location
    schema: Schema
    options: Options


@dataclass(frozen=True)
class Copying:
    """A copy that is to be made.

    Parameters
    ----------
    request : Request
        What was asked for.
    source : Location
        The root that it is taken from.
    schema : Schema
        Its schema.
    selections : sequence of Selection
        The fields, each of a snapshot that does not move.
    target : Target
        Where to.
    most_bytes : int
        Bytes of decoded fields in one commit.
    """

    request: Request
    source: Location
    schema: Schema
    selections: Sequence[Selection]
    target: Target
    most_bytes: int

    def __post_init__(self) -> None:
        if self.source == self.target.location:
            raise RequestError(
                f"Source and target are one root, {self.source.url!r}.", hint="Name another root to copy into."
            )

    def check(self) -> Copy:
        """Say what would be done, once it is certain that the target takes every field.

        Raises
        ------
        FieldError
            If a field does not fit into the target.
        KeyCollisionError
            If two fields would be one there.
        ControlledError
            If a field is locked there.
        """
        fitting = Fitting(self.target.location, self.target.options.branch)
        rounded = sum(self._check_selection(selection, fitting) for selection in self.selections)
        Control(self.target.location).check_entries(entry for entry, _ in self._entries(self.selections))
        return Copy(
            request=self.request,
            source=self.source.url,
            target=self.target.location.url,
            is_done=False,
            fields=sum(len(part.slots) for part in self.selections),
            size_bytes=sum(len(part.slots) * decoded_bytes(part) for part in self.selections),
            rounded=rounded,
        )

    def plan(self) -> Copy:
        """Say what would be done and how many fields the target has already; nothing is read or written."""
        planned = self.check()
        fitting = Fitting(self.target.location, self.target.options.branch)
        known = 0
        for batch in in_batches(self.selections, self.most_bytes):
            entries = [entry for entry, _ in self._entries(batch)]
            for cube in {entry.address.cube for entry in entries}:
                snapshot = fitting.snapshot(cube)
                if snapshot is not None:
                    known += sum(place(snapshot, _addresses(entries, cube)).existing())
        return replace(planned, new=planned.fields - known, replaced=known)

    def run(self, execution: Execution, on_progress: OnProgress = None, message: str = "") -> Copy:
        """Copy: check, then one commit after the other. What was committed stays, whatever happens later.

        Raises
        ------
        DtedaskError
            As `check`, before anything is written; or if reading or writing fails.
        """
        begin = time.perf_counter()
        done = self.check()
        schema = RootDocument(self.target.location).create(self.target.schema)
        archive = Archive(self.target.location, schema, self.target.options)
        tracker = Tracker(done.fields, done.size_bytes, on_progress)
        for batch in in_batches(self.selections, self.most_bytes):
            tracker.begin(sum(len(piece.slots) for piece in batch), sum(map(_bytes_of, batch)))
            archive.add_entries(self._entries(batch))
            commits, failures = archive.flush(
                message or self._message, _sources(batch), replace(execution, on_done=tracker.task_done)
            )
            tracker.end()
            done = _with(done, commits, failures, archive.unchanged)
        return replace(done, is_done=True, seconds=time.perf_counter() - begin)

    @property
    def _message(self) -> str:
        return f"copy of {str(self.request) or 'everything'} from {self.source.url}"

    @cached_property
    def _is_same_schema(self) -> bool:
        return self.schema == self.target.schema

    @cached_property
    def _carrier(self) -> Carrier:
        return Carrier(self.source, self.target.schema, keeps_values=self._is_same_schema)

    def _entries(self, parts: Sequence[Selection | Piece]) -> Iterator[tuple[Entry, CoordinatesOf]]:
        for part in parts:
            for record in part.records():
                yield self._carrier.entry(record)

    def _check_selection(self, selection: Selection, fitting: Fitting) -> int:
        """Check the fields of a variable and count those that are rounded; one will do where the schema is the same."""
        records = selection.records()
        rounded = 0
        for record in islice(records, 1) if self._is_same_schema else records:
            address = self._carrier.entry(record)[0].address
            fitting.place(address)
            if not self._is_same_schema:
                fitting.check_alone(address, record)
            rounded += fitting.is_rounded(address, selection.variable.codec)
        return rounded * len(selection.slots) if self._is_same_schema else rounded


def _with(done: Copy, commits: Sequence[Commit], failures: Sequence[Exception], unchanged: int) -> Copy:
    """What was done until now, with one batch more."""
    return replace(
        done,
        new=done.new + sum(commit.new for commit in commits),
        replaced=done.replaced + sum(commit.replaced for commit in commits),
        unchanged=done.unchanged + unchanged,
        commits=(*done.commits, *commits),
        hook_failures=(*done.hook_failures, *failures),
    )


def _addresses(entries: Sequence[Entry], cube: str) -> Iterator[Address]:
    return (entry.address for entry in entries if entry.address.cube == cube)


def _bytes_of(piece: Piece) -> int:
    return len(piece.slots) * decoded_bytes(piece.selection)


def _sources(batch: Batch) -> tuple[str, ...]:
    """The states that the fields of a batch were taken from."""
    found = dict.fromkeys((piece.selection.snapshot.url, piece.selection.snapshot.id) for piece in batch)
    return tuple(f"{url}@{snapshot}" for url, snapshot in found)
