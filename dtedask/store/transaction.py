"""One commit to one cube: grow, write in tasks, check, merge, publish."""

from __future__ import annotations

import logging
import pickle
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from dtedask.core.commit import Commit
from dtedask.core.errors import ConflictError, DtedaskError, StoreError, TransactionError
from dtedask.store.commits import changes_of, metadata_of, sequence_after
from dtedask.store.control import Control
from dtedask.store.execute import Execution
from dtedask.store.failures import storage_error
from dtedask.store.identity import Address
from dtedask.store.lock import cube_lock, sync_to_disk
from dtedask.store.placement import CoordinatesOf, Placement, grow, place
from dtedask.store.repository import BRANCH, cached_snapshot, create_repository
from dtedask.store.write import Source, WriteItem, WriteResult

if TYPE_CHECKING:
    import icechunk

    from dtedask.geo import PointOrder
    from dtedask.store.location import Location

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Entry:
    """One field that waits to be committed.

    Parameters
    ----------
    address : Address
        Its place.
    keys : dict
        MARS keys of the message.
    source : FileSlice, bytes or numpy.ndarray
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
        return self.address.grid.size * (8 if self.address.variable.values.dtype == "float64" else 4)


@dataclass(frozen=True)
class Options:
    """How transactions run; resolved from the settings once, on the client."""

    durable: bool
    lock_timeout_s: float
    commit_timeout_s: float
    batch_bytes: int
    attempts: int = 20


@dataclass(frozen=True)
class Prepared:
    """What a transaction wrote and nobody can see yet."""

    repo: icechunk.Repository
    session: icechunk.Session
    commit: Commit


@dataclass(frozen=True)
class Transaction:
    """Write fields into one cube and publish them as one snapshot.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube; it is created when it does not exist.
    entries : sequence of Entry
        The fields, each once.
    options : Options
        Durability and time limits.
    execution : Execution
        Where the tasks run.
    coordinates_of : callable
        Gives the coordinates of a grid that is new in the cube.
    message : str
        What to say of the commit in the history.
    sources : tuple of str
        Where the fields came from.
    """

    location: Location
    cube: str
    entries: Sequence[Entry]
    options: Options
    execution: Execution
    coordinates_of: CoordinatesOf
    message: str = ""
    sources: tuple[str, ...] = ()

    def run(self) -> Commit | None:
        """Commit the fields; None when all of them stand in the cube already with the same values.

        Raises
        ------
        FieldError
            If a field does not fit into the cube; nothing is written.
        LockedError
            If another process holds the cube for too long.
        ConflictError
            If others moved the cube again and again.
        TransactionError
            If a check of the written forks fails; nothing is published.
        StoreError
            If the storage fails, such as a disk that is full; nothing is published.
        """
        for attempt in range(self.options.attempts):
            try:
                with self.lock():
                    prepared = self.prepare()
                    return self.publish(prepared) if prepared else None
            except ConflictError:
                logger.info("%s moved while it was written; attempt %d starts anew", self._url, attempt + 2)
        raise ConflictError(
            f"The cube {self._url!r} was moved by others {self.options.attempts} times while it was written.",
            hint="Let fewer writers commit at once, or commit larger units.",
        )

    def lock(self) -> AbstractContextManager[None]:
        """The lock of the cube, to be held from before `prepare` until after `publish`."""
        return cube_lock(self.location, self.cube, self.options.lock_timeout_s)

    def prepare(self) -> Prepared | None:
        """Write everything and check it; nobody can see it. None when nothing changes."""
        with self._told_errors():
            return self._prepare()

    def publish(self, prepared: Prepared) -> Commit:
        """Make what was prepared visible, all at once."""
        with self._told_errors():
            return self._publish(prepared.repo, prepared.session, prepared.commit)

    @contextmanager
    def _told_errors(self) -> Iterator[None]:
        import icechunk

        try:
            yield
        except DtedaskError:
            raise
        except (icechunk.IcechunkError, OSError) as error:
            raise storage_error(error, self._url) from error

    @property
    def _url(self) -> str:
        return self.location.cube_url(self.cube)

    def _prepare(self) -> Prepared | None:
        entries = self.entries
        repo = create_repository(self.location, self.cube, [entry.address for entry in entries])
        session = repo.writable_session(BRANCH)
        head: str = session.snapshot_id
        before = cached_snapshot(self.location, self.cube, head)
        placement = place(before, (entry.address for entry in entries))
        # A fork travels by pickling, which storage in memory does not survive: there the tasks share the session.
        fork = session if self.location.is_memory else session.fork()
        grow(placement, fork.store, self.coordinates_of)
        items = _items(entries, placement)
        results = self._write(fork, items)
        _check_forks(results, items, head)
        written = _written(entries, items, results)
        Control(self.location).check_entries(written)  # a lock may have been set while this was written
        if not written and not placement.renames_attributes:
            return None
        commit = self._commit(head, sequence_after(repo, head), written, results)
        if not self.location.is_memory:
            session.merge(*(result.fork for result in results))  # type: ignore[arg-type]  # they are forks
        return Prepared(repo, session, commit)

    def _write(self, fork: icechunk.Session, items: Sequence[WriteItem]) -> list[WriteResult]:
        token = uuid.uuid4().hex[:8]
        payload = fork if self.location.is_memory else pickle.dumps(fork)
        durable_root = self.location if self.options.durable and self.execution.client is not None else None
        return self.execution.run(payload, self._batches(items), durable_root, token)

    def _batches(self, items: Sequence[WriteItem]) -> list[Sequence[WriteItem]]:
        sizes = [item.size_bytes for item in items]
        limit = max(min(self.options.batch_bytes, sum(sizes) // (4 * self.execution.width)), 1)
        batches: list[list[WriteItem]] = [[]]
        filled = 0
        for item, size in zip(items, sizes, strict=True):
            if batches[-1] and filled + size > limit:
                batches.append([])
                filled = 0
            batches[-1].append(item)
            filled += size
        return list(batches)

    def _commit(self, head: str, sequence: int, written: Sequence[Entry], results: Sequence[WriteResult]) -> Commit:
        return Commit(
            root=self.location.url,
            cube=self.cube,
            snapshot="",
            parent=head,
            sequence=sequence,
            time=datetime.now(UTC),
            message=self.message or f"{len(written)} fields",
            changes=changes_of([(e.address.group, e.address.variable.name, e.keys) for e in written]),
            new=sum(len(result.new) for result in results),
            replaced=sum(len(result.replaced) for result in results),
            unchanged=sum(len(result.unchanged) for result in results),
            sources=self.sources,
        )

    def _publish(self, repo: icechunk.Repository, session: icechunk.Session, commit: Commit) -> Commit:
        tip: str = self._within_deadline(lambda: session.flush(commit.message, metadata_of(commit)))
        if self.options.durable:
            sync_to_disk(self.location)
        self._move(repo, tip, commit.parent)
        if self.options.durable:
            sync_to_disk(self.location)
        return replace(commit, snapshot=tip, time=repo.lookup_snapshot(tip).written_at)

    def _move(self, repo: icechunk.Repository, tip: str, head: str) -> None:
        import icechunk

        try:
            self._within_deadline(lambda: repo.reset_branch(BRANCH, tip, from_snapshot_id=head))
        except (icechunk.IcechunkError, StoreError) as error:
            current = repo.lookup_branch(BRANCH)
            if current == tip:
                return
            if current != head:
                raise ConflictError(f"The cube {self._url!r} moved while it was written.") from error
            raise TransactionError(f"The commit to {self._url!r} could not be published: {error}") from error

    def _within_deadline(self, call: Callable[[], Result]) -> Result:
        limit = self.options.commit_timeout_s
        pool = ThreadPoolExecutor(1, thread_name_prefix="commit")
        try:
            return pool.submit(call).result(limit)
        except FutureTimeoutError as error:
            raise StoreError(
                f"The storage of {self._url!r} did not answer within {limit:g} s.",
                hint="Look at the storage; run the same again, which does only what is missing.",
            ) from error
        finally:
            pool.shutdown(wait=False)


def commit_all(transactions: Sequence[Transaction]) -> Iterator[Commit | None]:
    """Commit to several cubes: all are written and checked before the first is published.

    What is wrong with a field of any cube is found while nothing is visible in any of them. Locks are taken in the
    order given, which must be the same for all writers.
    """
    if len(transactions) == 1:
        yield transactions[0].run()
        return
    with ExitStack() as locks:
        for transaction in transactions:
            locks.enter_context(transaction.lock())
        prepared = [transaction.prepare() for transaction in transactions]
        for transaction, ready in zip(transactions, prepared, strict=True):
            yield _publish_or_run(transaction, ready) if ready else None


def _publish_or_run(transaction: Transaction, prepared: Prepared) -> Commit | None:
    try:
        return transaction.publish(prepared)
    except ConflictError:
        # Only an object store lets others in between; the fields are known to be good.
        return transaction.run()


def _items(entries: Sequence[Entry], placement: Placement) -> list[WriteItem]:
    existing = placement.existing()
    return [
        WriteItem(key, entry.source, entry.order, codec, exists, entry.size_bytes, entry.origin)
        for entry, key, codec, exists in zip(entries, placement.keys, placement.codecs, existing, strict=True)
    ]


def _written(entries: Sequence[Entry], items: Sequence[WriteItem], results: Sequence[WriteResult]) -> list[Entry]:
    unchanged = {key for result in results for key in result.unchanged}
    return [entry for entry, item in zip(entries, items, strict=True) if item.key not in unchanged]


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
    forks = {id(result.fork): result for result in results}
    seen: set[tuple[str, tuple[int, ...]]] = set()
    for result in forks.values():
        expected = {
            _chunk(key) for other in results if other.fork is result.fork for key in (*other.new, *other.replaced)
        }
        updated: dict[str, Any] = result.fork.status().updated_chunks
        written = {(path, tuple(slots)) for path, chunks in updated.items() for slots in chunks}
        if not expected <= written or expected & seen:
            raise TransactionError("A fork lacks a chunk that its task wrote, or two forks hold the same.")
        seen |= expected


def _chunk(key: str) -> tuple[str, tuple[int, ...]]:
    path, _, slots = key.partition("/c/")
    return f"/{path}", tuple(int(slot) for slot in slots.split("/"))
