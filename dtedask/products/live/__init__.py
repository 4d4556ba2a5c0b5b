"""Products as the model runs: each is made when the last of its inputs is there."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.products.live.live_file import LiveRun as LiveRun
    from dtedask.products.live.live_file import find_live_run as find_live_run
    from dtedask.products.live.notes import Note as Note
    from dtedask.products.live.orders import Orders as Orders
    from dtedask.products.live.pacing import Pacing as Pacing
    from dtedask.products.live.reloading import Reloading as Reloading
    from dtedask.products.live.run import Followed as Followed
    from dtedask.products.live.run import follow as follow

_HOMES = {
    "Followed": "run",
    "LiveRun": "live_file",
    "Note": "notes",
    "Orders": "orders",
    "Pacing": "pacing",
    "Reloading": "reloading",
    "find_live_run": "live_file",
    "follow": "run",
}
__all__ = ["Followed", "LiveRun", "Note", "Orders", "Pacing", "Reloading", "find_live_run", "follow"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask.products.live' has no attribute {name!r}")
    return getattr(import_module(f"dtedask.products.live.{_HOMES[name]}"), name)
