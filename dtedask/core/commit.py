"""What a commit is, as every layer sees it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Change:
    """The fields of one variable and one step that a commit wrote or wiped.

    Parameters
    ----------
    group : str
        Group in the cube, such as ``"fc/pl/0.25x0.25"``.
    variable : str
        Name of the variable, such as ``"t"``.
    request : tuple of (str, str)
        MARS keys in canonical form, lists joined by ``/``: a request that gives exactly the fields.
    fields : int
        Number of fields.
    size_bytes : int, optional
        What they take where they are stored: chunks, or GRIB messages, as long as a reader has to fetch.
    checksum : str
        Sixteen hexadecimal digits that tell what was stored from anything else, see `checksum_of`; empty where it is
        not known.
    area : tuple of float, optional
        North, west, south, east of the points, degrees; east is not below west. None for fields without points.
    """

    group: str
    variable: str
    request: tuple[tuple[str, str], ...]
    fields: int
    size_bytes: int | None = None
    checksum: str = ""
    area: tuple[float, float, float, float] | None = None

    @property
    def keys(self) -> dict[str, str]:
        """The request as a mapping."""
        return dict(self.request)


def checksum_of(chunks: Iterable[int]) -> str:
    """The checksum of some fields.

    Parameters
    ----------
    chunks : iterable of int
        The crc32c of each field's chunk, without those four bytes at the end of it that are a crc32c; of a GRIB message
        that is that of the message. In the order of the request: of its keys the last varies fastest, and each runs
        through its values as they stand there.

    Returns
    -------
    str
        The first sixteen hexadecimal digits of the SHA-256 of all of them, four bytes each, little-endian.
    """
    found = hashlib.sha256(b"".join(chunk.to_bytes(4, "little") for chunk in chunks))
    return found.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Commit:
    """One snapshot of a cube: what became visible at once.

    Parameters
    ----------
    root : str
        URL or path of the root.
    cube : str
        Name of the cube below the root, such as ``"od/oper/0001"``.
    snapshot, parent : str
        Identifiers of the snapshot and of the one before it.
    sequence : int
        Place in the history of the cube; the first commit with fields is 1.
    time : datetime
        When it was committed, UTC.
    message : str
        What the writer said of it.
    changes : tuple of Change
        What was written, ordered by group, variable and step.
    new, replaced, unchanged : int
        Fields that were not there before, that replaced others, and that were sent again with equal values.
    sources : tuple of str
        Where the fields came from, such as file names.
    removed : int
        Fields that were there before and are gone.
    wiped : tuple of Change
        What was removed, ordered as `changes`.
    author : str
        Who committed, as ``user@host``; empty for commits of an older dtedask.
    rolled_back : str
        Snapshot that the cube went back to; empty for any other commit.
    undone : str
        Snapshot that a rollback left behind: going back to it undoes the rollback, until it is purged.
    notes : tuple of (str, str)
        What the writer's program said of it, for other programs: a pipeline says by which plan it was made.
    events_before : int, optional
        How many changes all commits of the cube before it wrote, also those that are purged: what is announced is
        numbered by it, alike everywhere. None where an older dtedask committed to the cube.
    """

    root: str
    cube: str
    snapshot: str
    parent: str
    sequence: int
    time: datetime
    message: str = ""
    changes: tuple[Change, ...] = ()
    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    sources: tuple[str, ...] = ()
    removed: int = 0
    wiped: tuple[Change, ...] = ()
    author: str = ""
    rolled_back: str = ""
    undone: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    events_before: int | None = None

    def __repr__(self) -> str:
        counts = {"new": self.new, "replaced": self.replaced, "unchanged": self.unchanged, "removed": self.removed}
        parts = [f"{count} {name}" for name, count in counts.items() if count]
        parts += [f"back to {self.rolled_back}"] if self.rolled_back else []
        parts += [f"from {', '.join(self.sources)}"] if self.sources else []
        parts += [f"by {self.author}"] if self.author else []
        said = f" {self.message!r}" if self.message else ""
        place = f"{self.cube}@{self.sequence} {self.snapshot} {self.time:%Y-%m-%d %H:%M:%S}"
        return f"<Commit {place}{said}: {'; '.join(parts)}>"

    @property
    def url(self) -> str:
        """URL or path of the cube."""
        return f"{self.root.rstrip('/')}/{self.cube}"

    @property
    def fields(self) -> int:
        """Number of fields written."""
        return self.new + self.replaced
