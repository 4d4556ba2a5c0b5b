"""`dtedask store archive|read`: bytes into a root under their keys, and out of it again."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, plural, say, size
from dtedask.cli.options import At, DryRun, Json, Root, Words, root_or_setting
from dtedask.cli.requests import parse_words
from dtedask.cli.store.past import commit_object
from dtedask.cli.store.roots import open_root, raise_no_match

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dtedask.core.commit import Commit
    from dtedask.store import Store

Branch = Annotated[str, typer.Option("--branch", metavar="NAME", help="Work on a branch of the root.")]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "archive",
        archive,
        "dtedask store archive forecast.grib2 more/next.grib --root data",
        "dtedask store archive forecast.grib2 --key class=ea,date=20170101 --root data --json",
        "dtedask store archive listeners.yaml --key class=ea,stream=enda,expver=0001,date=20170101 --root data",
        "cat forecast.grib2 | dtedask store archive - --root data --dry-run",
    )
    add(
        group,
        "read",
        read,
        "dtedask store read --root data class=ea,param=t,levelist=500 --to t500.bin",
        "dtedask store read --root data class=ea,param=t,levelist=500 --to - | wc -c",
    )


def archive(
    files: Annotated[
        list[str], typer.Argument(help="Files; - for standard input.", metavar="FILE...", show_default=False)
    ],
    *,
    root: Root = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEYS", help="key=value,...: what GRIB must say; what other bytes are kept as."),
    ] = None,
    branch: Branch = "main",
    message: Annotated[str, typer.Option("--message", "-m", help="What the history says of the commits.")] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Archive files in one commit a cube: GRIB under its own keys, other bytes as they are under those of --key.

    All is archived or nothing. Archiving the same again changes nothing. With --json, one object that sums it up.
    """
    from dtedask.store import open as open_store

    store = open_store(root_or_setting(root), branch=branch)
    keys = None if key is None else {name: list(values) for name, values in parse_words([key], store).items()}
    if dry_run:
        trial = open_store("memory://dry-run", schema=store.schema())
        fields = _take(trial, _opened(files), keys)
        cubes = trial.cubes()
        trial.discard()
        _show(root=store.root, fields=fields, cubes=cubes, as_json=as_json)
        return
    fields = _take(store, _opened(files), keys)
    commits = store.flush(message, sources=[name for name in files if name != "-"])
    _show_commits(store, fields, commits, as_json=as_json)
    if store.hook_failures:
        raise typer.Exit(1)


def read(
    to: Annotated[str, typer.Option("--to", metavar="FILE", help="A file; - for standard output.")],
    words: Words = None,
    *,
    root: Root = None,
    at: At = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Go on where values that the request names do not exist.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Write what was archived as bytes, one after the other: fields as GRIB2, other bytes as they came.

    A file that exists is replaced, once the new one is complete.
    """
    from dtedask.cli.targets import replacing

    store = open_root(root, at)
    request = parse_words(words, store)
    if dry_run:
        count = sum(1 for _ in store.list(request))
        if not count:
            raise_no_match(store, request)
        say(f"{plural(count, 'item')} would be written to {to}.")
        return
    items = store.read(request, allow_missing=allow_missing)
    with nullcontext(None) if to == "-" else replacing(Path(to).expanduser()) as path:
        count, total = _write(items, path)
    say(f"{plural(count, 'item')}, {size(total)}, written to {to}.")


@dataclass(frozen=True)
class _File:
    """A file that was named, or standard input, which can be read but once."""

    name: str
    data: bytes | None

    @property
    def is_grib(self) -> bool:
        if self.data is not None:
            return self.data[:4] == b"GRIB"
        with Path(self.name).open("rb") as file:
            return file.read(4) == b"GRIB"


def _opened(files: list[str]) -> list[_File]:
    missing = [name for name in files if name != "-" and not Path(name).is_file()]
    if missing:
        raise typer.BadParameter(f"there is no file {', '.join(missing)}.", param_hint="'FILE'")
    return [_File(name, sys.stdin.buffer.read() if name == "-" else None) for name in dict.fromkeys(files)]


def _take(store: Store, files: list[_File], keys: Mapping[str, Any] | None) -> int:
    others = [] if keys is None else [file for file in files if not file.is_grib]
    if len(others) > 1:
        names = ", ".join(file.name for file in others)
        raise typer.BadParameter(
            f"{names} are no GRIB, and one key names one item; archive them one by one.", param_hint="'--key'"
        )
    return sum(_take_one(store, file, keys, is_grib=file not in others) for file in files)


def _take_one(store: Store, file: _File, keys: Mapping[str, Any] | None, *, is_grib: bool) -> int:
    from dtedask.grib import scan

    if is_grib:
        return store.archive(scan(Path(file.name) if file.data is None else file.data), keys)
    assert keys is not None
    data = Path(file.name).read_bytes() if file.data is None else file.data
    return store.archive(data, {key: values[0] if len(values) == 1 else values for key, values in keys.items()})


def _write(items: Iterator[tuple[Any, bytes]], path: Path | None) -> tuple[int, int]:
    count = total = 0
    with nullcontext(sys.stdout.buffer) if path is None else path.open("wb") as file:
        for _, data in items:
            count += 1
            total += file.write(data)
    return count, total


def _show(*, root: str, fields: int, cubes: list[str], as_json: bool) -> None:
    if as_json:
        emit_json({"root": root, "fields": fields, "cubes": cubes, "dry_run": True})
    else:
        say(f"{plural(fields, 'field')} would be archived into {', '.join(cubes)} of {root}.")


def _show_commits(store: Store, fields: int, commits: list[Commit], *, as_json: bool) -> None:
    if as_json:
        found = {
            "fields": fields,
            "new": sum(commit.new for commit in commits),
            "replaced": sum(commit.replaced for commit in commits),
            "unchanged": store.unchanged,
        }
        emit_json({"root": store.root, **found, "commits": [commit_object(commit) for commit in commits]})
        return
    for commit in commits:
        emit(f"{commit.cube} {commit.sequence} {commit.snapshot}: {commit.new} new, {commit.replaced} replaced")
    if store.unchanged:
        say(f"{plural(store.unchanged, 'field')} stood there already.")
