"""Fields of older snapshots that were replaced or wiped since."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.store.commits import commit_of
from dtedask.store.coverage import exist
from dtedask.store.group import in_order_of_labels
from dtedask.store.repository import ancestry, open_repository
from dtedask.store.selection import Selection, select_variable
from dtedask.store.snapshot import Snapshot
from dtedask.store.upkeep.integrity import Integrity

if TYPE_CHECKING:
    import icechunk

    from dtedask.core.commit import Commit
    from dtedask.request import Request
    from dtedask.store.location import Location

logger = logging.getLogger(__name__)
_QUESTION_IN_FIELDS = 8


def masked_selections(location: Location, cube: str, head: Snapshot, request: Request) -> Iterator[Selection]:
    """Fields that a request takes of the past of a cube and that are not there any more, the latest first.

    Each stands with the last snapshot that holds it, whose axes say which field a slot is: a slot may be used again.
    Of snapshots that have expired nothing is known any more.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube.
    head : Snapshot
        Where to begin; only what lies before it counts.
    request : Request
        Which fields.
    """
    repo = open_repository(location, cube)
    for commit, before, changed in _changes(location, cube, repo, head.id):
        old = Snapshot(head.url, repo, before, Integrity(location, cube, before))
        yield from _gone(old, cube, changed, commit, request)


def _changes(
    location: Location, cube: str, repo: icechunk.Repository, start: str, end: str = ""
) -> Iterator[tuple[Commit, str, icechunk.Diff]]:
    """Commits that took something away, the snapshot that still holds it, and the difference; the latest first.

    A rollback takes away what it left behind, whose own past is told next.
    """
    for info, before in itertools.pairwise(ancestry(location, cube, repo, snapshot_id=start)):
        commit = commit_of(location, cube, info)
        if info.id == end:
            return
        if commit is None or before.parent_id is None:
            continue
        if commit.undone:
            yield from _difference(repo, commit, commit.undone, before.id, commit.undone)
            yield from _changes(location, cube, repo, commit.undone, before.id)
        elif commit.replaced or commit.removed:
            yield from _difference(repo, commit, before.id, before.id, info.id)


def _difference(
    repo: icechunk.Repository, commit: Commit, holder: str, old: str, new: str
) -> Iterator[tuple[Commit, str, icechunk.Diff]]:
    import icechunk

    try:
        yield commit, holder, repo.diff(from_snapshot_id=old, to_snapshot_id=new)
    except icechunk.IcechunkError as error:
        logger.info("what %s of %s replaced is not there any more: %s", commit.snapshot, commit.url, error)


def _gone(old: Snapshot, cube: str, changed: Any, commit: Commit, request: Request) -> Iterator[Selection]:
    names = set(old.group_names)
    for path in sorted({*changed.updated_chunks, *changed.deleted_arrays}):
        group_name, _, name = path.strip("/").rpartition("/")
        group = old.group(group_name) if group_name in names else None
        if group is None or name not in group.variables:
            continue
        found = select_variable(old, cube, group, group.variables[name], request)
        if found is None:
            continue
        is_deleted = path in changed.deleted_arrays
        rows = found.slots if is_deleted else _rows_that_were(found, np.array(changed.updated_chunks[path]))
        if len(rows):
            yield dataclasses.replace(found, rows=rows, replaced=commit)


def _rows_that_were(selection: Selection, chunks: np.ndarray) -> np.ndarray:
    """Those of the changed chunks that held a field which is asked for, in the order people see."""
    variable, group, snapshot = selection.variable, selection.group, selection.snapshot
    count = len(variable.dims)
    rows = np.unique(chunks[:, :count], axis=0)
    keep = (rows < variable.shape[:count]).all(axis=1)
    for position, slots in enumerate(selection.allowed):
        if slots is not None:
            keep &= np.isin(rows[:, position], slots)
    rows = rows[keep]
    if count and len(rows) * _QUESTION_IN_FIELDS > math.prod(variable.shape[:count]):
        codes = [np.ravel_multi_index(tuple(one.T), variable.shape[:count]) for one in (selection.slots, rows)]
        found: np.ndarray = selection.slots[np.isin(*codes)]
        return found
    there = exist(snapshot, group.name, ((variable, tuple(row)) for row in rows.tolist()))
    return in_order_of_labels(group, variable, np.compress(there, rows, axis=0))
