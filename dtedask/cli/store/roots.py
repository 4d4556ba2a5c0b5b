"""Roots as the commands of `dtedask store` open them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtedask.cli.options import root_or_setting

if TYPE_CHECKING:
    from dtedask.store import Store


def open_root(root: str | None, at: str | None) -> Store:
    """Open the root that was named, or that of the settings."""
    from dtedask.store import open as open_store

    return open_store(root_or_setting(root), at=at)


def raise_no_match(store: Store, request: object) -> None:
    """Let the store say which key has no match and what exists."""
    next(iter(store.to_grib(request, allow_missing=True)), None)  # type: ignore[arg-type]
