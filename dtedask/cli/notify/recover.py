"""`dtedask notify recover`: saving what can be read of a damaged log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table, plural, say
from dtedask.cli.options import DryRun, Json, Root, root_or_setting

if TYPE_CHECKING:
    from dtedask.notify.streams.recovery import Recovery


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(group, "recover", recover, "dtedask notify recover --root data --dry-run")


def recover(
    *,
    root: Root = None,
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="The file events.sqlite, instead of a root.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Save what can be read of a damaged log of notifications that were sent, under the same numbers.

    Stop the server first. The damaged file is put aside. The log of commits, notices.sqlite, needs none of this: moved
    away, it is filled again from the history of the cubes.
    """
    from dtedask.notify.streams import events_path, recover_events

    found = recover_events(file or events_path(root_or_setting(root)), dry_run=dry_run)
    if as_json:
        emit_json(_as_dict(found))
        return
    rows = [(one.event_type, one.count, one.head, _lost(one.lost)) for one in found.types]
    if rows:
        emit_table(("event type", "read", "last number", "not read"), rows, right=("read", "last number"))
    if found.aside is not None:
        say(
            f"Saved {plural(sum(one.count for one in found.types), 'notification')}; the damaged file is {found.aside}."
        )
    elif not found.is_damaged:
        say(f"Nothing is damaged in {found.path}.")


def _lost(parts: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"{first}-{last}" for first, last in parts)


def _as_dict(found: Recovery) -> dict[str, object]:
    return {
        "path": str(found.path),
        "aside": None if found.aside is None else str(found.aside),
        "types": [
            {"event_type": one.event_type, "read": one.count, "head": one.head, "lost": [*map(list, one.lost)]}
            for one in found.types
        ],
    }
