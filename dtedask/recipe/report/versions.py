"""Versions of what a run was done with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("numpy", "xarray", "dask", "distributed", "dask-jobqueue", "zarr", "icechunk", "eccodes")


def versions() -> dict[str, str]:
    """Versions of dtedask, of Python and of the libraries that are installed."""
    import dtedask
    from dtedask.grib.library import library_version

    found = {name: _version(name) for name in _LIBRARIES}
    own = {"dtedask": dtedask.__version__, "python": platform.python_version(), "ecCodes": library_version()}
    return own | {name: said for name, said in found.items() if said}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
