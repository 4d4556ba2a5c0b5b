"""What an ingest did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.grib import Skipped


@dataclass(frozen=True, slots=True)
class Summary:
    """What an ingest did, or one unit of it.

    Parameters
    ----------
    new, replaced, unchanged : int
        Fields that were not there before, that replaced others, and that stood there already with equal values.
    skipped : tuple of Skipped
        Messages and bytes that were passed over: file, offset, length and reason of each.
    failed : tuple of (str, Exception)
        Files of which nothing was taken, and why.
    files : int
        Files that were read.
    bytes : int
        Bytes of GRIB that were taken.
    seconds : float
        Time it took.
    commits : tuple of Commit
        In order.
    hook_failures : tuple of Exception
        What plug-ins raised when they were told of commits.
    units : int
        What was committed at once, in sum: files, steps, or everything together.
    known : int
        How many of the unchanged fields were not read again, because they came from the very same files.
    """

    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    skipped: tuple[Skipped, ...] = ()
    failed: tuple[tuple[str, Exception], ...] = ()
    files: int = 0
    bytes: int = 0
    seconds: float = 0.0
    commits: tuple[Commit, ...] = ()
    hook_failures: tuple[Exception, ...] = ()
    units: int = 0
    known: int = 0

    @property
    def fields(self) -> int:
        """Fields that are in the cube now because of this ingest or did not need to be written."""
        return self.new + self.replaced + self.unchanged

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing was written because everything stood there already."""
        return self.unchanged > 0 and self.new == self.replaced == 0

    def __add__(self, other: Summary) -> Summary:
        return Summary(
            new=self.new + other.new,
            replaced=self.replaced + other.replaced,
            unchanged=self.unchanged + other.unchanged,
            skipped=self.skipped + other.skipped,
            failed=self.failed + other.failed,
            files=self.files + other.files,
            bytes=self.bytes + other.bytes,
            seconds=self.seconds + other.seconds,
            commits=self.commits + other.commits,
            hook_failures=self.hook_failures + other.hook_failures,
            units=self.units + other.units,
            known=self.known + other.known,
        )

    def __str__(self) -> str:
        counts = [f"{self.new} new", f"{self.replaced} replaced", f"{self.unchanged} unchanged"]
        counts[-1] += f" ({self.known} known)" if self.known else ""
        counts += [f"{len(self.skipped)} skipped"] if self.skipped else []
        counts += [f"{_count(self.failed, 'file')} failed"] if self.failed else []
        text = f"{_count(self.fields, 'field')}: {', '.join(counts)}; {_count(self.commits, 'commit')}"
        text += f" from {_count(self.files, 'file')}, {size_text(self.bytes)} in {self.seconds:.1f} s"
        lines = [f"{text} (nothing has changed)" if self.is_unchanged else text]
        lines += [
            f"  skipped {part.length} bytes of {part.location} at offset {part.offset}: {part.reason}"
            for part in self.skipped
        ]
        lines += [f"  failed {described(name, error)}" for name, error in self.failed]
        lines += [f"  a plug-in failed: {error}" for error in self.hook_failures]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON takes them."""
        return {
            "fields": self.fields,
            "new": self.new,
            "replaced": self.replaced,
            "unchanged": self.unchanged,
            "known": self.known,
            "skipped": [
                {"file": part.location, "offset": part.offset, "length": part.length, "reason": part.reason}
                for part in self.skipped
            ],
            "failed": [{"file": name, "error": str(error)} for name, error in self.failed],
            "files": self.files,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "commits": [
                {"cube": c.cube, "snapshot": c.snapshot, "sequence": c.sequence, "time": c.time.isoformat()}
                | {"new": c.new, "replaced": c.replaced, "unchanged": c.unchanged}
                for c in self.commits
            ],
            "hook_failures": [str(error) for error in self.hook_failures],
        }

    def brief(self) -> Summary:
        """The same without what the commits changed, for a sum that grows for days."""
        return replace(self, commits=tuple(replace(commit, changes=(), sources=()) for commit in self.commits))


def described(name: str, error: Exception) -> str:
    """A file and why it failed; most errors name the file themselves."""
    return str(error) if name in str(error) else f"{name}: {error}"


def size_text(size: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _count(things: int | tuple[Any, ...], noun: str) -> str:
    count = things if isinstance(things, int) else len(things)
    return f"{count} {noun}{'' if count == 1 else 's'}"
