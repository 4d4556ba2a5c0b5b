"""A digital twin of the Earth on Dask: GRIB in, an announced Zarr cube out.

Names load on first use, so that ``import dtedask`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.core.commit import Change, Commit
    from dtedask.core.errors import DtedaskError
    from dtedask.request import Request
    from dtedask.store import Record, Store, open, open_cube  # noqa: A004

__version__ = "0.1.0"

__all__ = ["Change", "Commit", "DtedaskError", "Record", "Request", "Store", "__version__", "open", "open_cube"]

_HOMES = {
    "Change": "dtedask.core.commit",
    "Commit": "dtedask.core.commit",
    "DtedaskError": "dtedask.core.errors",
    "Record": "dtedask.store",
    "Request": "dtedask.request",
    "Store": "dtedask.store",
    "open": "dtedask.store",
    "open_cube": "dtedask.store",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
