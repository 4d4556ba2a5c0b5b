"""What a verification found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal[
    "root", "reference", "digest", "snapshot", "transaction", "manifest", "chunk", "series", "labels", "coordinate"
]
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One object that is damaged, and what that means.

    Parameters
    ----------
    kind : str
        What the object is; ``"labels"`` are those of an axis, ``"reference"`` names the newest snapshot of a branch or
        that of a tag.
    path : str
        Path or URL of the object; of a chunk that of its cube and its Zarr key.
    cube : str
        Cube that it belongs to; empty for what belongs to the root.
    snapshot : str
        The newest of the verified snapshots that needs it.
    problem : str
        What is wrong with it.
    requests : tuple of str
        Requests that take the fields which cannot be read, or not be trusted; empty where none is affected.
    remedy : str
        What to do.
    """

    kind: Kind
    path: str
    cube: str
    snapshot: str
    problem: str
    requests: tuple[str, ...] = ()
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {**asdict(self), "requests": list(self.requests)}

    def __str__(self) -> str:
        fields = "; ".join(self.requests[:_SHOWN])
        more = f"; and {len(self.requests) - _SHOWN} more" if len(self.requests) > _SHOWN else ""
        lines = [f"{self.kind} {self.path}: {self.problem}"]
        lines += [f"  fields: {fields}{more}"] if fields else []
        return "\n".join([*lines, f"  {self.remedy}"] if self.remedy else lines)


@dataclass(frozen=True, slots=True)
class Verification:
    """What was verified, and what was found.

    Parameters
    ----------
    root : str
        Path or URL of the root.
    findings : tuple of Finding
        Damage, cube by cube.
    snapshots, objects : int
        Snapshots that were verified, and objects of all kinds; what several snapshots share is verified once.
    size_bytes : int
        Bytes that were read and compared.
    quick : bool
        Whether only existence and sizes were looked at.
    undigested : tuple of str
        Snapshots of which no digest is kept, as an older dtedask wrote them: a flipped bit of their metadata may go
        unnoticed.
    """

    root: str
    findings: tuple[Finding, ...] = ()
    snapshots: int = 0
    objects: int = 0
    size_bytes: int = 0
    quick: bool = False
    undigested: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is damaged."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        found = {name: getattr(self, name) for name in ("root", "snapshots", "objects", "size_bytes", "quick")}
        return {
            **found,
            "is_whole": self.is_whole,
            "undigested": list(self.undigested),
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def __str__(self) -> str:
        looked = "looked at" if self.quick else "verified"
        head = f"{self.objects:,} objects of {self.snapshots:,} snapshots {looked}, {self.size_bytes:,} bytes read"
        notes = [f"no digest kept of {len(self.undigested):,} snapshots"] if self.undigested else []
        return "; ".join([head, *notes, f"{len(self.findings)} damaged" if self.findings else "all is whole"])

    def __repr__(self) -> str:
        return "\n".join([f"<dtedask.Verification {self.root}: {self}", *map(str, self.findings)]) + ">"


@dataclass(frozen=True, slots=True)
class VerifyProgress:
    """How far a verification has come; how much there is, is not known before.

    Parameters
    ----------
    cube : str
        Cube that is looked at.
    objects, size_bytes : int
        Objects and bytes so far.
    findings : int
        Damage so far.
    """

    cube: str
    objects: int
    size_bytes: int
    findings: int


@dataclass
class Tally:
    """Counts and findings while a verification runs."""

    findings: list[Finding] = field(default_factory=list)
    snapshots: set[tuple[str, str]] = field(default_factory=set)
    undigested: list[str] = field(default_factory=list)
    objects: int = 0
    size_bytes: int = 0

    def count(self, data: bytes | int | None) -> None:
        """Count an object by its bytes, or by how many of them were read."""
        self.objects += 1
        self.size_bytes += data if isinstance(data, int) else len(data or b"")
