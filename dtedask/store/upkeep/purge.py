"""Expire what the rule does not keep, and collect what nothing refers to any more."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dtedask.core.errors import StoreError
from dtedask.core.settings import setting
from dtedask.plugins import run_after_purge, run_oldest_needed
from dtedask.store.failures import first_line, storage_error
from dtedask.store.location import Location
from dtedask.store.lock import cube_lock
from dtedask.store.repository import BRANCH, open_repository
from dtedask.store.root_files import RootFiles
from dtedask.store.syncing import sync_to_disk
from dtedask.store.upkeep.digests import rewriting
from dtedask.store.upkeep.integrity import check_kept
from dtedask.store.upkeep.leftovers import remove_leftovers, stale_digests, stray_pins
from dtedask.store.upkeep.packs import remove_packs
from dtedask.store.upkeep.points import held, left_behind, lines_of, threshold_of
from dtedask.store.upkeep.registry import Registration, folder_of, registered, registrations
from dtedask.store.upkeep.report import CubePurge, Purge, Removed
from dtedask.store.upkeep.retention import Choice, Limit, Point, Retention, RetentionDocument, choose, duration

if TYPE_CHECKING:
    import icechunk

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PurgeOptions:
    """How a purge runs; resolved from the settings once.

    Parameters
    ----------
    durable : bool
        Whether to sync before anything is deleted.
    lock_timeout_s : float
        How long to wait for a writer of a cube.
    longest_reader_s, slack_s : float
        See the settings ``longest-reader`` and ``clock-slack``.
    """

    durable: bool
    lock_timeout_s: float
    longest_reader_s: float
    slack_s: float

    @classmethod
    def from_settings(cls) -> PurgeOptions:
        """Those of the settings."""
        return cls(
            setting("store.durable"),
            setting("store.lock-timeout"),
            setting("store.longest-reader"),
            setting("store.clock-slack"),
        )


def purge_root(
    location: Location, cubes: Sequence[str], rule: Retention | None, options: PurgeOptions, *, dry_run: bool
) -> Purge:
    """Purge the cubes of a root one after the other.

    Parameters
    ----------
    location : Location
        The root.
    cubes : sequence of str
        Names of the cubes.
    rule : Retention, optional
        What to keep; the rule of the root where it is None.
    options : PurgeOptions
        Limits.
    dry_run : bool
        Whether to do nothing.
    """
    kept = rule or RetentionDocument(location).read()
    done = [_CubePurger(location, cube, kept, options, dry_run).run() for cube in cubes]
    return Purge(location.url, str(kept), dry_run, tuple(done))


@dataclass(frozen=True)
class _CubePurger:
    location: Location
    cube: str
    rule: Retention
    options: PurgeOptions
    dry_run: bool

    def run(self) -> CubePurge:
        import icechunk

        with (
            cube_lock(self.location, self.cube, self.options.lock_timeout_s),
            registered(self.location, self.cube, "purge") as name,
        ):
            try:
                return self._run(name)
            except icechunk.IcechunkError as error:
                raise StoreError(
                    f"The cube {self._url!r} could not be purged to the end: {first_line(error)}",
                    hint="What is needed is still there; run the same again, which goes on.",
                ) from error
            except OSError as error:
                raise storage_error(error, self._url) from error

    @property
    def _url(self) -> str:
        return self.location.cube_url(self.cube)

    def _run(self, name: str) -> CubePurge:
        files = RootFiles(self.location)
        found = registrations(self.location, self.cube)
        # The time at which the storage took our own registration: now, by the clock that dates its objects.
        now = next(file.modified for file in files.files(folder_of(self.cube)) if file.name == name)
        repo = open_repository(self.location, self.cube)
        lines = lines_of(self.location, self.cube, repo)
        points = lines.get(BRANCH, [])
        others = [one for one in found if one.name != name and not one.is_dead]
        limits = self._limits(now, others)
        choice = choose(points, self.rule, now, limits) if points else None
        collect_before = min(limit.time for limit in limits if limit.time is not None)
        threshold = threshold_of(lines, points[choice.oldest].time) if choice else now
        pins = stray_pins(self.location, self.cube, repo, collect_before, dry_run=self.dry_run)
        with held(repo, left_behind(lines, threshold), alone=all(one.kind != "purge" for one in others)):
            if choice and choice.oldest + 1 < len(points):
                self._expire(repo, threshold)
            removed = self._collect(collect_before)
        removed = replace(removed, leftovers=removed.leftovers + pins, registrations=self._remove_dead(files, found))
        result = CubePurge(self.cube, (), 0, 0, None, removed, (), collect_before)
        return self._told(result, points, choice) if choice else result

    def _limits(self, now: datetime, open_now: Sequence[Registration]) -> list[Limit]:
        slack = timedelta(seconds=self.options.slack_s)
        longest = timedelta(seconds=self.options.longest_reader_s)
        limits = [Limit(f"readers of up to {duration(self.options.longest_reader_s)}", now - longest - slack)]
        limits += [Limit(f"the {one}", one.since - slack) for one in open_now if one.kind != "purge"]
        needs = run_oldest_needed(self.location.url, self.cube)
        return [*limits, *(Limit(need.reason, sequence=need.sequence) for need in needs)]

    def _expire(self, repo: icechunk.Repository, threshold: datetime) -> None:
        if self.dry_run:
            return
        with rewriting(self.location, self.cube, repo, threshold):
            repo.expire_snapshots(threshold)
        if self.options.durable:
            sync_to_disk(self.location)

    def _told(self, result: CubePurge, points: Sequence[Point], choice: Choice) -> CubePurge:
        oldest, gone = points[choice.oldest], points[choice.oldest + 1 :]
        if not self.dry_run:
            run_after_purge(self.location.url, self.cube, oldest.sequence)
        return replace(
            result,
            expired=tuple(point.sequence for point in reversed(gone)),
            kept=choice.oldest + 1,
            oldest=oldest.sequence,
            oldest_time=oldest.time,
            held=tuple(limit.reason for limit in choice.held),
        )

    def _collect(self, before: datetime) -> Removed:
        # Opened anew: a repository remembers snapshots as they were before they were expired.
        repo = open_repository(self.location, self.cube)
        check_kept(self.location, self.cube, repo)
        summary = repo.garbage_collect(before, dry_run=self.dry_run)
        leftovers = remove_leftovers(self.location, self.cube, before, dry_run=self.dry_run)
        digests = stale_digests(self.location, self.cube, before, dry_run=self.dry_run)
        packs = remove_packs(self.location, self.cube, before, dry_run=self.dry_run)
        return Removed(
            chunks=summary.chunks_deleted,
            manifests=summary.manifests_deleted,
            snapshots=summary.snapshots_deleted,
            logs=summary.transaction_logs_deleted,
            leftovers=len(leftovers),
            digests=len(digests),
            packs=len(packs),
            size_bytes=summary.bytes_deleted + sum(leftovers) + sum(digests) + sum(packs),
        )

    def _remove_dead(self, files: RootFiles, found: Sequence[Registration]) -> int:
        dead = [one for one in found if one.is_dead]
        if not self.dry_run:
            for one in dead:
                files.delete(one.name)
        return len(dead)
