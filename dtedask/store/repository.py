"""The Icechunk repository behind a cube: opened often, never created by a reader."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DamagedError, DtedaskError, NotFoundError, StoreError
from dtedask.store.failures import first_line, read_error
from dtedask.store.forks import check_process
from dtedask.store.handover import handed_over
from dtedask.store.layouts.references import authorization, container, container_prefix, folder_url
from dtedask.store.moment import moment_of
from dtedask.store.past.tag_file import tagged_snapshot
from dtedask.store.snapshot import Snapshot
from dtedask.store.upkeep.integrity import Integrity, has_lost_branch, is_unknown, lost_branch

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.location import Location

logger = logging.getLogger(__name__)
BRANCH = "main"
METADATA = "dtedask"
_MOST_KEPT = 200_000  # references in a repository that stays open; one that is closed forgets them


def open_repository(location: Location, cube: str, *, most_references: int | None = None) -> icechunk.Repository:
    """Open the repository of a cube.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube.
    most_references : int, optional
        How many references to chunks it may keep in memory, about 150 bytes each; as many as Icechunk likes by default.

    Raises
    ------
    NotFoundError
        If there is no such cube.
    DamagedError
        If its files cannot be read.
    """
    import icechunk

    storage = location.storage(cube)
    problem: Exception | None = None
    for _ in range(2):  # what another process makes right now is there the second time
        try:
            return opened(location, cube, storage, most_references)
        except icechunk.IcechunkError as error:
            problem = error
        if not _has_branch(location, cube, storage):
            if has_lost_branch(location, cube):
                raise lost_branch(location, cube, "it is missing") from problem
            raise NotFoundError(
                f"There is no cube at {location.cube_url(cube)!r}.",
                hint="`dtedask store list --root ROOT` lists what exists.",
            ) from problem
    assert problem is not None
    raise read_error(problem, f"the cube {location.cube_url(cube)!r}, which cannot be opened") from problem


def kept_repository(location: Location, cube: str) -> icechunk.Repository:
    """The repository of a cube on local disk, which stays open as long as its configuration is the same file.

    What it has read of the past may have been purged since; what is asked of its newest snapshots is not.

    Raises
    ------
    NotFoundError
        If there is no such cube.
    DamagedError
        If its files cannot be read.
    """
    mark = _mark(f"{location.cube_url(cube)}/config.yaml") if location.is_local else None
    check_process()
    return open_repository(location, cube) if mark is None else _kept(location, cube, mark)


@lru_cache(maxsize=64)
def _kept(location: Location, cube: str, _mark: tuple[int, int, int]) -> icechunk.Repository:
    return open_repository(location, cube, most_references=_MOST_KEPT)


def _mark(path: str) -> tuple[int, int, int] | None:
    """What changes when a file is written anew; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a path in a hot place
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def opened(
    location: Location, cube: str, storage: icechunk.Storage, most_references: int | None = None
) -> icechunk.Repository:
    """A repository that exists, with leave to read what it refers to: its packs, and the places that its config names.

    Nothing is fetched before it is needed: Icechunk would read, and complain of, what is not checked yet.
    """
    import icechunk

    stored = icechunk.Repository.fetch_config(storage)
    places = stored.virtual_chunk_containers if stored is not None else None
    prefixes = {*own_prefixes(location, cube), *(places or ())}
    preload = icechunk.ManifestPreloadConfig(max_total_refs=0)
    caching = icechunk.CachingConfig(num_chunk_refs=most_references)
    config = icechunk.RepositoryConfig(manifest=icechunk.ManifestConfig(preload=preload), caching=caching)
    for prefix in sorted(prefixes):
        config.set_virtual_chunk_container(container(prefix))
    return icechunk.Repository.open(storage, config, authorization(prefixes))


def own_prefixes(location: Location, cube: str) -> list[str]:
    """Where the packs of a cube are, as Icechunk is told; nowhere in the memory of a process."""
    return [] if location.is_memory else [container_prefix(folder_url(location, cube))]


def _has_branch(location: Location, cube: str, storage: icechunk.Storage) -> bool:
    import icechunk

    try:
        return icechunk.Repository.exists(storage)
    except icechunk.IcechunkError as error:
        raise _branch_error(location, cube, error) from error


@lru_cache(maxsize=16)
def cached_snapshot(location: Location, cube: str, snapshot: str) -> Snapshot:
    """A snapshot by its identifier; what was read of it stays in memory of this process."""
    url, integrity = location.cube_url(cube), Integrity(location, cube, snapshot)
    # Over a network Icechunk reads a snapshot best when it is asked for its groups: other calls hold all threads up.
    newest = handed_over(url, snapshot) if location.is_local or location.is_memory else None
    if newest is None:
        return Snapshot(url, open_repository(location, cube), snapshot, integrity)
    return Snapshot(url, partial(kept_repository, location, cube), snapshot, integrity, newest.known)


def head_of(repo: icechunk.Repository, branch: str) -> str | None:
    """Snapshot that a branch names; None where there is no such branch."""
    import icechunk

    try:
        return repo.lookup_branch(branch)
    except icechunk.IcechunkError:
        if branch in repo.list_branches():
            raise
        return None


def tip_of(location: Location, cube: str, repo: icechunk.Repository, branch: str = BRANCH) -> str | None:
    """Snapshot that a branch of a cube names; None where there is no such branch.

    Raises
    ------
    DamagedError
        If the file that names it cannot be read.
    """
    import icechunk

    try:
        return head_of(repo, branch)
    except (icechunk.IcechunkError, ValueError) as error:
        raise _branch_error(location, cube, error, branch) from error


def head(location: Location, cube: str, branch: str = BRANCH) -> Snapshot:
    """The newest snapshot of a cube.

    Raises
    ------
    NotFoundError
        If the cube lacks the branch.
    DamagedError
        If the branch names no snapshot, or one that is damaged.
    """
    check_process()
    found = _quick_tip(location, cube, branch)
    if found is None:
        repo = open_repository(location, cube)
        found = tip_of(location, cube, repo, branch)
    if found is None:
        raise NotFoundError(
            f"The cube {location.cube_url(cube)!r} has no branch {branch!r}.",
            hint=f"It has {', '.join(sorted(repo.list_branches()))}; `create_branch` makes one in every cube.",
        )
    try:
        return cached_snapshot(location, cube, found)
    except DamagedError as error:
        if is_unknown(location, cube, found):
            raise lost_branch(location, cube, f"it names the snapshot {found}, which never was", branch) from error
        raise


def _quick_tip(location: Location, cube: str, branch: str) -> str | None:
    """Snapshot that a branch names, asked of a repository that stays open; None where anything is not as it should be.

    The file of the branch is read each time; opening the repository would take ten times as long.
    """
    import icechunk

    try:
        return _open_for_tips(location, cube).lookup_branch(branch)
    except (icechunk.IcechunkError, ValueError) as error:
        _open_for_tips.cache_clear()
        found = read_error(error, f"the cube {location.cube_url(cube)!r}")
        if not isinstance(found, DamagedError):
            raise found from error  # a storage that does not answer is not asked twice: each time takes long
        return None


@lru_cache(maxsize=64)
def _open_for_tips(location: Location, cube: str) -> icechunk.Repository:
    return open_repository(location, cube)


def _branch_error(location: Location, cube: str, error: Exception, branch: str = BRANCH) -> DtedaskError:
    found = read_error(error, f"the cube {location.cube_url(cube)!r}")
    return lost_branch(location, cube, first_line(error), branch) if isinstance(found, DamagedError) else found


def ancestry(
    location: Location, cube: str, repo: icechunk.Repository, *, snapshot_id: str
) -> Iterator[icechunk.SnapshotInfo]:
    """Snapshots from one back to the first; each is compared with its digest before it is told of.

    Raises
    ------
    DamagedError
        If one of them is damaged.
    """
    import icechunk

    wanted = snapshot_id
    try:
        for info in repo.ancestry(snapshot_id=snapshot_id):
            _check_past(location, cube, wanted, snapshot_id)  # not `info.id`, which may be what is damaged
            yield info
            wanted = info.parent_id or wanted
    except (icechunk.IcechunkError, ValueError) as error:
        _check_past(location, cube, wanted, snapshot_id)
        raise read_error(error, f"the history of the cube {location.cube_url(cube)!r}") from error


def _check_past(location: Location, cube: str, snapshot: str, newest: str) -> None:
    try:
        Integrity(location, cube, snapshot).check_snapshot()
    except DamagedError as error:
        if snapshot == newest:
            raise
        hint = "Newer snapshots do not need it and can be read; their history ends here: give `after=` its last number."
        raise DamagedError(error.message, hint=hint) from error


def line_of(location: Location, cube: str, repo: icechunk.Repository, snapshot: str) -> Iterator[icechunk.SnapshotInfo]:
    """Snapshots of a cube from one back to the first, with those that rollbacks left behind.

    A rollback goes on from an older snapshot. Those that it left behind stand between both, as long as they are not
    purged: what was committed was committed.
    """
    for info in ancestry(location, cube, repo, snapshot_id=snapshot):
        yield info
        undone = own_metadata(info).get("undone")
        if undone and info.parent_id:
            yield from _left_behind(location, cube, repo, undone, info.parent_id)


def _left_behind(
    location: Location, cube: str, repo: icechunk.Repository, snapshot: str, end: str
) -> Iterator[icechunk.SnapshotInfo]:
    last = int(own_metadata(repo.lookup_snapshot(end)).get("sequence", 0))
    try:
        for info in line_of(location, cube, repo, snapshot):
            # An expired past may lead round `end`; its numbers do not.
            if info.id == end or own_metadata(info).get("sequence", last + 1) <= last:
                return
            yield info
    except StoreError as error:
        logger.info("what a rollback of %s left behind is not there any more: %s", location.cube_url(cube), error)


def own_metadata(info: icechunk.SnapshotInfo) -> dict[str, Any]:
    """What a commit of ours says of itself; empty for one of others."""
    return dict(info.metadata.get(METADATA, {}))


def snapshot_at(location: Location, cube: str, at: str | datetime | None, branch: str = BRANCH) -> Snapshot:
    """Snapshot of a cube by identifier, tag or moment.

    Parameters
    ----------
    location : Location
        The root.
    cube : str
        Name of the cube.
    at : str or datetime, optional
        A snapshot's identifier, the name of a tag, or a moment (UTC where it has no zone): the newest commit not later.
        None for the newest.
    branch : str
        The branch whose newest commit, or commit at a moment, is meant.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    import icechunk

    if at is None:
        return head(location, cube, branch)
    repo = open_repository(location, cube)
    moment = moment_of(at)
    try:
        if moment is not None:
            tip = tip_of(location, cube, repo, branch)
            history = line_of(location, cube, repo, tip) if tip else ()
            return cached_snapshot(location, cube, _newest_before(history, moment))
        if tagged := tagged_snapshot(location, cube, str(at)):
            return cached_snapshot(location, cube, tagged)
        if at in repo.list_tags():
            return cached_snapshot(location, cube, repo.lookup_tag(str(at)))
        repo.lookup_snapshot(str(at))
        return cached_snapshot(location, cube, str(at))
    except (icechunk.IcechunkError, ValueError, LookupError) as error:
        if moment is None and not is_unknown(location, cube, str(at)):
            Integrity(location, cube, str(at)).check_snapshot()
            raise read_error(error, f"the snapshot {at} of the cube {location.cube_url(cube)!r}") from error
        raise NotFoundError(
            f"The cube {location.cube_url(cube)!r} has no snapshot {at!s}{_purged(repo)}.",
            hint="`dtedask store history --root ROOT` lists the snapshots.",
        ) from error


def _newest_before(history: Iterable[icechunk.SnapshotInfo], moment: datetime) -> str:
    later = 1
    for info in history:
        if info.written_at <= moment and (info.parent_id is not None or later == 1):
            return info.id
        later = _sequence(info)
    raise LookupError(moment)


def _sequence(info: icechunk.SnapshotInfo) -> int:
    """Number of a commit; 1 where it is none of ours."""
    return int(own_metadata(info).get("sequence", 1))


def is_purged(repo: icechunk.Repository) -> bool:
    """Whether the first commits of a cube were purged."""
    return bool(_purged(repo))


def _purged(repo: icechunk.Repository) -> str:
    """Say what was purged of the past, for a message about what is not there."""
    oldest = [info for info in repo.ancestry(branch=BRANCH) if info.parent_id is not None][-1:]
    if not oldest or _sequence(oldest[0]) == 1:
        return ""
    (info,) = oldest
    moment = info.written_at.strftime("%Y-%m-%d %H:%M:%S")
    return f": what was before commit {_sequence(info)} of {moment}, {info.id}, has been purged"
