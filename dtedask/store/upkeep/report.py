"""What a purge did, cube by cube."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Removed:
    """Objects that were taken away; in a dry run those that would be.

    Parameters
    ----------
    chunks, manifests, snapshots, logs : int
        Objects of the repository that no commit, tag or branch refers to; logs are those of its transactions.
    leftovers : int
        Files half written by processes that died, and what was pinned for tags that never got their name.
    digests, registrations : int
        Digests of snapshots that are gone, and registrations of processes that died.
    packs : int
        Files of many chunks, such as GRIB messages, that no kept snapshot refers to.
    size_bytes : int
        Bytes of all of them.
    """

    chunks: int = 0
    manifests: int = 0
    snapshots: int = 0
    logs: int = 0
    leftovers: int = 0
    digests: int = 0
    registrations: int = 0
    packs: int = 0
    size_bytes: int = 0

    @property
    def objects(self) -> int:
        """Number of objects and files."""
        return sum(value for name, value in asdict(self).items() if name != "size_bytes")


@dataclass(frozen=True, slots=True)
class CubePurge:
    """What a purge did with one cube.

    Parameters
    ----------
    cube : str
        Its name.
    expired : tuple of int
        Numbers of the commits that left the history.
    kept : int
        Commits that are left.
    oldest : int
        Number of the oldest commit that is left; 0 where the cube has no commit.
    oldest_time : datetime, optional
        When it was committed.
    removed : Removed
        What was taken away.
    held : tuple of str
        Who made purge keep more of the past than the rule says.
    collected_before : datetime, optional
        Objects that were written later were not looked at.
    """

    cube: str
    expired: tuple[int, ...]
    kept: int
    oldest: int
    oldest_time: datetime | None
    removed: Removed
    held: tuple[str, ...] = ()
    collected_before: datetime | None = None

    def __str__(self) -> str:
        lines = [f"{self.cube}: {len(self.expired)} commits expired, {self.kept} kept, {self.removed.objects} objects"]
        return "\n".join(
            [f"{lines[0]} ({self.removed.size_bytes:,} bytes)", *(f"  kept back by {h}" for h in self.held)]
        )


@dataclass(frozen=True, slots=True)
class Purge:
    """What a purge of a root did.

    Parameters
    ----------
    root : str
        Path or URL of the root.
    rule : str
        What was to be kept, for people.
    dry_run : bool
        Whether nothing was done. What the expired commits alone refer to is not counted then: it is known only when
        they are gone.
    cubes : tuple of CubePurge
        Sorted by name.
    """

    root: str
    rule: str
    dry_run: bool
    cubes: tuple[CubePurge, ...]

    @property
    def expired(self) -> int:
        """Commits that left the history."""
        return sum(len(cube.expired) for cube in self.cubes)

    @property
    def objects(self) -> int:
        """Objects and files that were taken away."""
        return sum(cube.removed.objects for cube in self.cubes)

    @property
    def size_bytes(self) -> int:
        """Bytes that were taken away."""
        return sum(cube.removed.size_bytes for cube in self.cubes)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "root": self.root,
            "rule": self.rule,
            "dry_run": self.dry_run,
            "cubes": [_cube_object(cube) for cube in self.cubes],
        }

    def __repr__(self) -> str:
        head = f"<dtedask.Purge {self.root}: keep {self.rule}{', dry run' if self.dry_run else ''}"
        return "\n".join([head, *(str(cube) for cube in self.cubes)]) + ">"


def _cube_object(cube: CubePurge) -> dict[str, Any]:
    found = asdict(cube)
    for name in ("oldest_time", "collected_before"):
        found[name] = found[name].isoformat() if found[name] else None
    return {**found, "expired": list(cube.expired), "held": list(cube.held)}
