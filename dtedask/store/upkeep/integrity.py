"""Check on read: what a read is about to use of a snapshot's metadata is compared with its digest, once a process."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import DamagedError, NotFoundError
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles
from dtedask.store.upkeep.digests import Digest, SnapshotDigests, digest_file, digest_folder, read_digests
from dtedask.store.upkeep.manifests import Extents, extents_by_array

if TYPE_CHECKING:
    import icechunk

logger = logging.getLogger(__name__)
BRANCH_FILE = "refs/branch.main/ref.json"
_MOST_CHECKED = 2**16
_checked: set[tuple[str, str]] = set()
_guard = threading.Lock()


class Integrity:
    """Checks of one snapshot.

    Where no digests are kept nothing is checked here: an older dtedask wrote the snapshot, or the root is in memory.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube.
    snapshot : str
        Identifier of the snapshot.
    """

    def __init__(self, location: Location, cube: str, snapshot: str) -> None:
        self._location = location
        self._cube = cube
        self._snapshot = snapshot
        self._by_array: Mapping[str, Extents] | None = None

    def check_snapshot(self) -> None:
        """Compare the snapshot with its digest; to be done before Icechunk reads it.

        Raises
        ------
        DamagedError
            If it differs, or is missing.
        """
        problem = self._snapshot_problem()
        if problem and self._snapshot_problem():  # again, since an expiry may have rewritten it just now
            raise damaged(self._location, self._cube, self._snapshot, f"snapshots/{self._snapshot}", problem)

    def check_purged(self) -> None:
        """Say so if the snapshot has been purged since it was opened.

        Raises
        ------
        NotFoundError
            If neither it nor its digest is there any more.
        """
        if not self._location.is_memory and is_unknown(self._location, self._cube, self._snapshot):
            raise NotFoundError(
                f"The snapshot {self._snapshot} of the cube {self._location.cube_url(self._cube)!r} has been purged "
                "while it was read.",
                hint="Open the root anew. `with store.reading():` keeps purge from what a long read needs.",
            )

    def are_logs_whole(self, snapshots: Iterable[str]) -> bool:
        """Whether the transaction logs of some snapshots of the cube are as they were written, as far as is known."""
        for snapshot in snapshots:
            with suppress(ValueError):
                digests = read_digests(self._location, self._cube, snapshot)
                if digests is not None and digests.transaction is not None:
                    data = RootFiles(self._location).read(f"{self._cube}/transactions/{snapshot}")
                    if digests.transaction.problem(data):
                        return False
        return True

    def check_arrays(self, repo: icechunk.Repository, paths: Iterable[str]) -> None:
        """Compare all manifests of some arrays with their digests.

        Raises
        ------
        DamagedError
            If one differs, or is missing.
        """
        if self._digests is not None:
            found = (self._extents(repo, path) for path in paths)
            self._check([name for extents in found if extents for name in extents.ids])

    def check_chunks(self, repo: icechunk.Repository, chunks: Iterable[Sequence[Any]]) -> None:
        """Compare the manifests that some chunks stand in with their digests.

        Parameters
        ----------
        chunks : iterable of (str, tuple of int or str)
            Path of the array, and the coordinates, such as ``(0, 1, 0)`` or ``"0/1/0"``.

        Raises
        ------
        DamagedError
            If one differs, or is missing.
        """
        if self._digests is None:
            return
        by_array: dict[str, list[Any]] = {}
        for path, place in chunks:
            by_array.setdefault(path, []).append(place)
        for path, places in by_array.items():
            found = self._extents(repo, path)
            if found:
                rows = np.array([place.split("/") if isinstance(place, str) else place for place in places])
                self._check(found.holding(rows.astype(np.int64), self._is_checked))

    @cached_property
    def _digests(self) -> SnapshotDigests | None:
        try:
            return read_digests(self._location, self._cube, self._snapshot)
        except ValueError as error:
            name = digest_file(self._cube, self._snapshot)
            logger.warning(
                "%s of %s is damaged (%s); nothing is checked by it: dtedask store verify",
                name,
                self._location.url,
                error,
            )
            return None

    def _snapshot_problem(self) -> str:
        self.__dict__.pop("_digests", None)
        if self._digests is None or self._digests.own is None:
            return ""
        data = RootFiles(self._location).read(f"{self._cube}/snapshots/{self._snapshot}")
        return self._digests.own.problem(data)

    def _extents(self, repo: icechunk.Repository, path: str) -> Extents | None:
        if self._by_array is None:
            self._by_array = extents_by_array(repo, self._snapshot)
        return self._by_array.get(path)

    def _is_checked(self, name: str) -> bool:
        return (self._location.cube_url(self._cube), name) in _checked

    def _check(self, names: Sequence[str]) -> None:
        names = [name for name in names if not self._is_checked(name)]
        if not names:
            return
        assert self._digests is not None
        url = self._location.cube_url(self._cube)
        stored = RootFiles(self._location).read_all([f"{self._cube}/manifests/{name}" for name in names])
        for name, data in zip(names, stored, strict=True):
            digest = self._digests.manifests.get(name)
            problem = digest.problem(data) if digest else ""
            if problem:
                raise damaged(self._location, self._cube, self._snapshot, f"manifests/{name}", problem)
        with _guard:
            if len(_checked) > _MOST_CHECKED:
                _checked.clear()
            _checked.update((url, name) for name in names)


def damaged(location: Location, cube: str, snapshot: str, name: str, problem: str) -> DamagedError:
    """The error for a damaged object of a cube: where it is, what is wrong, and the way back."""
    kind = name.split("/", 1)[0].removesuffix("s")
    needs = "" if kind == "snapshot" else f" The snapshot {snapshot} needs it."
    return DamagedError(
        f"The {kind} {location.cube_url(cube)}/{name} is damaged: {problem}.{needs}",
        hint=way_back(location, cube, snapshot),
    )


def has_lost_branch(location: Location, cube: str) -> bool:
    """Whether there are commits where the file that names the newest of them is gone."""
    if location.is_memory:
        return False
    return bool(RootFiles(location).files(f"{cube}/transactions"))


def is_unknown(location: Location, cube: str, snapshot: str) -> bool:
    """Whether there is neither a snapshot of this name nor a digest of it."""
    if location.is_memory:
        return True
    files = RootFiles(location)
    return files.read_all([f"{cube}/snapshots/{snapshot}", digest_file(cube, snapshot)]) == [None, None]


def lost_branch(location: Location, cube: str, problem: str, branch: str = "main") -> DamagedError:
    """The error for the file that names the newest snapshot of a cube."""
    path = f"{location.cube_url(cube)}/refs/branch.{branch}/ref.json"
    good = newest_kept(location, cube)
    what = f"Write it anew: the newest snapshot that is whole is {good}, so it is {branch_text(good)}" if good else ""
    return DamagedError(
        f"The reference {path}, which names the newest snapshot, is damaged: {problem}.",
        hint=f"{what}." if what else "Write it anew, with the name of the newest file in `snapshots` that is whole.",
    )


def branch_text(snapshot: str) -> str:
    """What the file of a branch holds."""
    return json.dumps({"snapshot": snapshot}, separators=(",", ":"))


def newest_kept(location: Location, cube: str) -> str | None:
    """The newest snapshot of which digests are kept and everything but the chunks is whole."""
    files = RootFiles(location)
    found = []
    for data in files.read_all([file.name for file in files.files(digest_folder(cube))]):
        with suppress(ValueError):
            found += [SnapshotDigests.from_bytes(data)] if data else []
    known: dict[str, bool] = {}
    for digests in sorted(found, key=lambda one: one.sequence, reverse=True):
        if not problems_of(location, cube, digests, known):
            return digests.snapshot
    return None


def way_back(location: Location, cube: str, snapshot: str) -> str:
    """What to do when a snapshot cannot be used: the newest good one before it, if there is one."""
    good = newest_good(location, cube, snapshot)
    if good is None:
        return "`dtedask store verify` looks for all damage; `dtedask store history` lists other snapshots."
    return (
        f"The newest snapshot before it that is whole is {good}: read it with `at={good}`, "
        f"or go back to it: `dtedask store rollback {cube} --to {good} --doit`."
    )


def newest_good(location: Location, cube: str, snapshot: str) -> str | None:
    """The newest snapshot before one of which all metadata is as it was written; None if none is known to be."""
    known: dict[str, bool] = {}
    for digests in parents(location, cube, snapshot):
        if not problems_of(location, cube, digests, known):
            return digests.snapshot
    return None


def check_whole(location: Location, cube: str, snapshot: str) -> None:
    """Compare a snapshot and all its manifests with their digests, where those are kept.

    Raises
    ------
    DamagedError
        If one of them is damaged.
    """
    try:
        digests = read_digests(location, cube, snapshot)
    except ValueError:
        return
    for name, problem in (problems_of(location, cube, digests, {}) if digests else {}).items():
        raise damaged(location, cube, snapshot, name, problem)


def check_kept(location: Location, cube: str, repo: icechunk.Repository) -> None:
    """Compare all snapshots that anybody can name, and all their manifests, before anything is collected.

    What a damaged manifest does not name any more would be taken for garbage.

    Raises
    ------
    DamagedError
        If one of them is damaged.
    """
    tips = [repo.lookup_branch(name) for name in repo.list_branches()] + [repo.lookup_tag(n) for n in repo.list_tags()]
    known: dict[str, bool] = {}
    seen: set[str] = set()
    for tip in tips:
        for info in repo.ancestry(snapshot_id=tip):
            if info.id in seen:
                break
            seen.add(info.id)
            with suppress(ValueError):
                digests = read_digests(location, cube, info.id)
                problems = problems_of(location, cube, digests, known) if digests else {}
                for name, problem in problems.items():
                    raise DamagedError(
                        f"{location.cube_url(cube)}/{name} is damaged: {problem}; nothing was collected.",
                        hint="What it named would be taken for garbage: see what `dtedask store verify` says first.",
                    )


def number_of(location: Location, cube: str, repo: icechunk.Repository, snapshot: str) -> int:
    """Number of a commit in the history of its cube, also where it cannot be read but its digests are kept."""
    with suppress(ValueError):
        digests = read_digests(location, cube, snapshot)
        if digests is not None:
            return digests.sequence
    return int(repo.lookup_snapshot(snapshot).metadata["dtedask"]["sequence"])


def parents(location: Location, cube: str, snapshot: str) -> Iterator[SnapshotDigests]:
    """Digests of the snapshots before one, the newest first, as far as they are kept; no snapshot is read for it."""
    try:
        digests = read_digests(location, cube, snapshot)
        while digests is not None:
            digests = read_digests(location, cube, digests.parent)
            if digests is not None:
                yield digests
    except ValueError:
        return


def problems_of(location: Location, cube: str, digests: SnapshotDigests, known: dict[str, bool]) -> dict[str, str]:
    """What is wrong with a snapshot and its manifests, by the name of the object in the cube.

    Parameters
    ----------
    known : dict
        Manifests that were looked at before, and whether they are good; it is added to.
    """
    wanted: dict[str, Digest] = {f"snapshots/{digests.snapshot}": digests.own} if digests.own else {}
    wanted |= {f"manifests/{name}": digest for name, digest in digests.manifests.items()}
    new = [name for name in wanted if name not in known]
    stored = RootFiles(location).read_all([f"{cube}/{name}" for name in new])
    problems = {name: wanted[name].problem(data) for name, data in zip(new, stored, strict=True)}
    known |= {name: not problem for name, problem in problems.items()}
    return {name: problems.get(name, "it is damaged") for name in wanted if not known[name]}
