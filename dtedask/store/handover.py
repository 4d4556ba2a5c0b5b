"""What a commit knows of the snapshot that it made, handed to whoever opens it next in this process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.store.commits import Following
    from dtedask.store.group import Group

_MOST_CUBES = 64


@dataclass(frozen=True)
class Known:
    """What is known of a snapshot without reading it: exactly what reading it would give.

    Parameters
    ----------
    attributes : mapping
        Attributes of the cube.
    group_names : tuple of str
        Names of all groups, sorted.
    groups : mapping of str to Group
        Those of them that need not be read.
    """

    attributes: Mapping[str, Any]
    group_names: tuple[str, ...]
    groups: Mapping[str, Group]


@dataclass(frozen=True)
class Newest:
    """The newest snapshot of a cube that this process knows of, because it made it.

    Parameters
    ----------
    snapshot : str
        Its identifier.
    following : Following
        Place in the history of the commit that comes after it.
    written_at : datetime
        When it was written, UTC.
    known : Known, optional
        What is in it; None where it has to be read.
    """

    snapshot: str
    following: Following
    written_at: datetime
    known: Known | None


def hand_over(cube_url: str, newest: Newest) -> None:
    """Keep what is known of the newest snapshot of a cube."""
    with _guard:
        _handed[cube_url] = newest
        _handed.move_to_end(cube_url)
        while len(_handed) > _MOST_CUBES:
            _handed.popitem(last=False)


def handed_over(cube_url: str, snapshot: str) -> Newest | None:
    """What is known of a snapshot, if a commit of this process made it and none came later."""
    newest = _handed.get(cube_url)
    return newest if newest is not None and newest.snapshot == snapshot else None


def forget() -> None:
    """Forget everything, as in a new process."""
    with _guard:
        _handed.clear()


_handed: OrderedDict[str, Newest] = OrderedDict()
_guard = threading.Lock()
