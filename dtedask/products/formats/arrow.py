"""Load pyarrow, which is optional."""

from __future__ import annotations

from dtedask.core.errors import MissingExtraError

try:
    import pyarrow as pa
    from pyarrow import parquet
except ImportError as error:
    raise MissingExtraError(
        f"Parquet is written by pyarrow, which cannot be imported: {error}.",
        hint='Install it by: pip install "dtedask[parquet]"',
    ) from error

__all__ = ["pa", "parquet"]
