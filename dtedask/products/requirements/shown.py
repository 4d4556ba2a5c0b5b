"""Requirements in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from dtedask.request.grammar import quoted

if TYPE_CHECKING:
    from dtedask.products.requirement import Requirement
    from dtedask.products.requirements.loading import Requirements

__all__ = ["page"]

_SHOWN = 20
_HEAD = ("name", "owner", "fields", "grid", "format", "place")


def page(found: Requirements) -> str:
    """Return a table of the first requirements, and a list of what is broken, as HTML."""
    cells = [_cells(one) for one in found.valid[:_SHOWN]]
    table = _row(_HEAD, "th") + "".join(_row(row, "td") for row in cells)
    wrong = "".join(f"<li>{escape(str(one))}</li>" for one in found.broken[:_SHOWN])
    parts = [f"<p>{escape(repr(found).strip('<>'))}</p>", f"<table>{table}</table>" if cells else ""]
    return "".join([*parts, f"<ul>{wrong}</ul>" if wrong else ""])


def _cells(one: Requirement) -> Sequence[str]:
    request = ",".join(f"{key}={'/'.join(map(quoted, values))}" for key, values in one.request.items())
    return (one.name, one.owner, request, one.how.grid or "native", one.format.type, one.place)


def _row(cells: Iterable[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
