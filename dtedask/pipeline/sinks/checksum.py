"""Checksums of manifests."""

from __future__ import annotations

from typing import Any

import numpy as np
from google_crc32c import value as crc32c


def checksum_of(data: bytes | memoryview) -> str:
    """``crc32c:`` and eight hexadecimal digits."""
    return f"crc32c:{crc32c(bytes(data)):08x}"


def checksum_of_values(values: np.ndarray[Any, Any], dtype: str = "float64") -> tuple[str, int]:
    """Checksum and size of an array's values, row by row, little-endian."""
    data = np.ascontiguousarray(values, dtype=np.dtype(dtype).newbyteorder("<")).tobytes()
    return checksum_of(data), len(data)
