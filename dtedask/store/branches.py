"""Branches of a root: a name that each cube keeps beside ``main``, for trying out what nobody else shall see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from dtedask.core.errors import BranchError, DtedaskError, NotFoundError
from dtedask.store.failures import storage_error
from dtedask.store.lock import cube_lock
from dtedask.store.repository import BRANCH, head_of, open_repository, snapshot_at
from dtedask.store.root_files import RootFiles
from dtedask.store.syncing import sync_to_disk
from dtedask.store.upkeep.points import HOLD

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.location import Location
    from dtedask.store.transaction import Options

_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"


def branches_of(location: Location) -> list[str]:
    """Names of the branches that at least one cube has, sorted; not those by which a purge holds something."""
    names = RootFiles(location).cubes()
    found = {branch for cube in names for branch in open_repository(location, cube).list_branches()}
    return sorted(branch for branch in found if not branch.startswith(HOLD))


def create_branch(location: Location, name: str, at: str | datetime | None, options: Options) -> None:
    """Let a branch begin in every cube; see `Keeper.create_branch`."""
    _check_name(name)
    starts = _starts(location, at)
    lacking = [cube for cube in starts if head_of(open_repository(location, cube), name) is None]
    if not lacking:
        raise BranchError(
            f"The branch {name!r} exists in {location.url!r} already.",
            hint="Delete it first, or take another name.",
        )
    for cube in lacking:
        with _changing(location, cube, options):
            open_repository(location, cube).create_branch(name, starts[cube])
    if options.durable:
        sync_to_disk(location)


def delete_branch(location: Location, name: str, options: Options) -> None:
    """Take a branch out of every cube; see `Keeper.delete_branch`."""
    if name == BRANCH:
        raise BranchError(f"The branch {BRANCH!r} cannot be deleted.", hint="Wipe fields, or remove the root.")
    having = [cube for cube in RootFiles(location).cubes() if head_of(open_repository(location, cube), name)]
    if not having:
        raise missing_branch(location, name)
    for cube in having:
        with _changing(location, cube, options):
            open_repository(location, cube).delete_branch(name)
    if options.durable:
        sync_to_disk(location)


def check_branch(location: Location, name: str) -> None:
    """Check that a root has a branch.

    Raises
    ------
    NotFoundError
        If no cube has it.
    """
    if name != BRANCH and name not in branches_of(location):
        raise missing_branch(location, name)


def start_branch(repo: icechunk.Repository, name: str) -> None:
    """Let a branch begin empty in a cube that lacks it: the cube was made later, or by a writer of the branch."""
    if name != BRANCH and head_of(repo, name) is None:
        *_, first = repo.ancestry(branch=BRANCH)
        repo.create_branch(name, first.id)


def missing_branch(location: Location, name: str) -> NotFoundError:
    """What to raise where no cube has a branch."""
    return NotFoundError(
        f"The root {location.url!r} has no branch {name!r}.",
        hint=f"It has {', '.join(branches_of(location)) or 'no cubes'}. `store.create_branch({name!r})` makes one.",
    )


def _check_name(name: str) -> None:
    if not re.fullmatch(_NAME, name) or name == BRANCH:
        raise BranchError(
            f"{name!r} cannot be the name of a branch.",
            hint=f"Use up to 64 letters, digits, '-' and '_', and not {BRANCH!r}.",
        )


def _starts(location: Location, at: str | datetime | None) -> dict[str, str]:
    """Snapshot of each cube that a branch begins with; cubes without one at that place in time are left out."""
    found, failed = {}, None
    for cube in RootFiles(location).cubes():
        try:
            found[cube] = snapshot_at(location, cube, at).id
        except NotFoundError as error:
            failed = error
    if not found:
        raise failed or NotFoundError(
            f"The root {location.url!r} holds no cubes that a branch could begin in.",
            hint="Archive something into it first.",
        )
    return found


@contextmanager
def _changing(location: Location, cube: str, options: Options) -> Iterator[None]:
    import icechunk

    try:
        with cube_lock(location, cube, options.lock_timeout_s):
            yield
    except DtedaskError:
        raise
    except (icechunk.IcechunkError, OSError) as error:
        raise storage_error(error, location.cube_url(cube)) from error
