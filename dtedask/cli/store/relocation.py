"""`dtedask store relocate`: a root that was moved."""

from __future__ import annotations

from typing import Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table, say
from dtedask.cli.options import DryRun, Json, Root
from dtedask.cli.store.roots import open_root


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "relocate",
        relocate,
        "dtedask store relocate --root data --dry-run",
        "dtedask store relocate --root data",
    )


def relocate(
    *,
    root: Root = None,
    old: Annotated[
        str | None,
        typer.Option("--from", metavar="OLD", help="Where the root was; without, wherever cubes refer to."),
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let the cubes of a root that was moved or copied refer to their messages where they are now.

    Cubes refer to their packs (messages, time series, small fields in object stores) by absolute names. Move or copy
    the root whole first (mv, rsync, a copy of the bucket). Every branch gets a commit in which no field changes; tags
    and older states are read too.
    """
    done = open_root(root, None).relocate(old, dry_run=dry_run)
    if as_json:
        emit_json(done.to_dict())
        return
    rows = [(cube.cube, branch, f"{count:,}") for cube in done.cubes for branch, count in cube.references.items()]
    emit_table(("cube", "branch", "references"), rows, right=("references",))
    for folder in sorted({folder for cube in done.cubes for folder in cube.former}):
        say(f"From {folder}.")
    if not rows:
        say("Every cube refers to where its messages are; nothing is to be done.")
    elif dry_run:
        say("Nothing was done.")
