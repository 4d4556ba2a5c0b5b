"""What a cube holds, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.cli.console import size

if TYPE_CHECKING:
    from dtedask.store import Store


@dataclass(frozen=True, slots=True)
class CubeStatistics:
    """Numbers of one cube.

    Parameters
    ----------
    cube : str
        Its name.
    fields, commits : int
        How many it has.
    groups : dict of str to int
        Fields of each group.
    values : int
        Bytes of the values of all fields, decoded.
    stored : int, optional
        Bytes on disk, of all snapshots; None where the root is not on local disk.
    """

    cube: str
    fields: int
    commits: int
    groups: dict[str, int]
    values: int
    stored: int | None

    @property
    def stored_text(self) -> str:
        """Bytes on disk for people."""
        return "" if self.stored is None else size(self.stored)

    def to_dict(self) -> dict[str, object]:
        """Everything, ready for JSON."""
        return asdict(self)


def statistics_of(store: Store, cube: str) -> CubeStatistics:
    """Count what a cube holds."""
    selections = list(store.select(_request_of(cube)))
    groups: dict[str, int] = dict.fromkeys(store.groups(cube), 0)
    values = 0
    for selection in selections:
        if selection.cube == cube:
            groups[selection.group.name] += len(selection.slots)
            item = 8 if selection.variable.dtype == "float64" else 4
            values += len(selection.slots) * selection.group.grid.size * item
    return CubeStatistics(
        cube=cube,
        fields=sum(groups.values()),
        commits=len(store.history(cube)),
        groups=groups,
        values=values,
        stored=_folder_size(Path(store.root) / cube) if "://" not in store.root else None,
    )


def _request_of(cube: str) -> dict[str, str]:
    base, *qualifiers = cube.split(",")
    keys = dict(zip(("class", "stream", "expver"), base.split("/"), strict=True))
    return keys | dict(part.split("=", 1) for part in qualifiers)


def _folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
