"""The archive: fields in transactional Zarr cubes, found by MARS requests."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.store.control import Lock as Lock
    from dtedask.store.cube import open_cube as open_cube
    from dtedask.store.execute import Execution as Execution
    from dtedask.store.explain import Explanation as Explanation
    from dtedask.store.listing import Listing as Listing
    from dtedask.store.listing import Place as Place
    from dtedask.store.schema import Schema as Schema
    from dtedask.store.selection import Record as Record
    from dtedask.store.store import Store as Store
    from dtedask.store.store import open as open  # noqa: A004

_HOMES = {
    "Execution": "execute",
    "Explanation": "explain",
    "Listing": "listing",
    "Lock": "control",
    "Place": "listing",
    "Record": "selection",
    "Schema": "schema",
    "Store": "store",
    "open": "store",
    "open_cube": "cube",
}
__all__ = ["Execution", "Explanation", "Listing", "Lock", "Place", "Record", "Schema", "Store", "open", "open_cube"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
