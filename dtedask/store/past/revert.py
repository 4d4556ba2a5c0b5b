"""Undo single commits: what they wrote goes, or gets back what it was; what was written since stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.commit import Change
from dtedask.store.commits import changes_of
from dtedask.store.control import Control
from dtedask.store.past.compare import Place, Rows, count
from dtedask.store.past.differences import keys_of
from dtedask.store.past.rollback import CubeRollback, GoingBack
from dtedask.store.past.stored import StoredRow, coordinates_of, entry_of
from dtedask.store.past.undoing import Undoing, undo
from dtedask.store.placement import Placement, place
from dtedask.store.removal import Added, remove
from dtedask.store.repository import cached_snapshot, open_repository
from dtedask.store.transaction import Prepared
from dtedask.store.writing import Entry, WriteTransaction

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.grib import Coordinate
    from dtedask.store.execute import Execution
    from dtedask.store.identity import Address


@dataclass(frozen=True, kw_only=True)
class RevertTransaction(GoingBack):
    """Undo commits of one cube, in one snapshot.

    Parameters
    ----------
    commits : sequence of Commit
        What to undo.
    execution : Execution
        Where the fields that come back are written.
    """

    commits: Sequence[Commit]
    execution: Execution

    def plan(self) -> CubeRollback:
        """What the transaction would change now."""
        head = open_repository(self.location, self.cube).lookup_branch(self.options.branch)
        return self._plan(undo(self.location, cached_snapshot(self.location, self.cube, head), self.commits))

    def _plan(self, found: Undoing) -> CubeRollback:
        return CubeRollback(
            self.cube,
            found.head.id,
            "",
            restored=self._changes(found.restored()),
            wiped=changes_of(list(keys_of(self.cube, found.head, found.removed()))),
            left=self._changes(list(found.left.values())),
        )

    def _prepare(self) -> Prepared | None:
        repo = open_repository(self.location, self.cube)
        session = repo.writable_session(self.options.branch)
        head: str = session.snapshot_id
        before = cached_snapshot(self.location, self.cube, head)
        found = undo(self.location, before, self.commits)
        plan, removed, rows = self._plan(found), found.removed(), found.restored()
        self.plans.append(plan)
        if not rows and not removed:
            return None
        Control(self.location).check_fields("wipe", before, self.cube, removed)
        entries = [entry_of(self.location, self.cube, row, keys) for row, keys in self._with_keys(rows)]
        placement = place(before, (entry.address for entry in entries))
        written = self._writer(rows, entries).write_entries(session, placement, entries)
        if not written.entries and not removed:
            return None
        remove(session.store, before, removed, _added(placement, entries))
        names = ", ".join(str(commit.sequence) for commit in self.commits)
        commit = replace(
            written.told_by(self._new_commit(repo, head, f"undo of {names}")),
            removed=count(removed),
            wiped=plan.wiped,
        )
        return Prepared(repo, session, head, commit)

    def _writer(self, rows: Sequence[StoredRow], entries: Sequence[Entry]) -> WriteTransaction:
        homes = {row.group: row.snapshot for row in rows}

        def grid_of(address: Address) -> Mapping[str, Coordinate]:
            return coordinates_of(homes[address.group], address.group)

        return WriteTransaction(
            location=self.location,
            cube=self.cube,
            options=self.options,
            entries=entries,
            execution=self.execution,
            coordinates_of=grid_of,
        )

    def _with_keys(self, rows: Sequence[StoredRow]) -> list[tuple[StoredRow, dict[str, str]]]:
        found = []
        for (_, group, variable), part in _by_array(rows).items():
            slots = np.array([row.slots for row in part], dtype=np.int64).reshape(len(part), -1)
            named = keys_of(self.cube, part[0].snapshot, {(group, variable): slots})
            found += [(row, dict(keys)) for row, (_, _, keys) in zip(part, named, strict=True)]
        return found

    def _changes(self, rows: Sequence[StoredRow]) -> tuple[Change, ...]:
        return changes_of([(row.group, row.variable, keys) for row, keys in self._with_keys(rows)])


def _by_array(rows: Sequence[StoredRow]) -> dict[tuple[str, str, str], list[StoredRow]]:
    found: dict[tuple[str, str, str], list[StoredRow]] = {}
    for row in rows:
        found.setdefault((row.snapshot.id, row.group, row.variable), []).append(row)
    return found


def _added(placement: Placement, entries: Sequence[Entry]) -> Added:
    found: dict[Place, list[tuple[int, ...]]] = {}
    dims: dict[Place, tuple[str, ...]] = {}
    for entry, (_, indices) in zip(entries, placement.coordinates, strict=True):
        variable = entry.address.variable
        where = (entry.address.group, variable.name)
        dims[where] = variable.dims
        found.setdefault(where, []).append(indices[: len(variable.dims)])
    rows: dict[Place, Rows] = {p: np.array(part, dtype=np.int64).reshape(len(part), -1) for p, part in found.items()}
    return {where: (dims[where], part) for where, part in rows.items()}
