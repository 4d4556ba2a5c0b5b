"""What is told of fields that were written elsewhere than in a cube."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dtedask.core.commit import Change


@dataclass(frozen=True, slots=True)
class Notice:
    """The news that fields were written: what a commit is for a cube, for files and all else.

    Parameters
    ----------
    root : str
        URL or path of the root whose listeners hear of it.
    stream : str
        What it is a part of, such as ``"plan/daily"``; takes the place of a cube's name.
    id : str
        What it is called: a notice that is given again is the same one, and nobody hears of it twice.
    time : datetime
        When it was given, UTC.
    changes : tuple of Change
        What was written; the group of each is the place where it is.
    """

    root: str
    stream: str
    id: str
    time: datetime
    changes: tuple[Change, ...]
