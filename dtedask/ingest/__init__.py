"""Ingest: GRIB from files, folders, streams and running models into the cubes of a root."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import IngestError

if TYPE_CHECKING:
    from dtedask.ingest.fdb.importing import import_fdb as import_fdb
    from dtedask.ingest.fdb.result import FdbImport as FdbImport
    from dtedask.ingest.follow import watch as watch
    from dtedask.ingest.plan import IngestPlan as IngestPlan
    from dtedask.ingest.plan import plan_ingest as plan_ingest
    from dtedask.ingest.run import ingest as ingest
    from dtedask.ingest.summary import Summary as Summary
    from dtedask.store.progress import Progress as Progress

_HOMES = {
    "FdbImport": "fdb.result",
    "IngestPlan": "plan",
    "Progress": "run",
    "Summary": "summary",
    "import_fdb": "fdb.importing",
    "ingest": "run",
    "plan_ingest": "plan",
    "watch": "follow",
}
__all__ = [
    "FdbImport",
    "IngestError",
    "IngestPlan",
    "Progress",
    "Summary",
    "import_fdb",
    "ingest",
    "plan_ingest",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
