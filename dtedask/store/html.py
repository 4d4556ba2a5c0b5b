"""How things look in a notebook; works without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape


def table_html(caption: str, rows: Sequence[Mapping[str, object]]) -> str:
    """A table of rows that have names; a row may lack some."""
    names = dict.fromkeys(name for row in rows for name in row)
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    cells = [[escape(str(row.get(name, ""))) for name in names] for row in rows]
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
    return f"<p>{escape(caption)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
