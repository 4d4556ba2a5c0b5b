"""What virtualizing files did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.grib import Skipped


@dataclass(frozen=True, slots=True)
class Virtualized:
    """What virtualizing files did, or would do.

    Parameters
    ----------
    fields : int
        Fields that were found.
    new, replaced, unchanged : int
        Of different keys: those that were not there before, that refer to something else now, and that were referred
        to already. A dry run does not look for them.
    copied : int
        Fields that cannot be referred to alone, such as those of a message of several; they are copied into a pack.
    files : int
        Files that were read.
    bytes : int
        Bytes of GRIB that are referred to.
    cubes : tuple of str
        Names of the cubes that were changed; of a dry run those that the fields belong to.
    skipped : tuple of Skipped
        Messages and bytes that were passed over.
    commits : tuple of Commit
        In order; empty for a dry run.
    hook_failures : tuple of Exception
        What plug-ins raised when they were told of commits.
    seconds : float
        Time it took.
    """

    fields: int
    new: int
    replaced: int
    unchanged: int
    copied: int
    files: int
    bytes: int
    cubes: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    commits: tuple[Commit, ...]
    hook_failures: tuple[Exception, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON takes them."""
        return {
            "fields": self.fields,
            "new": self.new,
            "replaced": self.replaced,
            "unchanged": self.unchanged,
            "copied": self.copied,
            "files": self.files,
            "bytes": self.bytes,
            "cubes": list(self.cubes),
            "skipped": [
                {"file": part.location, "offset": part.offset, "length": part.length, "reason": part.reason}
                for part in self.skipped
            ],
            "commits": [
                {"cube": c.cube, "snapshot": c.snapshot, "sequence": c.sequence, "time": c.time.isoformat()}
                | {"new": c.new, "replaced": c.replaced, "unchanged": c.unchanged}
                for c in self.commits
            ],
            "hook_failures": [str(error) for error in self.hook_failures],
            "seconds": round(self.seconds, 3),
        }
