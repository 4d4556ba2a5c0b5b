"""What an import of an FDB did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dtedask.core.sizes import size_text

if TYPE_CHECKING:
    from dtedask.core.commit import Commit


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An entry whose message says something else than the index of the FDB.

    Parameters
    ----------
    keys : mapping
        What the index says.
    differing : mapping of str to (str, str)
        By key, what the index says and what the message says; empty text where one says nothing.
    is_taken : bool
        Whether it was archived, under what the message says.
    """

    keys: Mapping[str, str]
    differing: Mapping[str, tuple[str, str]]
    is_taken: bool = False

    def __str__(self) -> str:
        pairs = ", ".join(f"{key}={one or 'none'} is {two or 'none'}" for key, (one, two) in self.differing.items())
        return f"{_text(self.keys)}: in the message {pairs}"


@dataclass(frozen=True, slots=True)
class NotTaken:
    """An entry that could not be archived.

    Parameters
    ----------
    keys : mapping
        What the index says.
    reason : str
        Why.
    """

    keys: Mapping[str, str]
    reason: str

    def __str__(self) -> str:
        return f"{_text(self.keys)}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FdbImport:
    """What an import of an FDB did, or would do.

    Parameters
    ----------
    request, fdb, root : str
        What was asked for, from where, and into which root.
    is_done : bool
        Whether it was done; False for a dry run.
    entries, bytes : int
        Entries of the FDB that the request takes, and their size.
    new, replaced, unchanged : int
        Fields that were not there before, that replaced others, and that stood there already with equal values.
    mismatched : tuple of Mismatch
        Entries whose message says something else than the index.
    not_taken : tuple of NotTaken
        Entries that could not be archived.
    seconds : float
        Time it took.
    commits : tuple of Commit
        In order.
    hook_failures : tuple of Exception
        What plug-ins raised when they were told of commits.
    """

    request: str
    fdb: str
    root: str
    is_done: bool
    entries: int
    bytes: int
    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    mismatched: tuple[Mismatch, ...] = ()
    not_taken: tuple[NotTaken, ...] = ()
    seconds: float = 0.0
    commits: tuple[Commit, ...] = ()
    hook_failures: tuple[Exception, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every entry is in the root."""
        return not self.not_taken and all(one.is_taken for one in self.mismatched)

    def __str__(self) -> str:
        if not self.is_done:
            return f"{self.entries:,} entries, {size_text(self.bytes)}, would be imported"
        parts = [f"{self.new} new", f"{self.replaced} replaced", f"{self.unchanged} unchanged"]
        parts += [f"{len(self.mismatched)} with other keys than the index"] if self.mismatched else []
        parts += [f"{len(self.not_taken)} not taken"] if self.not_taken else []
        size = f"{self.entries:,} entries, {size_text(self.bytes)}"
        return f"{size}: {', '.join(parts)}; {len(self.commits)} commits in {self.seconds:.1f} s"

    def to_dict(self) -> dict[str, Any]:
        """Everything about it, ready for JSON."""
        return {
            "request": self.request,
            "fdb": self.fdb,
            "root": self.root,
            "done": self.is_done,
            "entries": self.entries,
            "bytes": self.bytes,
            "new": self.new,
            "replaced": self.replaced,
            "unchanged": self.unchanged,
            "mismatched": [
                {"keys": dict(one.keys), "differing": {k: list(v) for k, v in one.differing.items()}}
                | {"taken": one.is_taken}
                for one in self.mismatched
            ],
            "not_taken": [{"keys": dict(one.keys), "reason": one.reason} for one in self.not_taken],
            "seconds": round(self.seconds, 3),
            "commits": [
                {"cube": one.cube, "snapshot": one.snapshot, "sequence": one.sequence}
                | {"new": one.new, "replaced": one.replaced, "unchanged": one.unchanged}
                for one in self.commits
            ],
            "hook_failures": [str(error) for error in self.hook_failures],
        }


def _text(keys: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in keys.items() if value)
