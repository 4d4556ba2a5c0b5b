"""`dtedask store list|axes|inspect|retrieve|explain`: what a root holds, and getting it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_mapping, plural, say, size
from dtedask.cli.options import At, DryRun, Json, JsonLines, Root, Words
from dtedask.cli.requests import parse_words
from dtedask.cli.store.roots import open_root, raise_no_match

if TYPE_CHECKING:
    from dtedask.store import Record

_SHOWN = 12
_NO_MATCH = 3


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "list",
        list_fields,
        "dtedask store list --root data class=ea,param=t",
        "dtedask store list --root data class=ea,param=t --json | head -3",
        "dtedask store list --root data --depth 2",
        "dtedask store list --root data class=ea --compact",
        "dtedask store list --root data class=ea --porcelain | cut -f 1,3",
    )
    add(group, "axes", axes, "dtedask store axes --root data class=ea --json")
    add(
        group,
        "inspect",
        inspect,
        "dtedask store inspect --root data class=ea,stream=enda,expver=1,type=an,levtype=pl,param=t,"
        "date=20170101,time=0,number=0/1,step=0,levelist=850/500",
    )
    add(
        group,
        "retrieve",
        retrieve,
        "dtedask store retrieve --root data class=ea,param=t,date=20170101,time=0,number=0,levelist=500 --to t.nc",
        "dtedask store retrieve --root data class=ea,param=t,levelist=500 --to t.grib2",
        "dtedask store retrieve --root data class=ea,param=t,levelist=850/500 --to - > t.grib2",
    )
    add(
        group,
        "explain",
        explain,
        "dtedask store explain --root data class=ea,param=t,levelist=500",
        "dtedask store explain --root data class=ea,param=t,levelist=500/700 --json",
    )


def list_fields(
    words: Words = None,
    *,
    root: Root = None,
    at: At = None,
    depth: Annotated[
        Literal["1", "2", "3"], typer.Option("--depth", help="1 for cubes, 2 for groups of cubes, 3 for fields.")
    ] = "3",
    location: Annotated[bool, typer.Option("--location", help="Add where each field lies.")] = False,
    length: Annotated[bool, typer.Option("--length", help="Add how many bytes it takes there.")] = False,
    masked: Annotated[
        bool, typer.Option("--masked", help="Add fields of older snapshots that were replaced or wiped since.")
    ] = False,
    compact: Annotated[bool, typer.Option("--compact", help="Fold the fields into few requests.")] = False,
    porcelain: Annotated[bool, typer.Option("--porcelain", help="Write columns for programs.")] = False,
    as_json: JsonLines = False,
) -> None:
    """List the fields that a request takes, one a line; all of them without a request.

    With --json, one object a field: its MARS keys, its short name and its grid. What --location and --length add stands
    behind a tab. With --porcelain, five columns between tabs that stay as they are: the keys as a request, location,
    bytes, snapshot, and of what --masked adds the time at which it was replaced, else a dash.
    """
    _check_together(depth, {"--compact": compact, "--porcelain": porcelain, "--json": as_json and not compact})
    _check_together(depth, {"--compact": compact, "--masked": masked})  # requests cannot say what was replaced
    store = open_root(root, at)
    request = parse_words(words, store)
    shown: Iterator[dict[str, Any] | str]
    if depth != "3":
        level: Literal[1, 2] = 1 if depth == "1" else 2
        places = store.list(request, depth=level)
        shown = (_line_or_object(one.to_dict(location=location), as_json) for one in places)
    elif compact:
        folded = store.list(request, masked=masked).compact()
        shown = ({key: list(values) for key, values in one.items()} if as_json else str(one) for one in folded)
    else:
        columns = _columns(location=location, length=length, porcelain=porcelain)
        shown = (
            record.to_dict(location=location, size=length) if as_json else columns(record)
            for record in store.list(request, masked=masked)
        )
    if not _emit_all(shown):
        raise_no_match(store, request)


def inspect(words: Words = None, *, root: Root = None, at: At = None, as_json: JsonLines = False) -> None:
    """Show where the fields of a full request lie and how large they are there, in the order of the request.

    Every key must be named, with one or several values. Fields that do not exist are an error that lists them.
    """
    store = open_root(root, at)
    columns = _columns(location=True, length=True, porcelain=False)
    found = store.inspect(parse_words(words, store))
    _emit_all(record.to_dict(location=True, size=True) if as_json else columns(record) for record in found)


def explain(words: Words = None, *, root: Root = None, at: At = None, as_json: Json = False) -> None:
    """Say of each key of a request what exists, what does not and what is nearest, and what to leave out.

    Of variables that have time series it says which layout reading takes, how many bytes that touches, and why. The
    exit status is 3 where the request takes no field.
    """
    store = open_root(root, at)
    found = store.explain(parse_words(words, store))
    if as_json:
        emit_json(found.to_dict())
    else:
        emit(str(found))
    if not found.fields:
        raise typer.Exit(_NO_MATCH)


def axes(words: Words = None, *, root: Root = None, at: At = None, as_json: Json = False) -> None:
    """Show the values of every key over the fields that a request takes."""
    store = open_root(root, at)
    request = parse_words(words, store)
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
    as_json: Json = False,
) -> None:
    """Write the fields that a request takes to a file, in its order: netCDF, GRIB2 or Zarr, by the file's ending.

    A file that exists is replaced, once the new one is complete. With --json, one object that sums it up.
    """
    if as_json and to == "-":
        raise typer.BadParameter("standard output takes either the messages or the JSON.", param_hint="'--json'")
    from dtedask.cli.targets import target_of

    target = target_of(to, tree=tree)
    store = open_root(root, at)
    request = parse_words(words, store)
    if dry_run:
        count = sum(1 for _ in store.list(request))
        if not count:
            raise_no_match(store, request)
        say(f"{plural(count, 'field')} would be written to {to}.")
        if as_json:
            emit_json({"file": to, "fields": count, "bytes": 0, "done": False})
        return
    written = target.write(store, request, allow_missing=allow_missing)
    say(f"{plural(written.fields, 'field')}, {size(written.bytes)}, written to {to}.")
    if as_json:
        emit_json({"file": to, "fields": written.fields, "bytes": written.bytes, "done": True})


def _check_together(depth: str, named: dict[str, bool]) -> None:
    given = [name for name, is_given in named.items() if is_given]
    if depth != "3":
        given = [f"--depth {depth}", *(name for name in given if name != "--json")]
    if len(given) > 1:
        raise typer.BadParameter(f"{' and '.join(given)} cannot go together.", param_hint=f"'{given[-1]}'")


def _columns(*, location: bool, length: bool, porcelain: bool) -> Callable[[Record], str]:
    """How a record is written on one line."""

    def line(record: Record) -> str:
        found = [_line(record.to_dict())]
        if location or porcelain:
            found.append(record.location)
        if length or porcelain:
            found.append(str(record.size_bytes))
        if porcelain:
            found += [record.snapshot, record.replaced.time.isoformat() if record.replaced else "-"]
        elif record.replaced:
            found.append(f"in {record.snapshot}, replaced {record.replaced.time:%Y-%m-%d %H:%M:%S}")
        return "\t".join(found)

    return line


def _line(found: dict[str, Any]) -> str:
    hidden = ("shortName", "location", "snapshot", "replaced")
    return ",".join(f"{key}={value}" for key, value in found.items() if key not in hidden and value)


def _line_or_object(found: dict[str, Any], as_json: bool) -> dict[str, Any] | str:
    return found if as_json else "\t".join([_line(found), *([found["location"]] if "location" in found else [])])


def _emit_all(shown: Iterator[dict[str, Any] | str]) -> int:
    """Write lines and objects; return their number."""
    count = 0
    for one in shown:
        count += 1
        if isinstance(one, str):
            emit(one)
        else:
            emit_json(one)
    return count


def _shorten(values: list[str]) -> str:
    if len(values) <= _SHOWN:
        return "/".join(values)
    return f"{'/'.join(values[: _SHOWN - 2])}/.../{values[-1]} ({len(values)} values)"
