"""`dtedask store`: what a root holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_mapping, emit_table, plural, say, size
from dtedask.cli.options import At, DryRun, Json, JsonLines, Root, Words, root_or_setting
from dtedask.cli.requests import parse_words

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.store import Store

_SHOWN = 12


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "list",
        list_fields,
        "dtedask store list --root data class=ea,param=t",
        "dtedask store list --root data class=ea,param=t --json | head -3",
    )
    add(group, "axes", axes, "dtedask store axes --root data class=ea --json")
    add(
        group,
        "retrieve",
        retrieve,
        "dtedask store retrieve --root data class=ea,param=t,date=20170101,time=0,number=0,levelist=500 --to t.nc",
        "dtedask store retrieve --root data class=ea,param=t,levelist=500 --to t.grib2",
    )
    add(group, "history", history, "dtedask store history --root data ea/enda/0001")
    add(group, "stats", stats, "dtedask store stats --root data")


def list_fields(words: Words = None, *, root: Root = None, at: At = None, as_json: JsonLines = False) -> None:
    """List the fields that a request takes, one a line; all of them without a request.

    With --json, one object a field: its MARS keys, its short name and its grid.
    """
    request = parse_words(words)
    store = _open(root, at)
    count = 0
    for record in store.list(request):
        count += 1
        found = record.to_dict()
        if as_json:
            emit_json(found)
        else:
            emit(",".join(f"{key}={value}" for key, value in found.items() if key != "shortName" and value))
    if not count:
        _raise_no_match(store, request)


def axes(words: Words = None, *, root: Root = None, at: At = None, as_json: Json = False) -> None:
    """Show the values of every key over the fields that a request takes."""
    request = parse_words(words)
    store = _open(root, at)
    found = store.axes(request)
    if not found:
        _raise_no_match(store, request)
    if as_json:
        emit_json(found)
    else:
        emit_mapping({key: _shorten(values) for key, values in found.items()})


def retrieve(
    to: Annotated[
        str, typer.Option("--to", metavar="FILE", help="t.nc, t.grib2, t.zarr; or - for GRIB on standard output.")
    ],
    words: Words = None,
    *,
    root: Root = None,
    at: At = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Go on where values that the request names do not exist.")
    ] = False,
    tree: Annotated[
        bool, typer.Option("--tree", help="Allow several groups; each becomes a group of the netCDF or Zarr.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Write the fields that a request takes to a file: netCDF, GRIB2 or Zarr, by its ending.

    A file that exists is replaced, once the new one is complete.
    """
    from dtedask.cli.targets import target_of

    target = target_of(to, tree=tree)
    request = parse_words(words)
    store = _open(root, at)
    if dry_run:
        count = sum(1 for _ in store.list(request))
        if not count:
            _raise_no_match(store, request)
        say(f"{plural(count, 'field')} would be written to {to}.")
        return
    written = target.write(store, request, allow_missing=allow_missing)
    say(f"{plural(written.fields, 'field')}, {size(written.bytes)}, written to {to}.")


def history(
    cube: Annotated[str | None, typer.Argument(help="One cube, such as ea/enda/0001.", show_default=False)] = None,
    *,
    root: Root = None,
    as_json: JsonLines = False,
) -> None:
    """List the commits of a cube, or of all cubes, oldest first."""
    commits = _open(root, None).history(cube)
    if as_json:
        for commit in commits:
            emit_json(commit_object(commit))
        return
    columns = ("time", "cube", "number", "new", "replaced", "snapshot", "message")
    emit_table(columns, map(_commit_row, commits), right=("number", "new", "replaced"))


def stats(*, root: Root = None, at: At = None, as_json: JsonLines = False) -> None:
    """Count what each cube holds: fields, groups, commits and bytes."""
    from dtedask.cli.statistics import statistics_of

    found = [statistics_of(_open(root, at), cube) for cube in _open(root, at).cubes()]
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


def _open(root: str | None, at: str | None) -> Store:
    from dtedask.store import open as open_store

    return open_store(root_or_setting(root), at=at)


def _raise_no_match(store: Store, request: object) -> None:
    """Let the store say which key has no match and what exists."""
    next(iter(store.to_grib(request, allow_missing=True)), None)  # type: ignore[arg-type]


def _shorten(values: list[str]) -> str:
    if len(values) <= _SHOWN:
        return "/".join(values)
    return f"{'/'.join(values[: _SHOWN - 2])}/.../{values[-1]} ({len(values)} values)"
