"""`dtedask store virtualize`: files of others as fields of a root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, plural, say, size
from dtedask.cli.options import DryRun, Json, OnError, Root, root_or_setting

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


def virtualize(
    sources: Annotated[
        list[str],
        typer.Argument(help="Files, patterns, folders; URLs of HTTP and S3.", metavar="SOURCE...", show_default=False),
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
