"""What happens to the cubes of a root right now: where they stand, what is locked, who writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dtedask.request import Request
from dtedask.store.commits import commit_of
from dtedask.store.html import table_html
from dtedask.store.inspection.contents import manifests_of
from dtedask.store.lock import holder_of
from dtedask.store.repository import open_repository
from dtedask.store.series.array import FOLDER
from dtedask.store.upkeep.registry import registrations

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.store.control import Control, Lock
    from dtedask.store.location import Location
    from dtedask.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class CubeStatus:
    """Where one cube stands.

    Parameters
    ----------
    cube : str
        Its name.
    snapshot : str
        What a reader sees.
    sequence : int
        Number of its commit in the history; 0 in a cube without commits.
    time : datetime, optional
        When that was committed.
    author : str
        Who committed it; empty where that is not known.
    locks : tuple of Lock
        What is locked of it.
    holder : str
        Process that holds the lock of committing; empty where nobody does.
    in_use : tuple of str
        Transactions, long reads and purges that are under way.
    waiting : int
        Fields that wait for a flush in this handle.
    series : int
        Chunks of time series: one a run, member, level and so on of a variable.
    """

    cube: str
    snapshot: str
    sequence: int
    time: datetime | None
    author: str
    locks: tuple[Lock, ...]
    holder: str
    in_use: tuple[str, ...] = ()
    waiting: int = 0
    series: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "cube": self.cube,
            "snapshot": self.snapshot,
            "sequence": self.sequence,
            "time": self.time.isoformat() if self.time else None,
            "author": self.author,
            "locks": [lock.to_dict() for lock in self.locks],
            "holder": self.holder,
            "in_use": list(self.in_use),
            "waiting": self.waiting,
            "series": self.series,
        }


@dataclass(frozen=True, slots=True)
class Status:
    """Where the cubes of a root stand.

    Parameters
    ----------
    root : str
        Path or URL.
    cubes : tuple of CubeStatus
        Sorted by name.
    """

    root: str
    cubes: tuple[CubeStatus, ...]

    def waiting_for(self, waiting: Mapping[str, int]) -> Status:
        """The same with the fields of each cube that wait for a flush; cubes that do not exist yet are added."""
        known = {cube.cube: cube for cube in self.cubes}
        new = {name: CubeStatus(name, "", 0, None, "", (), "") for name in waiting if name not in known}
        cubes = (replace(cube, waiting=waiting.get(cube.cube, 0)) for cube in {**known, **new}.values())
        return Status(self.root, tuple(sorted(cubes, key=lambda cube: cube.cube)))

    def rows(self) -> list[dict[str, str]]:
        """A row for each cube, for people."""
        return [
            {
                "cube": cube.cube,
                "commit": str(cube.sequence),
                "time": cube.time.strftime("%Y-%m-%d %H:%M:%S") if cube.time else "",
                "by": cube.author,
                "locked": "; ".join(map(str, cube.locks)),
                "held by": cube.holder,
                "in use by": "; ".join(cube.in_use),
                "waiting": str(cube.waiting) if cube.waiting else "",
                "series": f"{cube.series:,}" if cube.series else "",
            }
            for cube in self.cubes
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {"root": self.root, "cubes": [cube.to_dict() for cube in self.cubes]}

    def __repr__(self) -> str:
        locks = len({lock.id for cube in self.cubes for lock in cube.locks})
        waiting = sum(cube.waiting for cube in self.cubes)
        return f"<Status {self.root}: {len(self.cubes)} cubes, {locks} locks, {waiting} fields wait>"

    def _repr_html_(self) -> str:
        return table_html(f"Status of {self.root}", self.rows())


def status_of(
    location: Location, snapshots: Iterable[tuple[str, Snapshot]], control: Control, request: Request
) -> Status:
    """Say where cubes stand.

    Parameters
    ----------
    location : Location
        The root.
    snapshots : iterable of (str, Snapshot)
        The cubes.
    control : Control
        Its locks.
    request : Request
        Only locks that can be on fields of it are named.
    """
    locks = control.locks(request)
    return Status(location.url, tuple(_cube(location, cube, snapshot, locks) for cube, snapshot in snapshots))


def head_of(location: Location, cube: str, snapshot: Snapshot) -> Commit | None:
    """The commit that a snapshot is; None where nothing was committed yet."""
    return commit_of(location, cube, open_repository(location, cube).lookup_snapshot(snapshot.id))


def _cube(location: Location, cube: str, snapshot: Snapshot, locks: tuple[Lock, ...]) -> CubeStatus:
    commit = head_of(location, cube, snapshot)
    keys = snapshot.keys
    return CubeStatus(
        cube=cube,
        snapshot=snapshot.id,
        sequence=commit.sequence if commit else 0,
        time=commit.time if commit else None,
        author=commit.author if commit else "",
        locks=tuple(lock for lock in locks if all(lock.request.select(key, [keys[key]]) for key in keys)),
        holder=holder_of(location, cube),
        in_use=tuple(str(one) for one in registrations(location, cube) if not one.is_dead),
        series=_series(location, cube, snapshot),
    )


def _series(location: Location, cube: str, snapshot: Snapshot) -> int:
    """Chunks of time series; the snapshot's document says so."""
    found = manifests_of(location, cube, snapshot.id).items()
    series = (manifests for path, manifests in found if path.rpartition("/")[0].endswith(f"/{FOLDER}"))
    return sum(one.references for manifests in series for one in manifests)
