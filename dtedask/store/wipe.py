"""Wipe: take the fields of a request out of the cubes of a root."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dtedask.core.commit import Change, Commit
from dtedask.core.errors import RequestError
from dtedask.plugins import run_after_commit
from dtedask.request import Request
from dtedask.store.commits import changes_of
from dtedask.store.control import Control
from dtedask.store.removal import chunk_keys, remove, stored_bytes
from dtedask.store.repository import BRANCH, cached_snapshot, open_repository
from dtedask.store.selection import Selection, select
from dtedask.store.transaction import Options, Prepared, Transaction, commit_all

if TYPE_CHECKING:
    from dtedask.store.location import Location

logger = logging.getLogger(__name__)
MINIMUM_KEYS = ("class", "expver")


@dataclass(frozen=True, slots=True)
class Wipe:
    """What a wipe takes away, or would take away.

    Parameters
    ----------
    request : Request
        What was asked for.
    is_done : bool
        Whether the fields are gone; False for a dry run.
    fields : int
        Number of fields.
    size_bytes : int
        Bytes of their chunks on disk; they are free after a purge.
    cubes : tuple of str
        Names of the cubes that held them.
    changes : tuple of Change
        The fields as exact requests, by cube, group, variable and step.
    commits : tuple of Commit
        One for each cube; none for a dry run.
    """

    request: Request
    is_done: bool
    fields: int
    size_bytes: int
    cubes: tuple[str, ...]
    changes: tuple[Change, ...]
    commits: tuple[Commit, ...] = ()

    def __repr__(self) -> str:
        verb = "wiped" if self.is_done else "would wipe"
        return (
            f"<Wipe {self.request}: {verb} {self.fields} fields, {self.size_bytes} bytes, of {', '.join(self.cubes)}>"
        )

    @property
    def requests(self) -> tuple[dict[str, str], ...]:
        """Requests that give exactly the fields."""
        return tuple(change.keys for change in self.changes)

    def to_dict(self) -> dict[str, object]:
        """Everything about it, ready for JSON."""
        return {
            "request": str(self.request),
            "done": self.is_done,
            "fields": self.fields,
            "size_bytes": self.size_bytes,
            "cubes": list(self.cubes),
            "requests": list(self.requests),
            "snapshots": {commit.cube: commit.snapshot for commit in self.commits},
        }


@dataclass(frozen=True, kw_only=True)
class WipeTransaction(Transaction):
    """Take the fields of a request out of one cube; what matches is decided while the cube is held.

    Parameters
    ----------
    request : Request
        What to wipe.
    """

    request: Request

    def _prepare(self) -> Prepared | None:
        repo = open_repository(self.location, self.cube)
        session = repo.writable_session(self.options.branch)
        head: str = session.snapshot_id
        before = cached_snapshot(self.location, self.cube, head)
        found = list(select(before, self.cube, self.request))
        if not found:
            return None
        Control(self.location).check_selections("wipe", found)  # a lock may have been set since the request was checked
        remove(session.store, before, {(part.group.name, part.variable.name): part.slots for part in found})
        count = sum(len(part.slots) for part in found)
        commit = self._new_commit(repo, head, f"wipe of {count} fields")
        return Prepared(repo, session, head, replace(commit, removed=count, wiped=_changes(found)))


def check_minimum(request: Request, keys: Sequence[str], verb: str = "wipe") -> None:
    """Refuse a request that names too little to be wiped, or moved away.

    Raises
    ------
    RequestError
        Naming the keys that are missing.
    """
    missing = [key for key in keys if not request.named(key)]
    if missing:
        raise RequestError(
            f"A {verb} must name {' and '.join(keys)}; the request {str(request)!r} lacks {' and '.join(missing)}.",
            hint=f"Add {', '.join(f'{key}=...' for key in missing)}, or give other minimum keys.",
        )


def survey(request: Request, selections: Sequence[Selection]) -> Wipe:
    """What a wipe of fields takes away."""
    return Wipe(
        request=request,
        is_done=False,
        fields=sum(len(part.slots) for part in selections),
        size_bytes=sum(stored_bytes(p.snapshot, chunk_keys(p.group, p.variable, p.slots)) for p in selections),
        cubes=tuple(dict.fromkeys(part.cube for part in selections)),
        changes=_changes(selections),
    )


def wipe(location: Location, request: Request, cubes: Sequence[str], options: Options) -> tuple[Wipe, list[Exception]]:
    """Take the fields of a request out of cubes, in one snapshot each.

    Returns
    -------
    tuple of (Wipe, list of Exception)
        What is gone, and what plug-ins raised when they were told.
    """
    transactions = [
        WipeTransaction(location=location, cube=cube, options=options, request=request) for cube in sorted(cubes)
    ]
    commits: list[Commit] = []
    failures: list[Exception] = []
    try:
        for commit in commit_all(transactions) if transactions else ():
            commits += [commit] if commit else []
    finally:
        for commit in commits if options.branch == BRANCH else ():
            failures += run_after_commit(commit)
    gone = [
        part
        for commit in commits
        for part in select(cached_snapshot(location, commit.cube, commit.parent), commit.cube, request)
    ]
    for commit in commits:
        logger.info("wiped %d fields of %s with %s", commit.removed, commit.url, request)
    return replace(survey(request, gone), is_done=True, commits=tuple(commits)), failures


def _changes(selections: Sequence[Selection]) -> tuple[Change, ...]:
    by_cube: dict[str, list[tuple[str, str, dict[str, str]]]] = {}
    for part in selections:
        fields = by_cube.setdefault(part.cube, [])
        fields += [(record.group, record.variable, dict(record.keys)) for record in part.records()]
    return tuple(change for fields in by_cube.values() for change in changes_of(fields))
