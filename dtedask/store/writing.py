"""The commit that writes fields: grow, write in tasks, check the forks, merge."""

from __future__ import annotations

import logging
import pickle
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import FieldError, TransactionError
from dtedask.core.settings import setting
from dtedask.core.stages import stage
from dtedask.store.branches import start_branch
from dtedask.store.commits import changes_of
from dtedask.store.control import Control
from dtedask.store.creation import create_repository
from dtedask.store.execute import Execution
from dtedask.store.identity import Address
from dtedask.store.layouts import MessageCodec, Packs, Reference
from dtedask.store.layouts.locate import locate
from dtedask.store.opaque import Opaque
from dtedask.store.placement import CoordinatesOf, Placement, grow, place
from dtedask.store.repository import cached_snapshot, open_repository
from dtedask.store.schema_update import check_schema
from dtedask.store.series.forget import forget_chunks
from dtedask.store.transaction import Prepared, Transaction
from dtedask.store.virtual.containers import with_containers
from dtedask.store.write import SMALLEST_COPY_BYTES, SMALLEST_TASK_BYTES, Source, WriteItem, WriteResult, task_bytes
from dtedask.store.written import areas_of

if TYPE_CHECKING:
    import icechunk

    from dtedask.core.commit import Commit
    from dtedask.geo import PointOrder
    from dtedask.store.schema import Schema
    from dtedask.store.written import Stored

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One field that waits to be committed.

    Parameters
    ----------
    address : Address
        Its place.
    keys : dict
        MARS keys of the message.
    source : FileSlice, bytes, numpy.ndarray or StoredField
        Where its values are.
    order : PointOrder, optional
        How its values become the order of the grid; None for arrays, which are in it.
    origin : str
        What to call it in an error, such as ``"a.grib at offset 0"``.
    """

    address: Address
    keys: dict[str, str]
    source: Source
    order: PointOrder | None
    origin: str

    @property
    def size_bytes(self) -> int:
        """Size of the decoded field."""
        if isinstance(self.source, Opaque):
            return len(self.source.data)
        return self.address.grid.size * (8 if self.address.variable.values.dtype == "float64" else 4)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of fields.

    Parameters
    ----------
    entries : sequence of Entry
        Those that differ from what was there.
    stored : sequence of Stored
        What is stored of each of them.
    results : sequence of WriteResult
        What each task did.
    """

    entries: Sequence[Entry]
    stored: Sequence[Stored]
    results: Sequence[WriteResult]

    def told_by(self, commit: Commit) -> Commit:
        """The commit with all of it."""
        fields = [(e.address.group, e.address.variable.name, e.keys) for e in self.entries]
        return replace(
            commit,
            changes=changes_of(fields, self.stored, areas_of(self.entries)),
            new=sum(len(result.new) for result in self.results),
            replaced=sum(len(result.replaced) for result in self.results),
            unchanged=sum(len(result.unchanged) for result in self.results),
        )


@dataclass(frozen=True, kw_only=True)
class WriteTransaction(Transaction):
    """Write fields into one cube, which is created when it does not exist.

    None is committed when all fields stand there already with the same values.

    Parameters
    ----------
    entries : sequence of Entry
        The fields, each once.
    execution : Execution
        Where the tasks run.
    coordinates_of : callable
        Gives the coordinates of a grid that is new in the cube.
    schema : Schema, optional
        What the root's schema was when the fields were archived.
    """

    entries: Sequence[Entry]
    execution: Execution
    coordinates_of: CoordinatesOf
    schema: Schema | None = None

    @property
    def addresses(self) -> list[Address]:
        """Places of the fields."""
        return [entry.address for entry in self.entries]

    def stage(self) -> tuple[str, str]:
        """Write the fields as a snapshot that no branch names.

        Returns
        -------
        tuple of (str, str)
            The snapshot that it follows, and its own: the same where nothing changes.
        """
        with self._told_errors():
            prepared = self._prepare()
            if prepared is not None:
                return prepared.head, self._flush(prepared)
            head: str = open_repository(self.location, self.cube).lookup_branch(self.options.branch)
            return head, head

    def _prepare(self) -> Prepared | None:
        with stage("write", detail=self.cube):
            return self._prepare_entries(self.entries)

    def _prepare_entries(self, entries: Sequence[Entry]) -> Prepared | None:
        repo = create_repository(self.location, self.cube, self.addresses)
        repo = with_containers(self.location, self.cube, repo, _referred(entries))
        start_branch(repo, self.options.branch)
        session = repo.writable_session(self.options.branch)
        head: str = session.snapshot_id
        before = cached_snapshot(self.location, self.cube, head)
        placement = place(before, (entry.address for entry in entries))
        written = self.write_entries(session, placement, entries)
        if not written.entries and not placement.renames_attributes:
            return None
        commit = written.told_by(self._new_commit(repo, head, f"{len(written.entries)} fields"))
        return Prepared(repo, session, head, commit, known=placement.known())

    def write_entries(self, session: icechunk.Session, placement: Placement, entries: Sequence[Entry]) -> Written:
        """Write fields into forks of a session, check and merge them; those that differ from what was there."""
        items = _items(entries, placement, session)
        batches = self._batches(items)
        # A fork travels by pickling, which storage in memory does not survive: there the tasks share the session, and
        # so does one that is alone. A fork begins with nothing read, which costs as much as writing a few fields.
        is_shared = self.location.is_memory or (len(batches) == 1 and self.execution.client is None)
        fork = session if is_shared else session.fork()
        grow(placement, fork.store, self.coordinates_of)
        results = self._write(fork if is_shared else pickle.dumps(fork), batches)
        with stage("merge", detail=self.cube):
            written = self._checked(entries, items, results, session)
            if not is_shared:
                session.merge(*(result.fork for result in results))  # type: ignore[arg-type]  # they are forks
            changed = (key for result in results for key in (*result.new, *result.replaced))
            forget_chunks(session.store, placement.snapshot, changed)
        return written

    def _checked(
        self,
        entries: Sequence[Entry],
        items: Sequence[WriteItem],
        results: Sequence[WriteResult],
        session: icechunk.Session,
    ) -> Written:
        """What was written, once all that may be wrong with it was looked at."""
        _check_forks(results, items, session.snapshot_id)
        written = _written(entries, items, results)
        _report_plain(self.cube, sum(result.plain for result in results), len(written.entries))
        if self.schema is not None:
            check_schema(self.location, self.schema)
        Control(self.location).check_entries(written.entries)  # a lock may have been set while this was written
        return written

    def _write(self, fork: icechunk.Session | bytes, batches: Sequence[Sequence[WriteItem]]) -> list[WriteResult]:
        token = uuid.uuid4().hex[:8]
        # On disks roots stay such that they can be moved and read by anybody: references are absolute.
        packs = Packs(self.location, self.cube, 0 if self.location.is_local else setting("store.pack-bytes"))
        return self.execution.run(fork, batches, packs, token, durable=self.options.durable)

    def _batches(self, items: Sequence[WriteItem]) -> list[Sequence[WriteItem]]:
        sizes = [item.work_bytes for item in items]
        smallest = SMALLEST_COPY_BYTES if all(item.is_copied for item in items) else SMALLEST_TASK_BYTES
        limit = task_bytes(sum(sizes), self.execution.width, self.execution.at_most(self.options.batch_bytes), smallest)
        batches: list[list[WriteItem]] = [[]]
        filled = 0
        for item, size in zip(items, sizes, strict=True):
            if batches[-1] and filled + size > limit:
                batches.append([])
                filled = 0
            batches[-1].append(item)
            filled += size
        return list(batches)


def _referred(entries: Sequence[Entry]) -> set[str]:
    """Files that fields refer to."""
    return {entry.source.url for entry in entries if isinstance(entry.source, Reference)}


def _check_references(entries: Sequence[Entry], placement: Placement) -> None:
    """Only a variable that keeps messages can refer to one."""
    for entry, key, codec in zip(entries, placement.keys, placement.codecs, strict=True):
        if isinstance(entry.source, Reference) and not isinstance(codec, MessageCodec):
            raise FieldError(
                f"{entry.origin} cannot be referred to: the variable {key.partition('/c/')[0]!r} of the cube "
                f"{entry.address.cube!r} holds encoded fields (layout 'map').",
                hint="Refer to it in another root, or archive it here: `dtedask ingest` decodes it.",
            )


def _before(entries: Sequence[Entry], placement: Placement, existing: Sequence[bool]) -> dict[str, Reference | None]:
    """Where chunks lie now that are to refer to something; nobody can say so in the memory of a process."""
    keys = [
        key
        for entry, key, exists in zip(entries, placement.keys, existing, strict=True)
        if exists and isinstance(entry.source, Reference)
    ]
    if not keys or placement.snapshot.url.startswith("memory://"):
        return {}
    return dict(zip(keys, locate(placement.snapshot, keys), strict=True))


def _items(entries: Sequence[Entry], placement: Placement, session: icechunk.Session) -> list[WriteItem]:
    _check_references(entries, placement)
    existing = placement.existing(session)
    before = _before(entries, placement, existing)
    return [
        WriteItem(
            key,
            entry.source,
            entry.order,
            codec,
            exists,
            entry.size_bytes,
            entry.origin,
            entry.address if isinstance(codec, MessageCodec) else None,
            before.get(key),
            entry.address.variable.values.objects,
        )
        for entry, key, codec, exists in zip(entries, placement.keys, placement.codecs, existing, strict=True)
    ]


def _written(entries: Sequence[Entry], items: Sequence[WriteItem], results: Sequence[WriteResult]) -> Written:
    stored = {key: one for result in results for key, one in result.stored.items()}
    found = [(entry, stored[item.key]) for entry, item in zip(entries, items, strict=True) if item.key in stored]
    return Written([entry for entry, _ in found], [one for _, one in found], results)


def _report_plain(cube: str, plain: int, written: int) -> None:
    if plain:
        logger.warning(
            "%d of %d fields of %s have no exact integers under grib-int and are kept as plain values",
            plain,
            written,
            cube,
        )


def _check_forks(results: Sequence[WriteResult], items: Sequence[WriteItem], head: str) -> None:
    """What Icechunk's merge accepts in silence: stale forks, chunks written twice or not at all."""
    for result in results:
        if result.fork.snapshot_id != head:
            raise TransactionError(
                f"A task wrote on snapshot {result.fork.snapshot_id}, the transaction began on {head}."
            )
    done = [key for result in results for key in (*result.new, *result.replaced, *result.unchanged)]
    if len(done) != len(set(done)) or set(done) != {item.key for item in items}:
        raise TransactionError("The tasks did not write every field exactly once.")
    _check_statuses(results)


def _check_statuses(results: Sequence[WriteResult]) -> None:
    # The tasks of a root in memory share one session.
    by_fork: dict[int, list[WriteResult]] = {}
    for result in results:
        by_fork.setdefault(id(result.fork), []).append(result)
    written = [{_chunk(key) for one in group for key in (*one.new, *one.replaced)} for group in by_fork.values()]
    ours = set().union(*written)
    for (first, *_), expected in zip(by_fork.values(), written, strict=True):
        updated: dict[str, Any] = first.fork.status().updated_chunks
        # Labels and coordinates, which every fork has from the beginning, are in it too.
        found = {(path, tuple(slots)) for path, chunks in updated.items() for slots in chunks}
        if found & ours != expected:
            raise TransactionError("A fork lacks a chunk that its task wrote, or two forks hold the same.")


def _chunk(key: str) -> tuple[str, tuple[int, ...]]:
    path, _, slots = key.partition("/c/")
    return f"/{path}", tuple(int(slot) for slot in slots.split("/"))
