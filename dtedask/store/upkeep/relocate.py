"""Let the cubes of a root that was moved or copied refer to their packs where they are now.

Each branch gets one commit, in which references are all that changes. What older snapshots and tags refer to cannot be
changed; the place where their packs were is noted beside the packs, by which dtedask finds them.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import NotFoundError
from dtedask.plugins import run_after_commit
from dtedask.store.creation import allow_packs
from dtedask.store.layouts.locate import references_of
from dtedask.store.layouts.moved import folder_of, note_former, pack_of
from dtedask.store.layouts.references import Reference, folder_url
from dtedask.store.location import Location
from dtedask.store.lock import cube_lock
from dtedask.store.repository import BRANCH, cached_snapshot, open_repository, tip_of
from dtedask.store.transaction import Options, Prepared, Transaction
from dtedask.store.upkeep.manifests import extents_by_array
from dtedask.store.upkeep.packs import packs_of
from dtedask.store.upkeep.points import HOLD

if TYPE_CHECKING:
    from dtedask.store.snapshot import Snapshot

logger = logging.getLogger(__name__)
_AT_ONCE = 10_000
Row = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CubeRelocation:
    """What a relocation changed in one cube, or would change.

    Parameters
    ----------
    cube : str
        Its name.
    former : tuple of str
        Folders where its packs were.
    references : mapping of str to int
        References that were changed, by branch; branches where none is are left out.
    """

    cube: str
    former: tuple[str, ...]
    references: dict[str, int]

    @property
    def count(self) -> int:
        """References in all branches."""
        return sum(self.references.values())

    def __str__(self) -> str:
        branches = ", ".join(f"{count:,} of {name}" for name, count in self.references.items())
        return f"{self.cube}: {branches or 'no'} references, from {', '.join(self.former) or 'nowhere else'}"


@dataclass(frozen=True, slots=True)
class Relocation:
    """What a relocation of a root changed.

    Parameters
    ----------
    root : str
        Path or URL of the root.
    dry_run : bool
        Whether nothing was changed.
    cubes : tuple of CubeRelocation
        Sorted by name.
    """

    root: str
    dry_run: bool
    cubes: tuple[CubeRelocation, ...]

    @property
    def references(self) -> int:
        """References in all cubes."""
        return sum(cube.count for cube in self.cubes)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        cubes = [asdict(cube) | {"former": list(cube.former)} for cube in self.cubes]
        return {"root": self.root, "dry_run": self.dry_run, "references": self.references, "cubes": cubes}

    def __repr__(self) -> str:
        head = f"<dtedask.Relocation {self.root}: {self.references:,} references{', dry run' if self.dry_run else ''}"
        return "\n".join([head, *map(str, self.cubes)]) + ">"


def relocate_root(
    location: Location, cubes: Sequence[str], old: Location | None, options: Options, *, dry_run: bool
) -> Relocation:
    """Relocate the cubes of a root one after the other.

    Parameters
    ----------
    location : Location
        The root.
    cubes : sequence of str
        Names of the cubes.
    old : Location, optional
        Where the root was; any place that cubes refer to and whose packs are here, where it is None.
    options : Options
        How to commit.
    dry_run : bool
        Whether to change nothing.

    Raises
    ------
    NotFoundError
        If packs of the old place are not here.
    """
    if location.is_memory:
        return Relocation(location.url, dry_run, ())
    found = tuple(_relocate(location, cube, old, options, dry_run=dry_run) for cube in cubes)
    return Relocation(location.url, dry_run, found)


def _relocate(
    location: Location, cube: str, old: Location | None, options: Options, *, dry_run: bool
) -> CubeRelocation:
    url = location.cube_url(cube)
    moved = _Moved.of(location, cube, old)
    repo = open_repository(location, cube)
    counts: dict[str, int] = {}
    former: dict[str, None] = {}
    for branch in sorted(name for name in repo.list_branches() if not name.startswith(HOLD)):
        head = tip_of(location, cube, repo, branch)
        for _, _, reference in moved.references(cached_snapshot(location, cube, head or "")):
            counts[branch] = counts.get(branch, 0) + 1
            former[moved.folder(reference)] = None
    # Old snapshots may be all that needs it: a purge, or commits since the move, may have left no reference here.
    named = [] if old is None else [moved.old]
    result = CubeRelocation(cube, tuple(former), counts)
    if dry_run or not (former or named):
        return result
    with cube_lock(location, cube, options.lock_timeout_s):
        note_former(url, [*former, *(one for one in named if one)])
        allow_packs(location, cube)
    for branch in counts:
        own = replace(options, branch=branch)
        commit = RelocateTransaction(location=location, cube=cube, options=own, old=old).run()
        if commit is not None and branch == BRANCH:
            run_after_commit(commit)
    return result


@dataclass(frozen=True, kw_only=True)
class RelocateTransaction(Transaction):
    """Let the newest snapshot of a branch refer to the packs of its cube where they are now.

    Parameters
    ----------
    old : Location, optional
        Where the root was; None for any place whose packs are here.
    """

    old: Location | None

    def _prepare(self) -> Prepared | None:
        repo = open_repository(self.location, self.cube)
        session = repo.writable_session(self.options.branch)
        head: str = session.snapshot_id
        moved = _Moved.of(self.location, self.cube, self.old)
        found = moved.references(cached_snapshot(self.location, self.cube, head))
        count = 0
        for path, group in itertools.groupby(found, key=lambda one: one[0]):
            for part in _batches(group):
                _set(session.store, path, [(row, moved.here(reference)) for _, row, reference in part])
                count += len(part)
        if not count:
            return None
        return Prepared(repo, session, head, self._new_commit(repo, head, f"{count} references relocated"))


@dataclass(frozen=True)
class _Moved:
    """Which references of a cube are to packs that were elsewhere and are here now."""

    cube_url: str
    own: str
    url: str
    names: frozenset[str]
    old: str

    @classmethod
    def of(cls, location: Location, cube: str, old: Location | None) -> _Moved:
        names = frozenset(PurePosixPath(file.name).name for file in packs_of(location, cube))
        url = location.cube_url(cube)
        before = "" if old is None else folder_of(old.cube_url(cube))
        return cls(url, folder_of(url), folder_url(location, cube), names, before)

    def references(self, snapshot: Snapshot) -> Iterator[tuple[str, Row, Reference]]:
        """Array, coordinates and reference of each chunk of a snapshot that is to be changed."""
        for path in sorted(extents_by_array(snapshot.repo, snapshot.id)):
            for row, reference in references_of(snapshot, path):
                if self._is_moved(reference):
                    yield path, row, reference

    def folder(self, reference: Reference) -> str:
        found = pack_of(reference.url)
        assert found is not None
        return found[0]

    def here(self, reference: Reference) -> Reference:
        found = pack_of(reference.url)
        assert found is not None
        return replace(reference, url=f"{self.url}{found[1]}")

    def _is_moved(self, reference: Reference) -> bool:
        found = pack_of(reference.url)
        if found is None or found[0] == self.own or self.old not in ("", found[0]):
            return False
        if found[1] in self.names:
            return True
        if self.old:
            raise NotFoundError(
                f"The pack {found[1]!r} of {self.old!r} is not in the cube {self.cube_url!r}.",
                hint="Copy the root whole, with the folder `packs` of each cube; nothing of the cube was changed.",
            )
        return False


def _batches(found: Iterator[tuple[str, Row, Reference]]) -> Iterator[list[tuple[str, Row, Reference]]]:
    while part := list(itertools.islice(found, _AT_ONCE)):
        yield part


def _set(store: Any, path: str, chunks: Sequence[tuple[Row, Reference]]) -> None:
    from icechunk import VirtualChunkSpec

    specs = [VirtualChunkSpec(list(row), one.url, one.offset, one.length) for row, one in chunks]
    refused = store.set_virtual_refs(f"/{path}", specs)
    assert not refused, "the packs of a cube are where it may refer to"
