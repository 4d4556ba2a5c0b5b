"""The Icechunk repository behind a cube: created once, opened often, never created by a reader."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dtedask.core.errors import DamagedError, NotFoundError, StoreError
from dtedask.store.snapshot import Snapshot, cached_snapshot

if TYPE_CHECKING:
    import icechunk

    from dtedask.store.location import Location
    from dtedask.store.schema import Schema

BRANCH = "main"
_INLINE_BYTES = 512


def open_repository(location: Location, cube: str) -> icechunk.Repository:
    """Open the repository of a cube.

    Raises
    ------
    NotFoundError
        If there is no such cube.
    DamagedError
        If its files cannot be read.
    """
    import icechunk

    storage = location.storage(cube)
    try:
        return icechunk.Repository.open(storage)
    except icechunk.IcechunkError as error:
        if icechunk.Repository.exists(storage):
            raise DamagedError(f"The cube {location.cube_url(cube)!r} cannot be opened: {error}") from error
        raise NotFoundError(
            f"There is no cube at {location.cube_url(cube)!r}.",
            hint="`dtedask store list --root ROOT` lists what exists.",
        ) from error


def create_repository(location: Location, cube: str, schema: Schema) -> icechunk.Repository:
    """Open the repository of a cube, and create it where there is none.

    Its manifests are split along the reference time from the beginning, since a commit rewrites what it touches.
    """
    import icechunk
    from icechunk import ManifestSplitCondition, ManifestSplitDimCondition

    config = icechunk.RepositoryConfig.default()
    config.inline_chunk_threshold_bytes = _INLINE_BYTES
    split = {ManifestSplitDimCondition.DimensionName("forecast_reference_time"): schema.splits}
    config.manifest = icechunk.ManifestConfig(
        splitting=icechunk.ManifestSplittingConfig.from_dict({ManifestSplitCondition.AnyArray(): split})
    )
    try:
        repo = icechunk.Repository.open_or_create(location.storage(cube), config)
        repo.save_config()
    except icechunk.IcechunkError as error:
        raise StoreError(f"The cube {location.cube_url(cube)!r} cannot be created: {error}") from error
    return repo


def head(location: Location, cube: str) -> Snapshot:
    """The newest snapshot of a cube."""
    repo = open_repository(location, cube)
    return cached_snapshot(location, cube, repo.lookup_branch(BRANCH))


def snapshot_at(location: Location, cube: str, at: str | datetime | None) -> Snapshot:
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

    Raises
    ------
    NotFoundError
        If there is none.
    """
    import icechunk

    if at is None:
        return head(location, cube)
    repo = open_repository(location, cube)
    moment = _moment(at)
    try:
        if moment is not None:
            return cached_snapshot(location, cube, _newest_before(repo, moment))
        if at in repo.list_tags():
            return cached_snapshot(location, cube, repo.lookup_tag(str(at)))
        return cached_snapshot(location, cube, repo.lookup_snapshot(str(at)).id)
    except (icechunk.IcechunkError, ValueError, LookupError) as error:
        raise NotFoundError(
            f"The cube {location.cube_url(cube)!r} has no snapshot {at!s}.",
            hint="`dtedask store history --root ROOT` lists the snapshots.",
        ) from error


def _moment(at: str | datetime) -> datetime | None:
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _newest_before(repo: icechunk.Repository, moment: datetime) -> str:
    for info in repo.ancestry(branch=BRANCH):
        if info.written_at <= moment:
            return info.id
    raise LookupError(moment)
