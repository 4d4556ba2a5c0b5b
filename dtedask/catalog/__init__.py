"""Faces of the store for others: the xarray engine, the Intake driver and the catalog file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.catalog.engine import DtedaskBackendEntrypoint as DtedaskBackendEntrypoint
    from dtedask.catalog.entry import Entry as Entry
    from dtedask.catalog.find import entries as entries
    from dtedask.catalog.find import find_entry as find_entry
    from dtedask.catalog.find import search as search
    from dtedask.catalog.source import DtedaskSource as DtedaskSource
    from dtedask.catalog.update import catalog_path as catalog_path
    from dtedask.catalog.update import rebuild as rebuild
    from dtedask.catalog.update import update_catalog as update_catalog

_HOMES = {
    "DtedaskBackendEntrypoint": "engine",
    "DtedaskSource": "source",
    "Entry": "entry",
    "catalog_path": "update",
    "entries": "find",
    "find_entry": "find",
    "rebuild": "update",
    "search": "find",
    "update_catalog": "update",
}
__all__ = [
    "DtedaskBackendEntrypoint",
    "DtedaskSource",
    "Entry",
    "catalog_path",
    "entries",
    "find_entry",
    "rebuild",
    "search",
    "update_catalog",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
