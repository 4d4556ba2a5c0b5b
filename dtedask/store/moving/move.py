"""Move fields from one root into another: copy, read back and compare, then wipe what is safe there."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.commit import Change, Commit
from dtedask.plugins import run_after_commit
from dtedask.store.commits import changes_of
from dtedask.store.control import Control
from dtedask.store.html import table_html
from dtedask.store.moving.batches import in_batches
from dtedask.store.moving.refusal import Refusals
from dtedask.store.moving.result import Copy, Refused
from dtedask.store.moving.verifying import Verifier
from dtedask.store.past.compare import Place, Rows, compare, labels_of
from dtedask.store.past.differences import keys_of
from dtedask.store.progress import Tracker
from dtedask.store.removal import remove
from dtedask.store.repository import BRANCH, cached_snapshot, open_repository
from dtedask.store.transaction import Options, Prepared, Transaction

if TYPE_CHECKING:
    from dtedask.store.execute import Execution
    from dtedask.store.moving.copy import Copying, OnProgress
    from dtedask.store.selection import Selection
    from dtedask.store.snapshot import Snapshot

logger = logging.getLogger(__name__)
Taken = Mapping[Place, Rows]


@dataclass(frozen=True, slots=True)
class Move:
    """What a move did, or would do.

    Parameters
    ----------
    copy : Copy
        What was copied, or would be.
    is_done : bool
        Whether it was done; False for a dry run.
    fields : int
        Fields that are in the target and no longer in the source, or would be.
    left : tuple of Refused
        Fields that stay in the source, and why: they were replaced meanwhile, or the target does not hold them exactly.
    changes : tuple of Change
        What was wiped in the source, by cube, group, variable and step.
    commits : tuple of Commit
        Of the source.
    hook_failures : tuple of Exception
        What plug-ins raised when they were told of commits of either root.
    """

    copy: Copy
    is_done: bool
    fields: int
    left: tuple[Refused, ...] = ()
    changes: tuple[Change, ...] = ()
    commits: tuple[Commit, ...] = ()
    hook_failures: tuple[Exception, ...] = ()

    def __repr__(self) -> str:
        verb = "moved" if self.is_done else "would move"
        left = f", {sum(one.fields for one in self.left)} left" if self.left else ""
        request = str(self.copy.request) or "of everything"
        return f"<Move {request}: {self.copy.source} -> {self.copy.target}, {verb} {self.fields} fields{left}>"

    def _repr_html_(self) -> str:
        rows = [{"left": one.place, "fields": one.fields, "reason": one.reason} for one in self.left]
        return table_html(repr(self).strip("<>"), rows)

    def to_dict(self) -> dict[str, Any]:
        """Everything about it, ready for JSON."""
        return {
            "done": self.is_done,
            "fields": self.fields,
            "left": [one.to_dict() for one in self.left],
            "copy": self.copy.to_dict(),
            "requests": [change.keys for change in self.changes],
            "snapshots": {commit.cube: commit.snapshot for commit in self.commits},
            "hook_failures": [str(error) for error in self.hook_failures],
        }


@dataclass(frozen=True, kw_only=True)
class MoveOutTransaction(Transaction):
    """Take fields out of one cube that stand elsewhere; those that were replaced since they were copied stay.

    Parameters
    ----------
    copied : Snapshot
        The state that they were copied from.
    taken : mapping of (str, str) to numpy.ndarray of int64, shape (fields, dimensions)
        Their slots there.
    """

    copied: Snapshot
    taken: Taken
    stayed: dict[Place, Rows] = field(default_factory=dict)

    def _prepare(self) -> Prepared | None:
        repo = open_repository(self.location, self.cube)
        session = repo.writable_session(self.options.branch)
        head: str = session.snapshot_id
        before = cached_snapshot(self.location, self.cube, head)
        removed = self._unchanged(before)
        if not removed:
            return None
        Control(self.location).check_fields("wipe", before, self.cube, removed)
        remove(session.store, before, removed)
        count = sum(map(len, removed.values()))
        wiped = changes_of(list(keys_of(self.cube, before, removed)))
        return Prepared(repo, session, head, replace(self._new_commit(repo, head, ""), removed=count, wiped=wiped))

    def _unchanged(self, now: Snapshot) -> dict[Place, Rows]:
        """Slots, in the newest state, of the fields that are what they were when they were copied."""
        step = compare(self.copied, now)
        self.stayed.clear()
        found = {}
        for where, rows in self.taken.items():
            same = _without(rows, step.removed.get(where), step.before.get(where))
            replaced = step.before.get(where)
            if replaced is not None and len(both := _common(rows, replaced)):
                self.stayed[where] = both
            if len(same):
                found[where] = same if self.copied.id == now.id else _slots_in(self.copied, now, where, same)
        return found


def _without(rows: Rows, *others: Rows | None) -> Rows:
    gone = {tuple(row) for part in others if part is not None for row in part.tolist()}
    kept = [row for row in rows.tolist() if tuple(row) not in gone] if gone else rows
    return np.array(kept, dtype=np.int64).reshape(len(kept), rows.shape[1])


def _common(rows: Rows, others: Rows) -> Rows:
    known = {tuple(row) for row in others.tolist()}
    kept = [row for row in rows.tolist() if tuple(row) in known]
    return np.array(kept, dtype=np.int64).reshape(len(kept), rows.shape[1])


def _slots_in(old: Snapshot, new: Snapshot, where: Place, rows: Rows) -> Rows:
    group = new.group(where[0])
    axes = [group.axes[name].slots for name in group.variables[where[1]].dims]
    found = [
        [slots[label] for slots, label in zip(axes, labels, strict=True)]  # type: ignore[index]
        for labels in labels_of(old, where, rows)
    ]
    return np.array(found, dtype=np.int64).reshape(rows.shape)


@dataclass(frozen=True)
class Moving:
    """A move that is to be made.

    Parameters
    ----------
    copying : Copying
        Its copy.
    options : Options
        How to commit to the source.
    """

    copying: Copying
    options: Options

    def plan(self) -> Move:
        """Say what would be done; nothing is written."""
        planned = self.copying.plan()
        return Move(planned, is_done=False, fields=planned.new + planned.replaced, left=planned.refused)

    def run(self, execution: Execution, on_progress: OnProgress = None, message: str = "") -> Move:
        """Copy all, then verify and wipe cube by cube.

        Whenever it ends, each field is in the source, or in the target, or in both; the same again goes on from there.
        """
        done = self.copying.run(execution, on_progress, message)
        refusals = Refusals()
        changes: list[Change] = []
        commits: list[Commit] = []
        failures: list[Exception] = list(done.hook_failures)
        target, tracker = self.copying.target, Tracker(done.fields, done.size_bytes, on_progress)
        verifier = Verifier(target.location, target.options.branch, execution, self.options.batch_bytes, tracker)
        by_cube = attrgetter("cube")
        for cube, parts in groupby(sorted(self.copying.selections, key=by_cube), key=by_cube):
            selections = list(parts)
            taken = self._verified(selections, verifier, refusals)
            transaction = MoveOutTransaction(
                location=self.copying.source,
                cube=cube,
                options=self.options,
                message=message or f"move of {self.copying.request or 'everything'} to {done.target}",
                copied=selections[0].snapshot,
                taken=taken,
            )
            commit = transaction.run() if taken else None
            _tell_stayed(cube, transaction, refusals)
            if commit is not None:
                logger.info("moved %d fields of %s to %s", commit.removed, commit.url, done.target)
                commits.append(commit)
                changes += commit.wiped
                failures += run_after_commit(commit) if self.options.branch == BRANCH else ()
        return Move(
            done,
            is_done=True,
            fields=sum(commit.removed for commit in commits),
            left=refusals.found,
            changes=tuple(changes),
            commits=tuple(commits),
            hook_failures=tuple(failures),
        )

    def _verified(self, selections: Sequence[Selection], verifier: Verifier, refusals: Refusals) -> Taken:
        """Slots of the fields that the target holds exactly, read back from it."""
        found: dict[Place, list[tuple[int, ...]]] = {}
        for batch in in_batches(selections, self.copying.most_bytes):
            records = [record for piece in batch for record in piece.records()]
            for record, wrong in zip(records, verifier.check(self.copying.entries(records)), strict=True):
                if wrong:
                    refusals.add(record, f"{wrong} in {self.copying.target.location.url}")
                else:
                    found.setdefault((record.group, record.variable), []).append(record.slots)
        return {where: np.array(rows, dtype=np.int64).reshape(len(rows), -1) for where, rows in found.items()}


def _tell_stayed(cube: str, transaction: MoveOutTransaction, refusals: Refusals) -> None:
    for (group, variable), rows in transaction.stayed.items():
        refusals.add_at(cube, group, variable, "it was replaced while it was moved", len(rows))
