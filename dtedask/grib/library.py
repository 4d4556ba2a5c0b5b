"""Load ecCodes.

The wheels of ecCodes bring their own copies of PROJ, curl, SQLite and others, and load them for all to see: a library
that is imported afterwards and brings another version (pyproj, cartopy) then calls into the wrong one and crashes.
Loaded here they stay private. Import ecCodes from this module, and before anything else does.
"""

from __future__ import annotations

import ctypes
from functools import cache
from unittest import mock

import findlibs  # type: ignore[import-untyped]


def _load_privately(path: str) -> ctypes.CDLL:
    return ctypes.CDLL(path, mode=ctypes.RTLD_LOCAL)


if hasattr(findlibs, "_load_globally"):
    with mock.patch.object(findlibs, "_load_globally", _load_privately):
        import eccodes
else:
    import eccodes

__all__ = ["eccodes", "library_version"]


@cache
def library_version() -> str:
    """Version of the ecCodes library, which is not that of its Python bindings."""
    return str(eccodes.codes_get_api_version())
