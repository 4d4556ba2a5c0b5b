"""Everything that a cube consists of, for those who look for a fault in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dtedask.store.commits import commit_of
from dtedask.store.html import table_html
from dtedask.store.inspection.contents import Manifest, manifests_of
from dtedask.store.repository import open_repository
from dtedask.store.retrieval import shorten
from dtedask.store.series.array import FOLDER

if TYPE_CHECKING:
    from dtedask.store.group import Axis, Group
    from dtedask.store.location import Location
    from dtedask.store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class AxisDump:
    """One axis of a group.

    Parameters
    ----------
    name : str
        Of the dimension.
    labels : tuple of str
        In order of their slots.
    free : tuple of int
        Slots that hold nothing and will be used again; their labels mean nothing.
    """

    name: str
    labels: tuple[str, ...]
    free: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArrayDump:
    """One array of a group.

    Parameters
    ----------
    name, role : str
        What it is called, and whether it is a variable, its time series, an axis or a coordinate.
    dims : tuple of str
        Names of its dimensions.
    shape, chunks : tuple of int
        Of all of it, and of a chunk.
    dtype : str
        Zarr's data type.
    codecs : tuple of str
        In the order of writing.
    references : int
        Chunks that exist; of a variable, its fields; of time series, runs by member, level and so on.
    manifests : tuple of Manifest
        Where they are looked up.
    """

    name: str
    role: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    codecs: tuple[str, ...]
    references: int
    manifests: tuple[Manifest, ...]


@dataclass(frozen=True, slots=True)
class GroupDump:
    """One group of a cube.

    Parameters
    ----------
    name, grid : str
        Its name, and the label of its grid.
    keys : mapping of str to str
        MARS keys that its fields share.
    axes : tuple of AxisDump
        What its fields are labelled by.
    arrays : tuple of ArrayDump
        Variables, their time series, axes and coordinates.
    """

    name: str
    grid: str
    keys: Mapping[str, str]
    axes: tuple[AxisDump, ...]
    arrays: tuple[ArrayDump, ...]


@dataclass(frozen=True, slots=True)
class CubeDump:
    """One snapshot of a cube.

    Parameters
    ----------
    cube, url : str
        Its name and place.
    snapshot, parent, message : str
        What is shown, what it was before, and what was said of the commit.
    sequence : int
        Number of the commit; 0 for a cube without commits.
    time : datetime
        When it was written, UTC.
    groups : tuple of GroupDump
        Sorted by name.
    """

    cube: str
    url: str
    snapshot: str
    parent: str
    message: str
    sequence: int
    time: datetime
    groups: tuple[GroupDump, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self) | {"time": self.time.isoformat()}

    def rows(self) -> list[dict[str, str]]:
        """A row for each array, for people."""
        return [_row(group.name, array) for group in self.groups for array in group.arrays]

    def axis_rows(self) -> list[dict[str, str]]:
        """A row for each axis, for people."""
        return [
            {
                "group": group.name,
                "axis": axis.name,
                "slots": f"{len(axis.labels):,}",
                "free": f"{len(axis.free):,}",
                "labels": shorten(axis.name, axis.labels),
            }
            for group in self.groups
            for axis in group.axes
        ]

    def __repr__(self) -> str:
        arrays = sum(len(group.arrays) for group in self.groups)
        return f"<CubeDump {self.url} at {self.snapshot}: {len(self.groups)} groups, {arrays} arrays>"

    def _repr_html_(self) -> str:
        return table_html(f"{self.url} at {self.snapshot}", self.axis_rows()) + table_html("Arrays", self.rows())


def dump_of(location: Location, cube: str, snapshot: Snapshot) -> CubeDump:
    """Everything that a snapshot of a cube consists of."""
    info = open_repository(location, cube).lookup_snapshot(snapshot.id)
    commit = commit_of(location, cube, info)
    manifests = manifests_of(location, cube, snapshot.id)
    return CubeDump(
        cube=cube,
        url=location.cube_url(cube),
        snapshot=snapshot.id,
        parent=info.parent_id or "",
        message=info.message,
        sequence=commit.sequence if commit else 0,
        time=info.written_at,
        groups=tuple(_group(snapshot, snapshot.group(name), manifests) for name in snapshot.group_names),
    )


def _group(snapshot: Snapshot, group: Group, manifests: Mapping[str, tuple[Manifest, ...]]) -> GroupDump:
    inside = (group.name, f"{group.name}/{FOLDER}")  # the time series of its variables, too
    paths = sorted(path for path in manifests if path.rpartition("/")[0] in inside)
    return GroupDump(
        name=group.name,
        grid=group.grid.label,
        keys=dict(group.keys),
        axes=tuple(_axis(axis) for axis in group.axes.values()),
        arrays=tuple(
            _array(path.removeprefix(f"{group.name}/"), document, manifests[path])
            for path, document in zip(paths, snapshot.documents(paths), strict=True)
        ),
    )


def _axis(axis: Axis) -> AxisDump:
    return AxisDump(axis.dimension.name, tuple(axis.texts), tuple(sorted(axis.free)))


def _array(name: str, document: Mapping[str, Any], manifests: tuple[Manifest, ...]) -> ArrayDump:
    data_type = document["data_type"]
    return ArrayDump(
        name=name,
        role=document["attributes"].get("dtedask_role", "variable"),
        dims=tuple(document["dimension_names"]),
        shape=tuple(document["shape"]),
        chunks=tuple(document["chunk_grid"]["configuration"]["chunk_shape"]),
        dtype=data_type if isinstance(data_type, str) else data_type["name"],
        codecs=tuple(_codec(one) for one in document["codecs"]),
        references=sum(one.references for one in manifests),
        manifests=manifests,
    )


def _codec(document: Mapping[str, Any]) -> str:
    options = dict(document.get("configuration", {}))
    for name, value in options.items():
        if name.endswith("codecs"):
            options[name] = "+".join(_codec(one) for one in value)
        elif isinstance(value, list):
            options[name] = "x".join(map(str, value))
    text = ",".join(f"{name}={value}" for name, value in options.items())
    return f"{document['name']}({text})" if text else str(document["name"])


def _row(group: str, array: ArrayDump) -> dict[str, str]:
    return {
        "group": group,
        "array": array.name,
        "role": array.role,
        "shape": " x ".join(f"{name} {size:,}" for name, size in zip(array.dims, array.shape, strict=True)),
        "chunk": "x".join(map(str, array.chunks)),
        "dtype": array.dtype,
        "codecs": " ".join(array.codecs),
        "chunks": f"{array.references:,}",
        "manifests": f"{len(array.manifests):,}",
    }
