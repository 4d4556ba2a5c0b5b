"""`dtedask store history|stats`: what a root went through, and what it holds in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table, size
from dtedask.cli.options import At, JsonLines, Root
from dtedask.cli.store.roots import open_root

if TYPE_CHECKING:
    from dtedask.core.commit import Commit


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(group, "history", history, "dtedask store history --root data ea/enda/0001")
    add(group, "stats", stats, "dtedask store stats --root data")


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


def stats(*, root: Root = None, at: At = None, as_json: JsonLines = False) -> None:
    """Count what each cube holds: fields, groups, commits and bytes."""
    from dtedask.cli.statistics import statistics_of

    found = [statistics_of(open_root(root, at), cube) for cube in open_root(root, at).cubes()]
    if as_json:
        for cube in found:
            emit_json(cube.to_dict())
        return
    rows = ((c.cube, f"{c.fields:,}", len(c.groups), c.commits, size(c.values), c.stored_text) for c in found)
    emit_table(("cube", "fields", "groups", "commits", "values", "stored"), rows, right=("fields", "groups", "commits"))


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
