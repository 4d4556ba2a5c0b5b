"""What a copy did, or would do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dtedask.core.sizes import size_text
from dtedask.store.html import table_html

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.request import Request


@dataclass(frozen=True, slots=True)
class Refused:
    """Fields of a variable that were not copied, or not moved.

    Parameters
    ----------
    cube, group, variable : str
        Where they are in the source.
    fields : int
        How many.
    reason : str
        Why.
    """

    cube: str
    group: str
    variable: str
    fields: int
    reason: str

    def __str__(self) -> str:
        what = "1 field" if self.fields == 1 else f"{self.fields:,} fields"
        return f"{what} of {self.place}: {self.reason}"

    @property
    def place(self) -> str:
        """Cube, group and variable in one."""
        return f"{self.cube}/{self.group}/{self.variable}"

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Copy:
    """What a copy did, or would do.

    Parameters
    ----------
    request : Request
        What was asked for.
    source, target : str
        The roots.
    is_done : bool
        Whether the fields are in the target; False for a dry run.
    fields : int
        Fields that the request takes.
    size_bytes : int
        Bytes of them, decoded.
    new, replaced, unchanged : int
        Fields that the target did not have, that took the place of others there, and that stood there already with
        equal values. For a dry run, `replaced` counts all that the target has: values are not compared.
    rounded : int
        Fields that the target stores with fewer bits than the source.
    refused : tuple of Refused
        Fields that no GRIB message can hold exactly, where messages are wanted; they are not in the target.
    seconds : float
        Time it took.
    commits : tuple of Commit
        Of the target, in order.
    hook_failures : tuple of Exception
        What plug-ins raised when they were told of commits.
    """

    request: Request
    source: str
    target: str
    is_done: bool
    fields: int
    size_bytes: int
    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    rounded: int = 0
    refused: tuple[Refused, ...] = ()
    seconds: float = 0.0
    commits: tuple[Commit, ...] = ()
    hook_failures: tuple[Exception, ...] = ()

    @property
    def cubes(self) -> tuple[str, ...]:
        """Names of the cubes of the target that were written."""
        return tuple(sorted({commit.cube for commit in self.commits}))

    def __repr__(self) -> str:
        return f"<Copy {str(self.request) or 'of everything'}: {self.source} -> {self.target}, {self.counts}>"

    def _repr_html_(self) -> str:
        rows = [
            {"cube": one.cube, "commit": one.sequence, "new": one.new, "replaced": one.replaced} for one in self.commits
        ]
        return table_html(repr(self).strip("<>"), rows)

    @property
    def counts(self) -> str:
        """What became of the fields, for people."""
        if not self.is_done:
            return f"would copy {self.new} new and {self.replaced} that are there, {size_text(self.size_bytes)}"
        text = f"{self.new} new, {self.replaced} replaced, {self.unchanged} unchanged, {size_text(self.size_bytes)}"
        text += f", {self.rounded} rounded" if self.rounded else ""
        return text + (f", {sum(one.fields for one in self.refused)} refused" if self.refused else "")

    def to_dict(self) -> dict[str, Any]:
        """Everything about it, ready for JSON."""
        return {
            "request": str(self.request),
            "from": self.source,
            "to": self.target,
            "done": self.is_done,
            "fields": self.fields,
            "bytes": self.size_bytes,
            "new": self.new,
            "replaced": self.replaced,
            "unchanged": self.unchanged,
            "rounded": self.rounded,
            "refused": [one.to_dict() for one in self.refused],
            "seconds": round(self.seconds, 3),
            "commits": [
                {"cube": one.cube, "snapshot": one.snapshot, "sequence": one.sequence}
                | {"new": one.new, "replaced": one.replaced, "unchanged": one.unchanged}
                for one in self.commits
            ],
            "hook_failures": [str(error) for error in self.hook_failures],
        }
