"""Load earthkit-data behind ecCodes as dtedask loads it, so that the libraries in its wheel stay private."""

from __future__ import annotations

from dtedask.core.errors import MissingExtraError
from dtedask.grib import scan

try:
    from earthkit.data.data.fieldlist import FieldListData
    from earthkit.data.field.grib.create import create_grib_field
    from earthkit.data.indexing.simple import SimpleFieldList
    from earthkit.data.readers.grib.handle import GribCodesHandle, GribHandle
    from earthkit.data.sources import Source
    from earthkit.data.targets import SimpleTarget
except ImportError as error:
    raise MissingExtraError(
        f"The plug-ins of earthkit-data need earthkit-data 1.3 or later, which cannot be imported: {error}.",
        hint='Install it by: pip install "dtedask[earthkit]"',
    ) from error

__all__ = [
    "FieldListData",
    "GribCodesHandle",
    "GribHandle",
    "SimpleFieldList",
    "SimpleTarget",
    "Source",
    "create_grib_field",
    "scan",
]
