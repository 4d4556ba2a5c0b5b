"""What the cubes of a root hold, in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dtedask.core.sizes import size_text
from dtedask.store.commits import commits_of
from dtedask.store.html import table_html
from dtedask.store.inspection.contents import manifests_of
from dtedask.store.layouts.locate import bytes_in_packs
from dtedask.store.repository import open_repository
from dtedask.store.root_files import RootFiles
from dtedask.store.selection import select
from dtedask.store.upkeep.packs import packs_of

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.request import Request
    from dtedask.store.group import Group, Variable
    from dtedask.store.location import Location
    from dtedask.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class GroupStatistics:
    """Numbers of one group.

    Parameters
    ----------
    name : str
        Its name in the cube.
    fields : int
        Fields.
    decoded_bytes : int
        Size of their values.
    """

    name: str
    fields: int
    decoded_bytes: int


@dataclass(frozen=True, slots=True)
class CubeStatistics:
    """Numbers of one cube.

    Parameters
    ----------
    cube : str
        Its name.
    groups : tuple of GroupStatistics
        Sorted by name.
    commits : int
        Commits that are kept.
    replaced : int
        Fields that were replaced or wiped since, and that a kept commit still holds.
    stored_bytes : int
        What the whole cube takes: of all snapshots, with all that describes them.
    oldest, newest : datetime, optional
        Time of the first and last commit that is kept; None without any.
    pack_bytes, live_pack_bytes : int
        What packs take, such as those of layout `messages`, and what the snapshot refers to of that; the rest is of
        the past, or waits for a purge.
    """

    cube: str
    groups: tuple[GroupStatistics, ...]
    commits: int
    replaced: int
    stored_bytes: int
    oldest: datetime | None
    newest: datetime | None
    pack_bytes: int = 0
    live_pack_bytes: int = 0

    @property
    def fields(self) -> int:
        """Fields of all groups."""
        return sum(group.fields for group in self.groups)

    @property
    def decoded_bytes(self) -> int:
        """Size of the values of all fields."""
        return sum(group.decoded_bytes for group in self.groups)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "cube": self.cube,
            "fields": self.fields,
            "groups": {group.name: group.fields for group in self.groups},
            "decoded_bytes": self.decoded_bytes,
            "stored_bytes": self.stored_bytes,
            "pack_bytes": self.pack_bytes,
            "live_pack_bytes": self.live_pack_bytes,
            "commits": self.commits,
            "replaced": self.replaced,
            "oldest": self.oldest.isoformat() if self.oldest else None,
            "newest": self.newest.isoformat() if self.newest else None,
        }


@dataclass(frozen=True, slots=True)
class Statistics:
    """Numbers of the cubes of a root, and of all of them together.

    Parameters
    ----------
    root : str
        Path or URL.
    cubes : tuple of CubeStatistics
        Sorted by name.
    """

    root: str
    cubes: tuple[CubeStatistics, ...]

    @property
    def fields(self) -> int:
        """Fields of all cubes."""
        return sum(cube.fields for cube in self.cubes)

    @property
    def decoded_bytes(self) -> int:
        """Size of the values of all fields."""
        return sum(cube.decoded_bytes for cube in self.cubes)

    @property
    def stored_bytes(self) -> int:
        """What all cubes take."""
        return sum(cube.stored_bytes for cube in self.cubes)

    @property
    def replaced(self) -> int:
        """Fields of all cubes that only the past holds."""
        return sum(cube.replaced for cube in self.cubes)

    @property
    def commits(self) -> int:
        """Commits of all cubes."""
        return sum(cube.commits for cube in self.cubes)

    def rows(self) -> list[dict[str, str]]:
        """A row for each cube, for people, and one for all of them where there are several."""
        return [_row(cube) for cube in (*self.cubes, *([_together(self)] if len(self.cubes) > 1 else []))]

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {"root": self.root, "cubes": [cube.to_dict() for cube in self.cubes]}

    def __repr__(self) -> str:
        sizes = f"{size_text(self.decoded_bytes)} of values, {size_text(self.stored_bytes)} stored"
        return f"<Statistics {self.root}: {len(self.cubes)} cubes, {self.fields} fields, {sizes}>"

    def _repr_html_(self) -> str:
        return table_html(f"Statistics of {self.root}", self.rows())


COLUMNS = ("cube", "groups", "fields", "values", "stored", "commits", "replaced")


def statistics_of(
    location: Location, snapshots: Iterable[tuple[str, Snapshot]], request: Request | None = None
) -> Statistics:
    """Count what cubes hold.

    Parameters
    ----------
    location : Location
        The root.
    snapshots : iterable of (str, Snapshot)
        The cubes, each as it is to be looked at.
    request : Request, optional
        Count only fields that it takes; commits, replaced fields and stored bytes stay those of the whole cube.
    """
    return Statistics(location.url, tuple(_cube(location, cube, snapshot, request) for cube, snapshot in snapshots))


def groups_of(location: Location, cube: str, snapshot: Snapshot) -> Iterator[GroupStatistics]:
    """Count the fields of each group of a cube, without looking at them."""
    manifests = manifests_of(location, cube, snapshot.id)
    for name in snapshot.group_names:
        group = snapshot.group(name)
        fields = {
            variable.name: sum(one.references for one in manifests.get(f"{name}/{variable.name}", ()))
            for variable in group.variables.values()
        }
        sizes = [count * _field_bytes(group, group.variables[variable]) for variable, count in fields.items()]
        yield GroupStatistics(name, sum(fields.values()), sum(sizes))


def stored_bytes_of(location: Location, cube: str) -> int:
    """Bytes of everything that belongs to a cube."""
    if location.is_memory:
        found = open_repository(location, cube).chunk_storage_stats()
        return int(found.native_bytes + found.inlined_bytes)
    return sum(RootFiles(location).sizes(cube).values())


def _cube(location: Location, cube: str, snapshot: Snapshot, request: Request | None) -> CubeStatistics:
    commits = commits_of(location, cube, open_repository(location, cube), snapshot.id)
    groups = groups_of(location, cube, snapshot) if not request else _selected(cube, snapshot, request)
    packs = sum(pack.size_bytes for pack in packs_of(location, cube))
    return CubeStatistics(
        cube=cube,
        groups=tuple(groups),
        commits=len(commits),
        replaced=sum(commit.replaced + commit.removed for commit in _with_kept_parent(commits)),
        stored_bytes=stored_bytes_of(location, cube),
        oldest=commits[0].time if commits else None,
        newest=commits[-1].time if commits else None,
        pack_bytes=packs,
        live_pack_bytes=bytes_in_packs(snapshot) if packs else 0,
    )


def _with_kept_parent(commits: list[Commit]) -> list[Commit]:
    """What the oldest commit that is kept replaced went with its parent."""
    return commits if commits and commits[0].sequence == 1 else commits[1:]


def _selected(cube: str, snapshot: Snapshot, request: Request) -> Iterable[GroupStatistics]:
    found: dict[str, tuple[int, int]] = {}
    for selection in select(snapshot, cube, request):
        fields, size = found.get(selection.group.name, (0, 0))
        count = len(selection.slots)
        found[selection.group.name] = (
            fields + count,
            size + count * _field_bytes(selection.group, selection.variable),
        )
    return [GroupStatistics(name, *numbers) for name, numbers in found.items()]


def _field_bytes(group: Group, variable: Variable) -> int:
    return group.grid.size * (8 if variable.dtype == "float64" else 4)


def _together(all_of: Statistics) -> CubeStatistics:
    groups = tuple(group for cube in all_of.cubes for group in cube.groups)
    packs = (sum(cube.pack_bytes for cube in all_of.cubes), sum(cube.live_pack_bytes for cube in all_of.cubes))
    return CubeStatistics("all", groups, all_of.commits, all_of.replaced, all_of.stored_bytes, None, None, *packs)


def _row(cube: CubeStatistics) -> dict[str, str]:
    return {
        "cube": cube.cube,
        "groups": f"{len(cube.groups):,}",
        "fields": f"{cube.fields:,}",
        "values": size_text(cube.decoded_bytes),
        "stored": size_text(cube.stored_bytes),
        "commits": f"{cube.commits:,}",
        "replaced": f"{cube.replaced:,}",
    }
