"""The archive: fields in transactional Zarr cubes, found by MARS requests."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.store.control import Lock as Lock
    from dtedask.store.cube import open_cube as open_cube
    from dtedask.store.execute import Execution as Execution
    from dtedask.store.explain import Explanation as Explanation
    from dtedask.store.follow import Follower as Follower
    from dtedask.store.inspection.about import RootInfo as RootInfo
    from dtedask.store.inspection.dump import CubeDump as CubeDump
    from dtedask.store.inspection.statistics import Statistics as Statistics
    from dtedask.store.inspection.status import Status as Status
    from dtedask.store.listing import Listing as Listing
    from dtedask.store.listing import Place as Place
    from dtedask.store.moving.comparison import Comparison as Comparison
    from dtedask.store.moving.move import Move as Move
    from dtedask.store.moving.result import Copy as Copy
    from dtedask.store.past.differences import Differences as Differences
    from dtedask.store.past.rollback import Rollback as Rollback
    from dtedask.store.past.tag_file import Tag as Tag
    from dtedask.store.progress import Progress as Progress
    from dtedask.store.schema import Layout as Layout
    from dtedask.store.schema import Schema as Schema
    from dtedask.store.selection import Record as Record
    from dtedask.store.series.rechunk import Rechunk as Rechunk
    from dtedask.store.store import Store as Store
    from dtedask.store.store import open as open  # noqa: A004
    from dtedask.store.upkeep.findings import Finding as Finding
    from dtedask.store.upkeep.findings import Verification as Verification
    from dtedask.store.upkeep.relocate import Relocation as Relocation
    from dtedask.store.upkeep.report import Purge as Purge
    from dtedask.store.upkeep.retention import Retention as Retention
    from dtedask.store.views.hidden import Hidden as Hidden
    from dtedask.store.views.overlays import Overlay as Overlay
    from dtedask.store.views.patch import Patch as Patch
    from dtedask.store.virtual.report import Virtualized as Virtualized
    from dtedask.store.wipe import Wipe as Wipe

_HOMES = {
    "Comparison": "moving.comparison",
    "Copy": "moving.result",
    "CubeDump": "inspection.dump",
    "Differences": "past.differences",
    "Execution": "execute",
    "Explanation": "explain",
    "Finding": "upkeep.findings",
    "Follower": "follow",
    "Hidden": "views.hidden",
    "Listing": "listing",
    "Lock": "control",
    "Move": "moving.move",
    "Overlay": "views.overlays",
    "Patch": "views.patch",
    "Place": "listing",
    "Progress": "progress",
    "Purge": "upkeep.report",
    "Relocation": "upkeep.relocate",
    "Rechunk": "series.rechunk",
    "Record": "selection",
    "Retention": "upkeep.retention",
    "Rollback": "past.rollback",
    "RootInfo": "inspection.about",
    "Layout": "schema",
    "Schema": "schema",
    "Statistics": "inspection.statistics",
    "Status": "inspection.status",
    "Store": "store",
    "Tag": "past.tag_file",
    "Verification": "upkeep.findings",
    "Virtualized": "virtual.report",
    "Wipe": "wipe",
    "open": "store",
    "open_cube": "cube",
}
__all__ = [
    "Comparison",
    "Copy",
    "CubeDump",
    "Differences",
    "Execution",
    "Explanation",
    "Finding",
    "Follower",
    "Hidden",
    "Layout",
    "Listing",
    "Lock",
    "Move",
    "Overlay",
    "Patch",
    "Place",
    "Progress",
    "Purge",
    "Rechunk",
    "Record",
    "Relocation",
    "Retention",
    "Rollback",
    "RootInfo",
    "Schema",
    "Statistics",
    "Status",
    "Store",
    "Tag",
    "Verification",
    "Virtualized",
    "Wipe",
    "open",
    "open_cube",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
