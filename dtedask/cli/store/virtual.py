"""`dtedask store virtualize|kerchunk`: files of others as fields of a root, and fields as references for others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, plural, say, size
from dtedask.cli.options import At, DryRun, Json, OnError, Root, Words, root_or_setting
from dtedask.cli.requests import parse_words
from dtedask.cli.store.roots import open_root

if TYPE_CHECKING:
    from dtedask.store import Virtualized


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "virtualize",
        virtualize,
        "dtedask store virtualize forecast.grib2 more --root virtual",
        "dtedask store virtualize 'more/*.grib' --root virtual --dry-run",
        "dtedask store virtualize more --root virtual --on-error skip --json",
    )
    add(
        group,
        "kerchunk",
        kerchunk,
        "dtedask store kerchunk --root virtual class=ea,param=t,levelist=500 --to t500.json",
        "dtedask store kerchunk --root virtual class=ea,param=t --to t.json --dry-run",
    )


def virtualize(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Files, patterns, folders; URLs of HTTP and S3; references of kerchunk.",
            metavar="SOURCE...",
            show_default=False,
        ),
    ],
    *,
    root: Root = None,
    on_error: OnError = "raise",
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Take files whose server would not tell of a change, too.")
    ] = False,
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="FILE", help="Schema of a root that does not exist yet.")
    ] = None,
    message: Annotated[str, typer.Option("--message", "-m", help="What the history says of the commits.")] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make the messages of GRIB files fields of a root, and leave the files where they are.

    They are decoded from the files when they are read; a file that has changed since is refused then. The same command
    again adds what is new. With --json, one object that sums it up.
    """
    from dtedask.store import open as open_store

    store = open_store(root_or_setting(root), schema=schema)
    done = store.virtualize(sources, on_error=on_error, checked=not unchecked, message=message, dry_run=dry_run)
    if as_json:
        emit_json({"root": store.root, **done.to_dict(), "dry_run": dry_run})
    else:
        _show(done, store.root, dry_run=dry_run)
    if done.hook_failures:
        raise typer.Exit(1)


def kerchunk(
    to: Annotated[
        str, typer.Option("--to", "-o", metavar="FILE", help="refs.json, or refs.parquet, which becomes a folder.")
    ],
    words: Words = None,
    *,
    root: Root = None,
    at: At = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Go on where values that the request names do not exist.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write references of kerchunk to the messages of a request, which others open without dtedask.

    The fields must be of one group and GRIB messages, virtual or archived. A file that exists is replaced; with --json,
    one object that sums it up.
    """
    from dtedask.cli.targets import replacing
    from dtedask.store.virtual.reading_kerchunk import is_references
    from dtedask.store.virtual.writing_kerchunk import write_references

    target = Path(to).expanduser()
    if target.is_dir() and not is_references(target):
        raise typer.BadParameter(f"{to} is a folder that holds no references.", param_hint="'--to'")
    store = open_root(root, at)
    references = store.to_kerchunk(parse_words(words, store), allow_missing=allow_missing)
    count = sum(isinstance(one, list) for one in references["refs"].values())
    if not dry_run:
        with replacing(target) as path:
            write_references(references, path, is_parquet=target.suffix in (".parquet", ".parq"))
    say(f"{plural(count, 'reference')} {'would be written' if dry_run else 'written'} to {to}.")
    if as_json:
        emit_json({"file": to, "fields": count, "done": not dry_run})


def _show(done: Virtualized, root: str, *, dry_run: bool) -> None:
    for commit in done.commits:
        emit(f"{commit.cube} {commit.sequence} {commit.snapshot}: {commit.new} new, {commit.replaced} replaced")
    for part in done.skipped:
        say(f"Skipped {part.length} bytes of {part.location} at offset {part.offset}: {part.reason}")
    found = f"{plural(done.fields, 'field')} of {plural(done.files, 'file')}, {size(done.bytes)}"
    if dry_run:
        say(f"{found} would be referred to from {', '.join(done.cubes)} of {root}.")
        return
    copied = f" {plural(done.copied, 'field')} could not be referred to alone and are copied." if done.copied else ""
    say(f"{found}: {done.new} new, {done.replaced} replaced, {done.unchanged} unchanged in {root}.{copied}")
