"""`dtedask store purge`: what of the past is kept, and what is taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table, say, size
from dtedask.cli.options import DryRun, Json, Root
from dtedask.cli.store.roots import open_root

if TYPE_CHECKING:
    from dtedask.store.upkeep.report import CubePurge, Purge


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "purge",
        purge,
        "dtedask store purge --root data --keep 7d",
        "dtedask store purge --root data --keep 7d --keep-commits 100 --remember --doit",
    )


def purge(
    cubes: Annotated[
        list[str] | None,
        typer.Argument(help="Cubes such as ea/enda/0001; all without.", metavar="CUBE", show_default=False),
    ] = None,
    *,
    root: Root = None,
    keep: Annotated[
        str | None, typer.Option("--keep", metavar="DURATION", help="Keep every state of this long: 7d, 12h.")
    ] = None,
    keep_commits: Annotated[
        int | None, typer.Option("--keep-commits", metavar="N", help="Keep so many of the newest commits.", min=1)
    ] = None,
    remember: Annotated[bool, typer.Option("--remember", help="Write the rule into the root, for later.")] = False,
    doit: Annotated[bool, typer.Option("--doit", help="Do it; without, purge says what it would do.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let the past go that a rule does not keep, and collect what nothing refers to any more.

    A commit stays if either rule keeps it; without a rule that of the root counts, else that of the settings. Tags,
    branches, open transactions, readers, listeners and the log of notices keep what they need. Nothing is done without
    --doit.
    """
    if doit and dry_run:
        raise typer.BadParameter("take --doit or --dry-run, not both.", param_hint="'--doit'")
    if remember and keep is None and keep_commits is None:
        raise typer.BadParameter("give a rule to remember by --keep or --keep-commits.", param_hint="'--remember'")
    store = open_root(root, None)
    if remember and doit:
        store.keep(keep, commits=keep_commits)
    done = store.purge(keep=keep, keep_commits=keep_commits, cubes=cubes, dry_run=not doit)
    if as_json:
        emit_json(done.to_dict())
    else:
        _show(done)
    if not doit:
        say("Nothing was done: --doit does it. What the expired commits alone refer to is known only then.")


def _show(done: Purge) -> None:
    say(f"Keeping {done.rule}.")
    columns = ("cube", "expired", "kept", "oldest", "from", "objects", "bytes")
    emit_table(columns, map(_row, done.cubes), right=("expired", "kept", "oldest", "objects", "bytes"))
    for cube in done.cubes:
        for who in cube.held:
            say(f"{cube.cube} is kept back by {who}.")


def _row(cube: CubePurge) -> tuple[object, ...]:
    moment = cube.oldest_time.strftime("%Y-%m-%d %H:%M:%S") if cube.oldest_time else ""
    removed = cube.removed
    return (
        cube.cube, f"{len(cube.expired):,}", f"{cube.kept:,}", cube.oldest, moment,
        f"{removed.objects:,}", size(removed.size_bytes),
    )  # fmt: skip
