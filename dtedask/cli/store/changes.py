"""Fields that a commit wrote, wiped or restored, one line a variable and step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtedask.cli.console import emit, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dtedask.core.commit import Change


def emit_changes(mark: str, changes: Iterable[Change]) -> None:
    """Write changes to standard output: a mark, an exact request, and how many fields it gives."""
    for change in changes:
        request = ",".join(f"{key}={value}" for key, value in change.request)
        emit(f"{mark} {request}  # {change.variable}, {plural(change.fields, 'field')}")
