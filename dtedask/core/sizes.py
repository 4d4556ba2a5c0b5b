"""Numbers of bytes as people read them."""

from __future__ import annotations


def size_text(count: float) -> str:
    """Bytes with a fitting unit, ``1.5 MB``."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError
