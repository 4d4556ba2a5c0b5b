"""How stores look in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError

if TYPE_CHECKING:
    from dtedask.store.reader import Reader


def store_html(store: Reader) -> str:
    """A table of the cubes and groups of a store; works without a network."""
    try:
        rows = [(cube, group) for cube in store.cubes() for group in store.groups(cube)]
    except NotFoundError as error:
        return f"<p><b>dtedask.Store</b> {escape(store.root)}: {escape(error.message)}</p>"
    body = "".join(f"<tr><td>{escape(cube)}</td><td>{escape(group)}</td></tr>" for cube, group in rows)
    head = "<tr><th>cube</th><th>group</th></tr>"
    return f"<p><b>dtedask.Store</b> {escape(store.root)}</p><table><thead>{head}</thead><tbody>{body}</tbody></table>"


def table_html(caption: str, rows: Sequence[Mapping[str, object]]) -> str:
    """A table of rows that have names; a row may lack some."""
    names = dict.fromkeys(name for row in rows for name in row)
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    cells = [[escape(str(row.get(name, ""))) for name in names] for row in rows]
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
    return f"<p>{escape(caption)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
