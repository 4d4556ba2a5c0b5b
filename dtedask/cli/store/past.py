"""`dtedask store history|diff|tag|tags|untag`: what a root went through, and names for its states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table, plural, say
from dtedask.cli.options import At, DryRun, Json, JsonLines, Root
from dtedask.cli.requests import parse_words
from dtedask.cli.store.changes import emit_changes
from dtedask.cli.store.roots import open_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dtedask.core.commit import Commit

Cube = Annotated[str | None, typer.Option("--cube", metavar="CUBE", help="One cube, such as ea/enda/0001.")]
Name = Annotated[str, typer.Argument(help="Name of the tag.", metavar="NAME")]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "history",
        history,
        "dtedask store history --root data ea/enda/0001",
        "dtedask store history --root data class=ea,date=20170102 --source next.grib",
    )
    add(
        group,
        "diff",
        diff,
        "dtedask store diff --root data before-upgrade",
        "dtedask store diff --root data 2024-06-03 --json",
    )
    add(group, "tag", tag, "dtedask store tag --root data release-1 --message 'as published'")
    add(group, "tags", tags, "dtedask store tags --root data --json")
    add(group, "untag", untag, "dtedask store untag --root data before-upgrade")


def history(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="A cube, such as ea/enda/0001, or a request: only commits that wrote or wiped its fields.",
            metavar="CUBE|REQUEST",
            show_default=False,
        ),
    ] = None,
    *,
    root: Root = None,
    source: Annotated[str, typer.Option("--source", metavar="SOURCE", help="Only from this source, as a file.")] = "",
    author: Annotated[str, typer.Option("--author", metavar="USER", help="Only by this user, or user@host.")] = "",
    as_json: JsonLines = False,
) -> None:
    """List the commits of a cube, or of all cubes, oldest first.

    In --source and --author, * and ? stand for any text.
    """
    cube, request = _cube_and_request(words or [])
    store = open_root(root, None)
    commits = store.history(cube, request=parse_words(request, store), source=source, author=author)
    if as_json:
        for commit in commits:
            emit_json(commit_object(commit))
        return
    columns = ("time", "cube", "number", "new", "replaced", "wiped", "snapshot", "by", "message")
    emit_table(columns, map(_commit_row, commits), right=("number", "new", "replaced", "wiped"))


def diff(
    old: Annotated[str, typer.Argument(help="A time (UTC), a snapshot or a tag.", metavar="OLD")],
    new: Annotated[
        str | None, typer.Argument(help="The same; the newest without.", metavar="NEW", show_default=False)
    ] = None,
    *,
    root: Root = None,
    cube: Cube = None,
    as_json: Json = False,
) -> None:
    """Compare two states, field by field: + added, - removed, ~ replaced, each line an exact request."""
    found = open_root(root, None).diff(old, new, cube=cube)
    if as_json:
        emit_json(found.to_dict())
        return
    for one in found.cubes:
        for mark, changes in (("+", one.added), ("-", one.removed), ("~", one.replaced)):
            emit_changes(mark, changes)
    if not found.cubes:
        say("Nothing differs.")


def tag(
    name: Name,
    cubes: Annotated[
        list[str] | None, typer.Argument(help="Cubes; all without.", metavar="CUBE", show_default=False)
    ] = None,
    *,
    root: Root = None,
    at: At = None,
    message: Annotated[str, typer.Option("--message", metavar="TEXT", help="What to say of it.")] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Name the state of all cubes, or of some: --at NAME opens it, and a purge keeps its data."""
    store = open_root(root, None)
    if dry_run:
        say(f"{', '.join(cubes or store.cubes())} would be tagged {name}.")
        return
    made = store.tag(name, at=at, cubes=cubes, message=message)
    if as_json:
        emit_json(made.to_dict())
    else:
        emit_table(("cube", "snapshot"), list(made.snapshots.items()))


def tags(*, root: Root = None, as_json: JsonLines = False) -> None:
    """List the tags of a root, by name."""
    found = open_root(root, None).tags()
    if as_json:
        for one in found:
            emit_json(one.to_dict())
    elif found:
        rows = [(one.name, f"{one.time:%F %T}", len(one.snapshots), one.author, one.message) for one in found]
        emit_table(("tag", "made", "cubes", "by", "message"), rows, right=("cubes",))
    else:
        say("There are no tags.")


def untag(name: Name, *, root: Root = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Take a tag away; what it alone kept goes with the next purge."""
    store = open_root(root, None)
    if dry_run:
        say(f"The tag {name} would be taken away.")
        return
    gone = store.untag(name)
    if as_json:
        emit_json(gone.to_dict())
    else:
        say(f"The tag {name} of {plural(len(gone.snapshots), 'cube')} is gone.")


def _cube_and_request(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """A first word that is no request names a cube; cubes may have qualifiers, as in od/enfo/0001,model=x."""
    if words and "/" in words[0].split("=")[0] and not words[0].startswith("@"):
        return words[0], list(words[1:])
    return None, list(words)


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
        "removed": commit.removed,
        "author": commit.author,
        "rolled_back": commit.rolled_back,
        "message": commit.message,
        "sources": list(commit.sources),
    }


def _commit_row(commit: Commit) -> tuple[object, ...]:
    time = commit.time.strftime("%Y-%m-%d %H:%M:%S")
    counts = (commit.new, commit.replaced, commit.removed)
    return time, commit.cube, commit.sequence, *counts, commit.snapshot, commit.author, commit.message
