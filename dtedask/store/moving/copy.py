"""Copy fields from one root into another, in commits of so many bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING

from dtedask.core.errors import GribUnsupportedError, RequestError
from dtedask.store.archive import Archive
from dtedask.store.control import Control
from dtedask.store.moving.batches import Batch, Piece, decoded_bytes, in_batches
from dtedask.store.moving.carrying import Carrier, CoordinatesOf, MovedLayout
from dtedask.store.moving.fitting import Fitting, bits_of
from dtedask.store.moving.refusal import Refusals, becomes_message, why_not
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
    from dtedask.store.selection import Record, Selection
    from dtedask.store.transaction import Options
    from dtedask.store.writing import Entry

_TRIED_AT_ONCE = 16
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
    layout : {"map", "messages"}, optional
        Layout of new variables, whatever the schema says.
    """

    location: Location
    schema: Schema
    options: Options
    layout: MovedLayout | None = None


@dataclass(frozen=True)
class Checked:
    """What was found out before a copy.

    Parameters
    ----------
    planned : Copy
        What is to be done.
    taken : list of Selection
        The fields without those that are refused.
    fitting : Fitting
        Where they belong.
    refusals : Refusals
        What is refused; more may come.
    """

    planned: Copy
    taken: list[Selection]
    fitting: Fitting
    refusals: Refusals


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

    def check(self) -> Checked:
        """Find out what would be done, and that the target takes every field.

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
        refusals, taken, rounded = Refusals(), [], 0
        for selection in self.selections:
            rounded += self._check_selection(selection, fitting)
            if not self._is_refused(selection, fitting, refusals):
                taken.append(selection)
        Control(self.target.location).check_entries(entry for entry, _ in self._entries(taken))
        planned = Copy(
            request=self.request,
            source=self.source.url,
            target=self.target.location.url,
            is_done=False,
            fields=sum(len(part.slots) for part in self.selections),
            size_bytes=sum(len(part.slots) * decoded_bytes(part) for part in taken),
            rounded=rounded,
            refused=refusals.found,
        )
        return Checked(planned, taken, fitting, refusals)

    def plan(self) -> Copy:
        """Say what would be done and how many fields the target has already; nothing is written."""
        checked = self.check()
        known = 0
        for batch in in_batches(checked.taken, self.most_bytes):
            entries = [entry for entry, _ in self._entries(batch)]
            for cube in {entry.address.cube for entry in entries}:
                snapshot = checked.fitting.snapshot(cube)
                if snapshot is not None:
                    known += sum(place(snapshot, _addresses(entries, cube)).existing())
        fields = sum(len(part.slots) for part in checked.taken)
        return replace(checked.planned, new=fields - known, replaced=known)

    def run(self, execution: Execution, on_progress: OnProgress = None, message: str = "") -> Copy:
        """Copy: check, then one commit after the other. What was committed stays, whatever happens later.

        Raises
        ------
        DtedaskError
            As `check`, before anything is written; or if reading or writing fails.
        """
        begin = time.perf_counter()
        checked = self.check()
        done = checked.planned
        schema = RootDocument(self.target.location).create(self.target.schema)
        tracker = Tracker(sum(len(part.slots) for part in checked.taken), done.size_bytes, on_progress)
        execution = replace(execution, on_done=tracker.task_done)
        for batch in in_batches(checked.taken, self.most_bytes):
            tracker.begin(sum(len(piece.slots) for piece in batch), sum(map(_bytes_of, batch)))
            done = _with(done, *self._write(batch, schema, execution, message, checked))
            tracker.end()
        return replace(done, is_done=True, refused=checked.refusals.found, seconds=time.perf_counter() - begin)

    def _write(
        self, batch: Batch, schema: Schema, execution: Execution, message: str, checked: Checked
    ) -> tuple[list[Commit], list[Exception], int]:
        """Write a batch; without the fields that no message can hold, if there are such."""
        archive = Archive(self.target.location, schema, self.target.options)
        message = message or f"copy of {str(self.request) or 'everything'} from {self.source.url}"
        archive.add_entries(self._entries(batch))
        try:
            commits, failures = archive.flush(message, _sources(batch), execution)
        except GribUnsupportedError:
            fit = list(self._fit_for_messages(batch, execution, checked))
            if len(fit) == sum(len(piece.slots) for piece in batch):
                raise
            archive = Archive(self.target.location, schema, self.target.options)
            archive.add_entries(fit)
            commits, failures = archive.flush(message, _sources(batch), execution)
        return commits, failures, archive.unchanged

    def entries(self, records: Iterable[Record]) -> list[Entry]:
        """Fields as they are written into the target."""
        return [self._carrier.entry(record)[0] for record in records]

    @cached_property
    def _is_same_schema(self) -> bool:
        return self.schema == self.target.schema

    @cached_property
    def _carrier(self) -> Carrier:
        return Carrier(self.source, self.target.schema, keeps_values=self._is_same_schema, layout=self.target.layout)

    def _entries(self, parts: Iterable[Selection | Piece]) -> Iterator[tuple[Entry, CoordinatesOf]]:
        for part in parts:
            for record in part.records():
                yield self._carrier.entry(record)

    def _check_selection(self, selection: Selection, fitting: Fitting) -> int:
        """Check the fields of a variable and count those that are rounded; one will do where the schema is the same."""
        records = selection.records()
        source = bits_of(selection.variable.codec)
        rounded = 0
        for record in islice(records, 1) if self._is_same_schema else records:
            address = self._carrier.entry(record)[0].address
            fitting.place(address)
            if not self._is_same_schema:
                fitting.check_alone(address, record)
            rounded += bits_of(fitting.codec(address)) < source
        return rounded * len(selection.slots) if self._is_same_schema else rounded

    def _is_refused(self, selection: Selection, fitting: Fitting, refusals: Refusals) -> bool:
        """Whether the first field of a variable cannot become a message; then none of them can."""
        record = next(selection.records())
        entry, _ = self._carrier.entry(record)
        codec = fitting.codec(entry.address)
        if not becomes_message(selection.variable.codec, codec):
            return False
        reason = why_not(entry, codec.dtype)
        if reason:
            refusals.add(record, reason, len(selection.slots))
        return bool(reason)

    def _fit_for_messages(
        self, batch: Batch, execution: Execution, checked: Checked
    ) -> Iterator[tuple[Entry, CoordinatesOf]]:
        """Fields of a batch without those that cannot become messages, found out one by one."""
        records = [record for piece in batch for record in piece.records()]
        carried = [self._carrier.entry(record) for record in records]
        asked = [(entry, checked.fitting.codec(entry.address).dtype) for entry, _ in carried]
        parts = [asked[start : start + _TRIED_AT_ONCE] for start in range(0, len(asked), _TRIED_AT_ONCE)]
        answers = replace(execution, on_done=None).map(_reasons, parts, "try")
        for record, one, reason in zip(records, carried, chain.from_iterable(answers), strict=True):
            if reason:
                checked.refusals.add(record, reason)
            else:
                yield one


def _reasons(asked: Sequence[tuple[Entry, str]]) -> list[str]:
    """Why fields cannot become messages; a task."""
    return [why_not(entry, dtype) for entry, dtype in asked]


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
