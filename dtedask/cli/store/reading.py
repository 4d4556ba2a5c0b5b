"""`dtedask store list|axes|retrieve`: what a root holds, and getting it out."""

from __future__ import annotations

from typing import Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_mapping, plural, say, size
from dtedask.cli.options import At, DryRun, Json, JsonLines, Root, Words
from dtedask.cli.requests import parse_words
from dtedask.cli.store.roots import open_root, raise_no_match

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


def list_fields(words: Words = None, *, root: Root = None, at: At = None, as_json: JsonLines = False) -> None:
    """List the fields that a request takes, one a line; all of them without a request.

    With --json, one object a field: its MARS keys, its short name and its grid.
    """
    request = parse_words(words)
    store = open_root(root, at)
    count = 0
    for record in store.list(request):
        count += 1
        found = record.to_dict()
        if as_json:
            emit_json(found)
        else:
            emit(",".join(f"{key}={value}" for key, value in found.items() if key != "shortName" and value))
    if not count:
        raise_no_match(store, request)


def axes(words: Words = None, *, root: Root = None, at: At = None, as_json: Json = False) -> None:
    """Show the values of every key over the fields that a request takes."""
    request = parse_words(words)
    store = open_root(root, at)
    found = store.axes(request)
    if not found:
        raise_no_match(store, request)
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
    store = open_root(root, at)
    if dry_run:
        count = sum(1 for _ in store.list(request))
        if not count:
            raise_no_match(store, request)
        say(f"{plural(count, 'field')} would be written to {to}.")
        return
    written = target.write(store, request, allow_missing=allow_missing)
    say(f"{plural(written.fields, 'field')}, {size(written.bytes)}, written to {to}.")


def _shorten(values: list[str]) -> str:
    if len(values) <= _SHOWN:
        return "/".join(values)
    return f"{'/'.join(values[: _SHOWN - 2])}/.../{values[-1]} ({len(values)} values)"
