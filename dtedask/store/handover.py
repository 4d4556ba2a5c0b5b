"""What a commit knows of the snapshot that it made, handed to whoever opens it next in this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.store.snapshot import Group

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


def hand_over(cube_url: str, snapshot: str, known: Known) -> None:
    """Keep what is known of the newest snapshot of a cube."""
    _handed[cube_url] = (snapshot, known)
    _handed.move_to_end(cube_url)
    while len(_handed) > _MOST_CUBES:
        _handed.popitem(last=False)


def handed_over(cube_url: str, snapshot: str) -> Known | None:
    """What is known of a snapshot, if a commit of this process made it and none came later."""
    newest, known = _handed.get(cube_url, ("", None))
    return known if newest == snapshot else None


_handed: OrderedDict[str, tuple[str, Known]] = OrderedDict()
