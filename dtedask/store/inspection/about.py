"""A root as a whole: its format, schema, size and age."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from dtedask.core.settings import settings
from dtedask.core.sizes import size_text
from dtedask.store.html import table_html

if TYPE_CHECKING:
    from dtedask.store.inspection.statistics import Statistics
    from dtedask.store.location import Location
    from dtedask.store.roots import RootDocument
    from dtedask.store.schema import Schema

_LIBRARIES = ("dtedask", "icechunk", "zarr", "eccodes")


@dataclass(frozen=True, slots=True)
class RootInfo:
    """What there is to know of a root.

    Parameters
    ----------
    root : str
        Path or URL.
    kind : {"local disk", "memory", "object store"}
        Where it lies.
    format : int
        Version of its layout.
    schema_version : int
        Number of its schema, from 1.
    schema_digest : str
        SHA-256 of its schema: equal schemas have equal digests.
    versions : dict of str to str
        Of dtedask and of the libraries that read and write the root here.
    settings : dict of str to object
        What applies to it in this process, by name.
    cubes, groups, fields, commits, locks : int
        How many there are.
    decoded_bytes, stored_bytes : int
        Size of all values, and what the cubes take.
    oldest, newest : datetime, optional
        Time of the first and last commit that is kept.
    """

    root: str
    kind: Literal["local disk", "memory", "object store"]
    format: int
    schema_version: int
    schema_digest: str
    versions: dict[str, str]
    settings: dict[str, Any]
    cubes: int
    groups: int
    fields: int
    commits: int
    locks: int
    decoded_bytes: int
    stored_bytes: int
    oldest: datetime | None
    newest: datetime | None

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        times = {name: time.isoformat() if time else None for name, time in self._times.items()}
        return asdict(self) | times

    def rows(self) -> dict[str, str]:
        """What to show to people, by name."""
        times = {name: time.strftime("%Y-%m-%d %H:%M:%S UTC") if time else "none" for name, time in self._times.items()}
        return {
            "root": f"{self.root} ({self.kind})",
            "format": str(self.format),
            "schema": f"version {self.schema_version}, {self.schema_digest[:16]}",
            "holds": f"{self.cubes:,} cubes, {self.groups:,} groups, {self.fields:,} fields",
            "values": size_text(self.decoded_bytes),
            "stored": size_text(self.stored_bytes),
            "commits": f"{self.commits:,}",
            "oldest": times["oldest"],
            "newest": times["newest"],
            "locks": str(self.locks),
            "versions": ", ".join(f"{name} {number}" for name, number in self.versions.items()),
            "settings": "\n".join(f"{name} {value}" for name, value in self.settings.items()),
        }

    @property
    def _times(self) -> dict[str, datetime | None]:
        return {"oldest": self.oldest, "newest": self.newest}

    def __repr__(self) -> str:
        return f"<RootInfo {self.root} ({self.kind}): {self.rows()['holds']}, schema {self.schema_digest[:16]}>"

    def _repr_html_(self) -> str:
        return table_html(self.root, [{"": name, " ": value} for name, value in self.rows().items()])


def about(location: Location, document: RootDocument, numbers: Statistics, locks: int) -> RootInfo:
    """Gather what there is to know of a root.

    Raises
    ------
    NotFoundError
        If there is no root.
    """
    times = [time for cube in numbers.cubes for time in (cube.oldest, cube.newest) if time is not None]
    return RootInfo(
        root=location.url,
        kind="local disk" if location.is_local else "memory" if location.is_memory else "object store",
        format=document.format(),
        schema_version=document.version(),
        schema_digest=digest_of(document.schema()),
        versions={name: version(name) for name in _LIBRARIES},
        settings={one.key: one.value for one in settings() if one.key.startswith("store.")},
        cubes=len(numbers.cubes),
        groups=sum(len(cube.groups) for cube in numbers.cubes),
        fields=numbers.fields,
        commits=numbers.commits,
        locks=locks,
        decoded_bytes=numbers.decoded_bytes,
        stored_bytes=numbers.stored_bytes,
        oldest=min(times, default=None),
        newest=max(times, default=None),
    )


def digest_of(schema: Schema) -> str:
    """SHA-256 of a schema in a form that does not depend on how it was written."""
    text = json.dumps(schema.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
