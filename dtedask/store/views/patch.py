"""Patch: give fields other values of some keys, so that a stop at any moment loses none of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import FieldError, KeyCollisionError, RequestError
from dtedask.plugins import run_after_commit
from dtedask.request import Request, canonical_keys
from dtedask.store.archive import Archive
from dtedask.store.commits import changes_of
from dtedask.store.control import Control
from dtedask.store.layouts import MessageCodec
from dtedask.store.moving.carrying import Carrier, CoordinatesOf
from dtedask.store.opaque import is_opaque
from dtedask.store.removal import Fields, remove
from dtedask.store.repository import BRANCH, cached_snapshot, open_repository
from dtedask.store.transaction import Options, Prepared, Transaction

if TYPE_CHECKING:
    from dtedask.core.commit import Change, Commit
    from dtedask.store.execute import Execution
    from dtedask.store.location import Location
    from dtedask.store.schema import Schema
    from dtedask.store.selection import Record, Selection
    from dtedask.store.writing import Entry

_FIXED = ("param", "levtype", "grid", "step", "timespan", "stattype")


@dataclass(frozen=True, slots=True)
class Patch:
    """What a patch does, or would do.

    Parameters
    ----------
    request : Request
        What was asked for.
    keys : mapping of str to str
        The keys that change, with their new values.
    is_done : bool
        Whether it is done; False for a dry run.
    fields : int
        Fields that get other keys.
    kept : bool
        Whether they stay under the old keys too.
    replaced : int
        Fields that stood under the new keys before and were replaced by others; counted only where it is done.
    left : int
        Fields that changed meanwhile and were left under the old keys as well; the same again patches them.
    changes : tuple of Change
        The fields under their old keys, as exact requests.
    commits : tuple of Commit
        Those that archived, and those that wiped.
    """

    request: Request
    keys: Mapping[str, str]
    is_done: bool
    fields: int
    kept: bool
    replaced: int = 0
    left: int = 0
    changes: tuple[Change, ...] = ()
    commits: tuple[Commit, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Everything about it, ready for JSON."""
        found = {name: getattr(self, name) for name in ("fields", "kept", "replaced", "left")}
        return {
            "request": str(self.request),
            "keys": dict(self.keys),
            "done": self.is_done,
            **found,
            "requests": [change.keys for change in self.changes],
            "commits": [{"cube": one.cube, "snapshot": one.snapshot, "message": one.message} for one in self.commits],
        }


@dataclass(frozen=True, kw_only=True)
class LeaveTransaction(Transaction):
    """Take fields out of a cube that stand elsewhere now, except those that changed since they were read.

    Parameters
    ----------
    read : str
        Snapshot that they were read from.
    fields : mapping
        Their slots there, by group and variable.
    """

    read: str
    fields: Fields

    def _prepare(self) -> Prepared | None:
        repo = open_repository(self.location, self.cube)
        session = repo.writable_session(self.options.branch)
        head: str = session.snapshot_id
        before = cached_snapshot(self.location, self.cube, head)
        same = self.unchanged(repo, head)
        if not same:
            return None
        Control(self.location).check_fields("wipe", before, self.cube, same)
        gone = _changes(self.location, self.cube, self.read, same)
        remove(session.store, before, same)
        count = sum(map(len, same.values()))
        commit = self._new_commit(repo, head, f"patch of {count} fields, which have other keys now")
        return Prepared(repo, session, head, replace(commit, removed=count, wiped=gone))

    def unchanged(self, repo: Any, head: str) -> dict[tuple[str, str], np.ndarray]:
        """Those of the fields that nobody replaced or wiped: the slots still are what they were."""
        if head == self.read:
            return dict(self.fields)
        difference = repo.diff(from_snapshot_id=self.read, to_snapshot_id=head)
        found = {}
        for (group, variable), slots in self.fields.items():
            path = f"/{group}/{variable}"
            if path in difference.deleted_arrays:
                continue
            touched = {tuple(chunk[: slots.shape[1]]) for chunk in difference.updated_chunks.get(path, ())}
            rows = slots[[tuple(row) not in touched for row in slots.tolist()]]
            if len(rows):
                found[(group, variable)] = rows
        return found


@dataclass(frozen=True)
class Patching:
    """A patch that is to be made.

    Parameters
    ----------
    location : Location
        The root.
    schema : Schema
        Its schema.
    options : Options
        How to commit.
    request : Request
        What was asked for.
    selections : sequence of Selection
        The fields that it takes.
    keys : mapping of str to str
        The keys that change, canonical.
    """

    location: Location
    schema: Schema
    options: Options
    request: Request
    selections: Sequence[Selection]
    keys: Mapping[str, str]

    def plan(self, *, keep: bool) -> Patch:
        """Say what would be done, and check that every field can have the new keys.

        Raises
        ------
        FieldError
            If one cannot.
        KeyCollisionError
            If two fields would be one.
        ControlledError
            If a field is locked for archiving under the new keys, or for wiping under the old ones.
        GribUnsupportedError
            If the message of a field cannot say the new keys.
        """
        control = Control(self.location)
        if not keep:
            control.check_selections("wipe", self.selections)
        seen: dict[object, str] = {}
        for entry, _ in self._entries(self.selections):
            identity = entry.address.identity
            if identity in seen:
                raise KeyCollisionError(
                    f"{seen[identity]} and {entry.origin} would both be {entry.address}.",
                    hint="Patch fewer fields at once, or more keys.",
                )
            seen[identity] = entry.origin
            control.check_entries([entry])
        self._check_messages()
        return Patch(self.request, dict(self.keys), is_done=False, fields=len(seen), kept=keep, changes=self._old())

    def run(self, *, keep: bool, most_bytes: int, execution: Execution, message: str) -> tuple[Patch, list[Exception]]:
        """Do it, batch by batch: the fields under their new keys are committed before they leave the old ones."""
        planned = self.plan(keep=keep)
        archived: list[Commit] = []
        left_behind: list[Commit] = []
        failures: list[Exception] = []
        text = ",".join(f"{key}={value}" for key, value in self.keys.items())
        for batch in _batches(self.selections, most_bytes):
            archive = Archive(self.location, self.schema, self.options)
            archive.add_entries(self._entries(batch))
            commits, told = archive.flush(message or f"patch of {self.request}: {text}", (), execution)
            archived += commits
            failures += told
            if not keep:
                commits, told = self._leave(batch, message)
                left_behind += commits
                failures += told
        gone = sum(commit.removed for commit in left_behind)
        done = replace(
            planned,
            is_done=True,
            replaced=sum(commit.replaced for commit in archived),
            left=0 if keep else planned.fields - gone,
            commits=(*archived, *left_behind),
        )
        return done, failures

    def _leave(self, batch: Sequence[Selection], message: str) -> tuple[list[Commit], list[Exception]]:
        by_state: dict[tuple[str, str], dict[tuple[str, str], np.ndarray]] = {}
        for part in batch:
            state = by_state.setdefault((part.snapshot.cube, part.snapshot.id), {})
            state[(part.group.name, part.variable.name)] = part.slots
        commits: list[Commit] = []
        failures: list[Exception] = []
        for (cube, snapshot), fields in by_state.items():
            transaction = LeaveTransaction(
                location=self.location, cube=cube, options=self.options, message=message, read=snapshot, fields=fields
            )
            commit = transaction.run()
            if commit is not None:
                commits.append(commit)
                failures += run_after_commit(commit) if self.options.branch == BRANCH else []
        return commits, failures

    def _entries(self, selections: Iterable[Selection]) -> Iterator[tuple[Entry, CoordinatesOf]]:
        carrier = Carrier(self.location, self.schema, keeps_values=True)
        for selection in selections:
            for record in selection.records():
                check_patch(record, self.keys)
                yield carrier.entry(record, self.keys)

    def _check_messages(self) -> None:
        """Of each variable one message must be able to say the new keys; the others are as it."""
        from dtedask.store.encoding import encode_record
        from dtedask.store.views.rekey import rekeyed

        for selection in self.selections:
            if isinstance(selection.variable.codec, MessageCodec):
                rekeyed(encode_record(next(selection.records())), self.keys)

    def _old(self) -> tuple[Change, ...]:
        records = [record for part in self.selections for record in part.records()]
        return tuple(changes_of([(record.group, record.variable, dict(record.keys)) for record in records]))


def check_patch(record: Record, keys: Mapping[str, str]) -> None:
    """Check that a field has the keys that are to change.

    Raises
    ------
    FieldError
        If it has no such key.
    """
    for key in keys:
        if key not in record.keys:
            raise FieldError(
                f"The field {record.location} has no {key!r} that could be another (it has "
                f"{','.join(f'{name}={value}' for name, value in record.keys.items())}).",
                hint="Name fewer fields, or other keys.",
            )


def changed_keys(keys: Mapping[str, object], schema: Schema) -> dict[str, str]:
    """The new values of keys, canonical.

    Raises
    ------
    RequestError
        If there are none, or one says what a field is and not what it is called.
    """
    found = canonical_keys(keys, language=schema.language)
    if not found:
        raise RequestError("A patch needs new values of keys.", hint="Such as expver=0002.")
    if fixed := [key for key in found if key in _FIXED]:
        raise RequestError(
            f"{fixed[0]} says what a field is, and cannot be patched.",
            hint=f"All but {', '.join(_FIXED)} can; archive the field anew under its right {fixed[0]}.",
        )
    return found


def _batches(selections: Sequence[Selection], most_bytes: int) -> Iterator[list[Selection]]:
    """Fields in parts of so many bytes of decoded values, at least one field each."""
    batch: list[Selection] = []
    size = 0
    for selection in selections:
        grid = selection.group.grid
        width = 1 if is_opaque(grid) else int(np.prod(grid.shape)) * 8
        start = 0
        while start < len(selection.slots):
            count = max((most_bytes - size) // width, 0 if batch else 1)
            if count:
                batch.append(replace(selection, rows=selection.slots[start : start + count]))
                size += len(batch[-1].slots) * width
                start += count
            if size + width > most_bytes:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _changes(location: Location, cube: str, snapshot: str, fields: Fields) -> tuple[Change, ...]:
    from dtedask.store.selection import whole_variable

    read = cached_snapshot(location, cube, snapshot)
    found = []
    for (name, variable), slots in fields.items():
        group = read.group(name)
        part = replace(whole_variable(read, cube, group, group.variables[variable]), rows=slots)
        found += [(name, variable, dict(record.keys)) for record in part.records()]
    return tuple(changes_of(found))
