"""Files that a document names: they lie beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationInfo

__all__ = ["beside"]


def beside(name: str, info: ValidationInfo) -> Path:
    """The path of a file that a document names, relative to the document where its reader says which that is."""
    document = info.context.get("path") if isinstance(info.context, Mapping) else None
    path = Path(name).expanduser()
    return path if document is None else Path(document).parent / path
