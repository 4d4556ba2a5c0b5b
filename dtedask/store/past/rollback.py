"""Go back to an older state of a cube, by a commit that goes on from it."""

from __future__ import annotations

import json
import uuid
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dtedask.core.commit import Change, Commit
from dtedask.core.errors import DamagedError
from dtedask.plugins import run_after_commit
from dtedask.request import Request
from dtedask.store.chunk_io import run_async
from dtedask.store.commits import changes_of
from dtedask.store.control import Control
from dtedask.store.past.compare import Comparison, compare, count
from dtedask.store.past.differences import added_of, all_fields, fields_of, keys_of
from dtedask.store.repository import BRANCH, cached_snapshot, open_repository
from dtedask.store.transaction import Prepared, Transaction, commit_all
from dtedask.store.upkeep.integrity import Integrity, check_whole, number_of
from dtedask.store.wipe import WipeTransaction

if TYPE_CHECKING:
    import icechunk


@dataclass(frozen=True, slots=True)
class CubeRollback:
    """What going back changes, or would change, in a cube.

    Parameters
    ----------
    cube : str
        Name of the cube.
    head : str
        Snapshot that is left behind.
    to : str
        Snapshot that the cube goes back to; empty where single commits are undone.
    restored, wiped : tuple of Change
        Fields that get back what they were, and fields that go.
    left : tuple of Change
        Fields of the commits to undo that somebody wrote or wiped since: they stay as they are.
    commit : Commit, optional
        What did it; None for a dry run, and where nothing differs.
    damage : str
        What is damaged in the state that is left behind, if that is why nobody can say what changes.
    """

    cube: str
    head: str
    to: str
    restored: tuple[Change, ...] = ()
    wiped: tuple[Change, ...] = ()
    left: tuple[Change, ...] = ()
    commit: Commit | None = None
    damage: str = ""

    @property
    def undo(self) -> str:
        """The command that undoes it, as long as the state left behind is not purged; empty before it is done."""
        return f"dtedask store rollback {self.cube} --to {self.head} --doit" if self.commit else ""

    def to_dict(self) -> dict[str, object]:
        """Everything about it, ready for JSON."""
        kinds = {"restored": self.restored, "wiped": self.wiped, "left": self.left}
        return {
            "cube": self.cube,
            "head": self.head,
            "to": self.to,
            **{name: fields_of(changes) for name, changes in kinds.items()},
            "requests": {name: [change.keys for change in changes] for name, changes in kinds.items()},
            "snapshot": self.commit.snapshot if self.commit else "",
            "undo": self.undo,
            "damage": self.damage,
        }


@dataclass(frozen=True, slots=True)
class Rollback:
    """What going back changes, or would change, in a root.

    Parameters
    ----------
    is_done : bool
        Whether it happened; False for a dry run.
    cubes : tuple of CubeRollback
        Cubes that change, or hold fields that are left, by name.
    """

    is_done: bool
    cubes: tuple[CubeRollback, ...]

    @property
    def restored(self) -> int:
        """Number of fields that get back what they were."""
        return sum(fields_of(cube.restored) for cube in self.cubes)

    @property
    def wiped(self) -> int:
        """Number of fields that go."""
        return sum(fields_of(cube.wiped) for cube in self.cubes)

    @property
    def left(self) -> int:
        """Number of fields that were written or wiped since and stay as they are."""
        return sum(fields_of(cube.left) for cube in self.cubes)

    @property
    def commits(self) -> tuple[Commit, ...]:
        """The commits, one for each cube that changed."""
        return tuple(cube.commit for cube in self.cubes if cube.commit)

    def __repr__(self) -> str:
        verb = "rolled back" if self.is_done else "would roll back"
        names = ", ".join(cube.cube for cube in self.cubes) or "nothing"
        counts = f"{self.restored} fields restored, {self.wiped} wiped, {self.left} left"
        return f"<Rollback: {verb} {names}; {counts}>"

    def to_dict(self) -> dict[str, object]:
        """Everything about it, ready for JSON."""
        return {"done": self.is_done, "cubes": [cube.to_dict() for cube in self.cubes]}


@dataclass(frozen=True, kw_only=True)
class GoingBack(Transaction):
    """A transaction that goes back, and can say beforehand what that changes.

    Parameters
    ----------
    plans : list of CubeRollback
        What the last attempt decided.
    """

    plans: list[CubeRollback] = field(default_factory=list, compare=False)

    @abstractmethod
    def plan(self) -> CubeRollback:
        """What the transaction would change now."""

    def outcome(self, commit: Commit | None) -> CubeRollback:
        """What it did change."""
        return replace(self.plans[-1], commit=commit)


@dataclass(frozen=True, kw_only=True)
class RollbackTransaction(GoingBack):
    """Make an older state of a cube the newest.

    The new snapshot follows the old one, so that nothing is copied; its number follows that of the head, so that
    listeners go on. What is left behind can be opened, and gone back to, until it is purged.

    Parameters
    ----------
    target : str
        Snapshot to go back to.
    """

    target: str

    def plan(self) -> CubeRollback:
        """What the transaction would change now."""
        head = open_repository(self.location, self.cube).lookup_branch(self.options.branch)
        try:
            return self._plan(self._compared(head))
        except DamagedError as error:
            return self._blind_plan(head, error)

    def _blind_plan(self, head: str, error: DamagedError) -> CubeRollback:
        """Where the head cannot be read nobody can say what changes; the target must be whole, of course."""
        check_whole(self.location, self.cube, self.target)
        return CubeRollback(self.cube, head, self.target, damage=error.message)

    def _compared(self, head: str) -> Comparison:
        Integrity(self.location, self.cube, head).check_snapshot()  # what this process knows of it may be gone
        old, new = (cached_snapshot(self.location, self.cube, name) for name in (self.target, head))
        return compare(old, new)

    def _plan(self, found: Comparison) -> CubeRollback:
        back = [*keys_of(self.cube, found.old, found.removed), *keys_of(self.cube, found.old, found.before)]
        wiped = added_of(self.cube, found)
        return CubeRollback(self.cube, found.new.id, self.target, restored=changes_of(back), wiped=wiped)

    def _prepare(self) -> Prepared | None:
        repo = open_repository(self.location, self.cube)
        head = repo.lookup_branch(self.options.branch)
        try:
            found = self._compared(head)
        except DamagedError as error:
            return self._leave_damage(repo, head, error)
        plan = self._plan(found)
        self.plans.append(plan)
        if found.is_empty:
            return None
        check_locks(Control(self.location), self.cube, found)
        session = _session_at(repo, self.target)
        run_async(_mark(session.store, head))
        commit = replace(
            self._new_commit(repo, head, f"back to {self.target}"),
            parent=self.target,
            changes=plan.restored,
            new=count(found.removed),
            replaced=count(found.replaced),
            removed=count(found.added),
            wiped=plan.wiped,
            rolled_back=self.target,
            undone=head,
        )
        return Prepared(repo, session, head, commit)

    def _leave_damage(self, repo: icechunk.Repository, head: str, error: DamagedError) -> Prepared:
        """Go back from a head that cannot be read; its digests say its number."""
        self.plans.append(self._blind_plan(head, error))
        session = _session_at(repo, self.target)
        run_async(_mark(session.store, head))
        commit = replace(
            self._new_commit(repo, self.target, f"back to {self.target}, away from damage"),
            sequence=number_of(self.location, self.cube, repo, head) + 1,
            events_before=None,  # what the damaged commits wrote cannot be read
            rolled_back=self.target,
            undone=head,
        )
        return Prepared(repo, session, head, commit, is_head_damaged=True)


@dataclass(frozen=True, kw_only=True)
class EmptyTransaction(GoingBack):
    """Go back to when a cube had no fields."""

    def plan(self) -> CubeRollback:
        """What the transaction would change now."""
        head = open_repository(self.location, self.cube).lookup_branch(self.options.branch)
        fields = all_fields(self.cube, cached_snapshot(self.location, self.cube, head))
        return CubeRollback(self.cube, head, "", wiped=changes_of(list(fields)))

    def _prepare(self) -> Prepared | None:
        self.plans.append(self.plan())
        wiping = WipeTransaction(
            location=self.location,
            cube=self.cube,
            options=self.options,
            message=self.message or "back to before the first field",
            request=Request({}),
        )
        return wiping._prepare()  # noqa: SLF001 - the same session


def go_back(transactions: Sequence[GoingBack], *, doit: bool) -> tuple[Rollback, list[Exception]]:
    """Run transactions that go back, or say what they would do.

    Returns
    -------
    tuple of (Rollback, list of Exception)
        What changes, and what plug-ins raised when they were told.
    """
    found: list[CubeRollback] = []
    failures: list[Exception] = []
    if not doit:
        found = [transaction.plan() for transaction in transactions]
    else:
        try:
            for transaction, commit in zip(transactions, commit_all(transactions) if transactions else (), strict=True):
                found.append(transaction.outcome(commit))
        finally:
            for cube in found:
                is_told = cube.commit is not None and transactions[0].options.branch == BRANCH
                failures += run_after_commit(cube.commit) if cube.commit and is_told else []
    changed = tuple(cube for cube in found if cube.restored or cube.wiped or cube.left or cube.damage)
    return Rollback(doit, changed), failures


def check_locks(control: Control, cube: str, found: Comparison) -> None:
    """Refuse to go back over fields that are locked against wipes, or those that change against writes.

    Raises
    ------
    ControlledError
        Naming the lock, one of its fields, who locked it and why.
    """
    control.check_fields("wipe", found.new, cube, found.added)
    control.check_fields("archive", found.old, cube, found.removed)
    control.check_fields("archive", found.new, cube, found.replaced)


def _session_at(repo: icechunk.Repository, snapshot: str) -> icechunk.Session:
    """A session that goes on from an older snapshot; only a branch can begin one, and it need not last."""
    name = f"rollback-{uuid.uuid4().hex}"
    repo.create_branch(name, snapshot)
    try:
        return repo.writable_session(name)
    finally:
        repo.delete_branch(name)


async def _mark(store: Any, head: str) -> None:
    """Note in the cube what it came back from: a snapshot must differ from the one before it."""
    from zarr.core.buffer import cpu, default_buffer_prototype

    document = json.loads((await store.get("zarr.json", default_buffer_prototype())).to_bytes())
    document["attributes"]["dtedask"]["restored_from"] = head
    await store.set("zarr.json", cpu.Buffer.from_bytes(json.dumps(document).encode()))
