"""How stores look in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError
from dtedask.store.html import table_html
from dtedask.store.inspection.statistics import groups_of
from dtedask.store.inspection.status import head_of

if TYPE_CHECKING:
    from dtedask.store.control import Lock
    from dtedask.store.location import Location
    from dtedask.store.snapshot import Snapshot


def store_html(title: str, location: Location, snapshots: Iterable[tuple[str, Snapshot]], locks: Sequence[Lock]) -> str:
    """A table of cubes and groups with their newest commits, and one of the locks."""
    try:
        rows = [row for cube, snapshot in snapshots for row in _rows(location, cube, snapshot)]
    except NotFoundError as error:
        return f"<p>{escape(title)}: {escape(error.message)}</p>"
    locked = [{"lock": one.id, "verbs": "/".join(one.verbs), "fields": one.fields, "by": one.author} for one in locks]
    return table_html(title, rows) + (table_html("Locks", locked) if locked else "")


def _rows(location: Location, cube: str, snapshot: Snapshot) -> Iterable[dict[str, object]]:
    commit = head_of(location, cube, snapshot)
    newest = f"{commit.sequence}, {commit.time:%Y-%m-%d %H:%M:%S}" if commit else "none"
    for group in groups_of(location, cube, snapshot):
        yield {"cube": cube, "group": group.name, "fields": f"{group.fields:,}", "newest commit": newest}
