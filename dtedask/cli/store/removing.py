"""`dtedask store wipe|rollback`: taking fields away, and going back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, plural, say, size
from dtedask.cli.options import DryRun, Json, Root, Words
from dtedask.cli.requests import parse_words
from dtedask.cli.store.changes import emit_changes
from dtedask.cli.store.roots import open_root

if TYPE_CHECKING:
    from dtedask.store.past.rollback import CubeRollback

Doit = Annotated[bool, typer.Option("--doit", help="Do it; without, only what would be done is shown.")]
MinimumKeys = Annotated[
    str, typer.Option("--minimum-keys", metavar="KEYS", help="Keys that the request must give values for.")
]
Cube = Annotated[
    str | None, typer.Argument(help="One cube, such as ea/enda/0001; all without.", metavar="CUBE", show_default=False)
]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "wipe",
        wipe,
        "dtedask store wipe --root data class=ea,expver=1,date=20170101",
        "dtedask store wipe --root data class=ea,expver=1,levelist=850 --doit",
    )
    add(
        group,
        "rollback",
        rollback,
        "dtedask store rollback --root data --source next.grib",
        "dtedask store rollback ea/enda/0001 --root data --to before-upgrade --doit",
    )


def wipe(
    words: Words = None,
    *,
    root: Root = None,
    doit: Doit = False,
    minimum_keys: MinimumKeys = "class,expver",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take fields away, all of a cube at once; only with --doit.

    One line a variable and step says what goes, as an exact request. Snapshots from before still show it, until they
    are purged. What is not dtedask's is never touched.
    """
    check_either(doit=doit, dry_run=dry_run)
    store = open_root(root, None)
    request = parse_words(words, store)
    keys = tuple(key for key in minimum_keys.split(",") if key)
    found = store.wipe(request, doit=doit, minimum_keys=keys)
    if as_json:
        emit_json(found.to_dict())
    else:
        emit_changes("-", found.changes)
    verb = "Wiped" if found.is_done else "Would wipe"
    say(f"{verb} {plural(found.fields, 'field')}, {size(found.size_bytes)}, of {', '.join(found.cubes)}.")
    if not doit:
        say("Nothing was done: --doit does it.")


def rollback(
    cube: Cube = None,
    *,
    root: Root = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="WHEN", help="Go back to a time (UTC), a snapshot or a tag.")
    ] = None,
    commit: Annotated[
        list[str] | None,
        typer.Option("--commit", metavar="SNAPSHOT", help="Undo what this commit wrote; may be given several times."),
    ] = None,
    source: Annotated[
        str, typer.Option("--source", metavar="SOURCE", help="Undo all commits from this source, such as a file.")
    ] = "",
    author: Annotated[
        str, typer.Option("--author", metavar="USER", help="Undo all commits of this user, or user@host.")
    ] = "",
    message: Annotated[str, typer.Option("--message", metavar="TEXT", help="What to say of it in the history.")] = "",
    doit: Doit = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Go back to an older state, or undo single commits; only with --doit.

    Undoing takes away what the commits wrote and gives back what they replaced or wiped. Fields that were written or
    wiped since stay as they are: lines with = name them.
    """
    check_either(doit=doit, dry_run=dry_run)
    store = open_root(root, None)
    found = store.rollback(
        to, commits=commit or (), source=source, author=author, cube=cube, doit=doit, message=message
    )
    if as_json:
        emit_json(found.to_dict())
    for one in found.cubes:
        _show_cube(one, as_json=as_json)
    if not found.cubes:
        say("Nothing differs.")
    elif not doit:
        say("Nothing was done: --doit does it.")


def _show_cube(one: CubeRollback, *, as_json: bool) -> None:
    if not as_json:
        for mark, changes in (("+", one.restored), ("-", one.wiped), ("=", one.left)):
            emit_changes(mark, changes)
    counts = [sum(change.fields for change in part) for part in (one.restored, one.wiped, one.left)]
    say(f"{one.cube}: {counts[0]:,} restored, {counts[1]:,} wiped, {counts[2]:,} left.")
    if one.undo:
        say(f"To undo it: {one.undo}")


def check_either(*, doit: bool, dry_run: bool) -> None:
    """Refuse --doit and --dry-run together."""
    if doit and dry_run:
        raise typer.BadParameter("take --doit or --dry-run, not both.", param_hint="'--doit'")
