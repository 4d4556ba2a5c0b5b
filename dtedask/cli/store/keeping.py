"""`dtedask store history`: what a root went through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table
from dtedask.cli.options import JsonLines, Root
from dtedask.cli.store.roots import open_root

if TYPE_CHECKING:
    from dtedask.core.commit import Commit


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(group, "history", history, "dtedask store history --root data ea/enda/0001")


def history(
    cube: Annotated[str | None, typer.Argument(help="One cube, such as ea/enda/0001.", show_default=False)] = None,
    *,
    root: Root = None,
    as_json: JsonLines = False,
) -> None:
    """List the commits of a cube, or of all cubes, oldest first."""
    commits = open_root(root, None).history(cube)
    if as_json:
        for commit in commits:
            emit_json(commit_object(commit))
        return
    columns = ("time", "cube", "number", "new", "replaced", "snapshot", "message")
    emit_table(columns, map(_commit_row, commits), right=("number", "new", "replaced"))


def commit_object(commit: Commit) -> dict[str, object]:
    """A commit as JSON shows it."""
    return {
        "cube": commit.cube,
        "sequence": commit.sequence,
        "time": commit.time.isoformat(),
        "snapshot": commit.snapshot,
        "new": commit.new,
        "replaced": commit.replaced,
        "unchanged": commit.unchanged,
        "message": commit.message,
        "sources": list(commit.sources),
    }


def _commit_row(commit: Commit) -> tuple[object, ...]:
    time = commit.time.strftime("%Y-%m-%d %H:%M:%S")
    return time, commit.cube, commit.sequence, commit.new, commit.replaced, commit.snapshot, commit.message
