"""What a commit is, as every layer sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Change:
    """The fields of one variable and one step that a commit wrote.

    Parameters
    ----------
    group : str
        Group in the cube, such as ``"fc/pl/0.25x0.25"``.
    variable : str
        Name of the variable, such as ``"t"``.
    request : tuple of (str, str)
        MARS keys in canonical form, lists joined by ``/``: a request that gives exactly the fields.
    fields : int
        Number of fields written.
    """

    group: str
    variable: str
    request: tuple[tuple[str, str], ...]
    fields: int

    @property
    def keys(self) -> dict[str, str]:
        """The request as a mapping."""
        return dict(self.request)


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
        Ordered by group, variable and step.
    new, replaced, unchanged : int
        Fields that were not there before, that replaced others, and that were sent again with equal values.
    sources : tuple of str
        Where the fields came from, such as file names.
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

    @property
    def url(self) -> str:
        """URL or path of the cube."""
        return f"{self.root.rstrip('/')}/{self.cube}"

    @property
    def fields(self) -> int:
        """Number of fields written."""
        return self.new + self.replaced
