"""`dtedask store copy|move|compare|import-fdb`: fields between roots, and out of an FDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_table, plural, say, show_warning, size
from dtedask.cli.options import At, Cluster, DryRun, Json, JsonLines, Root, Words, root_or_setting
from dtedask.cli.requests import parse_words
from dtedask.cli.store.changes import emit_changes
from dtedask.cli.store.removing import Doit, MinimumKeys, check_either
from dtedask.cli.store.roots import open_root

if TYPE_CHECKING:
    from dtedask.ingest import FdbImport
    from dtedask.store import Copy, Move, Store
    from dtedask.store import Schema as SchemaOf

To = Annotated[str, typer.Option("--to", metavar="ROOT", help="Folder or URL of the root to copy into.")]
Schema = Annotated[
    str | None,
    typer.Option("--schema", metavar="FILE", help="Schema of a target that does not exist yet; else the source's."),
]
Message = Annotated[str, typer.Option("--message", "-m", help="What the history says of the commits.")]
Layout = Annotated[
    Literal["map", "messages"] | None,
    typer.Option("--layout", help="Layout of variables that are new there; else that of the source, or of --schema."),
]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Go on where values that the request names do not exist.")
]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "copy",
        copy,
        "dtedask store copy --root data --to backup class=ea,date=20170101",
        "dtedask store copy --root data --to backup --dry-run",
        "dtedask store copy --root data --to backup --cluster local-cluster --json",
    )
    add(
        group,
        "move",
        move,
        "dtedask store move --root data --to backup class=ea,expver=1,date=20170101",
        "dtedask store move --root data --to backup class=ea,expver=1,date=20170101 --doit",
    )
    add(
        group,
        "compare",
        compare,
        "dtedask store compare --root data --with forecast.grib2 class=ea,date=20170101",
        "dtedask store compare --root data --with data --rel 1e-6 --json",
        "dtedask store compare --root data --with forecast.grib2 --with more --tolerance packing class=ea,expver=1",
    )
    add(
        group,
        "import-fdb",
        import_fdb,
        "dtedask store import-fdb class=ea --fdb fdb.yaml --root imported --layout messages",
        "dtedask store import-fdb class=ea,date=20170101 --fdb fdb.yaml --root imported --dry-run",
    )


def copy(  # noqa: PLR0913 - each is an option of the command
    to: To,
    words: Words = None,
    *,
    root: Root = None,
    at: At = None,
    schema: Schema = None,
    layout: Layout = None,
    allow_missing: AllowMissing = False,
    cluster: Cluster = None,
    message: Message = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Copy the fields that a request takes into another root, with every bit of their values; all without a request.

    They come in commits of as many bytes as the setting store.copy-bytes says. Run again, it copies what is missing or
    differs. The exit status is 1 where fields cannot become the messages that are wanted. With --json, one object that
    sums it up.
    """
    from dtedask.store import open as open_store

    store = open_root(root, at)
    request = parse_words(words, store)
    target = open_store(to)
    options: dict[str, Any] = {"schema": schema, "layout": layout, "allow_missing": allow_missing}
    if dry_run:
        _show(store.copy(request, target, dry_run=True, **options), as_json=as_json)
        return
    with _surroundings(target, cluster, "Copying") as around:
        done = store.copy(request, target, message=message, **options, **around)
    _show(done, as_json=as_json)
    if done.hook_failures or done.refused:
        raise typer.Exit(1)


def move(  # noqa: PLR0913 - each is an option of the command
    to: To,
    words: Words = None,
    *,
    root: Root = None,
    schema: Schema = None,
    layout: Layout = None,
    allow_missing: AllowMissing = False,
    cluster: Cluster = None,
    minimum_keys: MinimumKeys = "class,expver",
    message: Message = "",
    doit: Doit = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Move fields into another root: copy, read back and compare, then wipe them here; only with --doit.

    A field that was replaced here meanwhile, or that the target does not hold with every bit of its values, stays; the
    exit status is 1 then. Whenever it is interrupted, each field is in one of the roots or in both, and the same again
    goes on from there.
    """
    check_either(doit=doit, dry_run=dry_run)
    from dtedask.store import open as open_store

    store = open_root(root, None)
    target = open_store(to)
    keys = tuple(key for key in minimum_keys.split(",") if key)
    options: dict[str, Any] = {"schema": schema, "layout": layout, "allow_missing": allow_missing, "minimum_keys": keys}
    request = parse_words(words, store)
    if doit:
        with _surroundings(target, cluster, "Moving") as around:
            done = store.move(request, target, doit=True, message=message, **options, **around)
    else:
        done = store.move(request, target, **options)
    _show_move(done, as_json=as_json)
    if done.left or done.hook_failures:
        raise typer.Exit(1)


def compare(
    other: Annotated[
        list[str], typer.Option("--with", metavar="ROOT|FILE", help="Another root; or GRIB files, patterns, folders.")
    ],
    words: Words = None,
    *,
    root: Root = None,
    at: At = None,
    absolute: Annotated[
        float, typer.Option("--abs", min=0, metavar="X", help="Values may differ by so much; every bit counts without.")
    ] = 0.0,
    relative: Annotated[
        float, typer.Option("--rel", min=0, metavar="X", help="Values may differ by so much of the right one.")
    ] = 0.0,
    tolerance: Annotated[
        Literal["exact", "packing"],
        typer.Option("--tolerance", help="packing: allow half of the step in which a GRIB message holds its values."),
    ] = "exact",
    cluster: Cluster = None,
    as_json: JsonLines = False,
) -> None:
    """Compare fields with those of another root or of GRIB files: which there are, their headers, their values.

    One line a field that differs or that only one side has. The exit status is 0 where both sides are equal, 1 where
    they differ and 3 where neither has a field that the request takes.
    """
    from dtedask.cli.progress import progress
    from dtedask.cluster import client_for
    from dtedask.core.settings import setting
    from dtedask.store import Execution

    store = open_root(root, at)
    request = parse_words(words, store)
    with (
        _right_side(other) as right,
        progress("Comparing") as display,
        display.cluster(client_for(cluster)) as client,
    ):
        found = store.compare(
            request,
            right,
            absolute=absolute,
            relative=relative,
            packing=tolerance == "packing",
            execution=Execution(client=client, threads=setting("ingest.threads")),
            on_progress=display.on_progress,
        )
    if as_json:
        for one in found.differences:
            emit_json(one.to_dict())
    elif found.differences:
        emit_table(("field", "difference"), [(row["field"], row["difference"]) for row in found.rows()])
    say(f"{found}.")
    if not found.is_equal:
        raise typer.Exit(1)


def import_fdb(  # noqa: PLR0913 - each is an option of the command
    words: Words = None,
    *,
    fdb: Annotated[
        str | None,
        typer.Option("--fdb", metavar="FILE", help="Configuration of the FDB; without, that of the environment."),
    ] = None,
    root: Root = None,
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="FILE", help="Schema of a root that does not exist yet.")
    ] = None,
    layout: Annotated[
        Literal["map", "messages"] | None,
        typer.Option("--layout", help="Layout of a root that does not exist yet; messages keeps the very bytes."),
    ] = None,
    on_mismatch: Annotated[
        Literal["leave", "take"],
        typer.Option("--on-mismatch", help="What becomes of a message whose keys are not those of FDB's index."),
    ] = "leave",
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first entry that cannot be taken.")] = False,
    cluster: Cluster = None,
    message: Message = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Import fields of an existing FDB, which is only read; needs pyfdb. The request is one that FDB takes.

    Run again, it imports what is missing or differs. What could not be taken is listed, and messages whose keys differ
    from those of the index; the exit status is 1 then.
    """
    from dtedask.ingest import import_fdb as run_import
    from dtedask.store import open as open_store

    store = open_store(root_or_setting(root), schema=_schema(schema, layout))
    request = parse_words(words, store)
    if dry_run:
        _show_import(run_import(request, fdb, store, dry_run=True), as_json=as_json)
        return
    with _surroundings(store, cluster, "Importing") as around:
        done = run_import(request, fdb, store, on_mismatch=on_mismatch, strict=strict, message=message, **around)
    _show_import(done, as_json=as_json)
    if not done.is_complete or done.hook_failures:
        raise typer.Exit(1)


def _schema(file: str | None, layout: Literal["map", "messages"] | None) -> SchemaOf | None:
    """The schema of a root to be made; None where nothing is said of it."""
    from dtedask.store import Schema as SchemaOf
    from dtedask.store.schema import load_schema

    if file is None and layout is None:
        return None
    found = SchemaOf() if file is None else load_schema(file)
    return found if layout is None else found.model_copy(update={"layout": layout})


@contextmanager
def _right_side(names: list[str]) -> Iterator[str | list[str]]:
    """A root, or the files that are named; a folder that is no root is one of files."""
    from dtedask.ingest.sources import open_sources

    (first, *more) = names
    is_root = not more and ("://" in first or (Path(first) / ".dtedask").is_dir())
    if is_root:
        yield first
        return
    with open_sources(names) as files:
        yield [file.path for file in files]


@contextmanager
def _surroundings(target: Store, cluster: str | None, title: str) -> Iterator[dict[str, Any]]:
    """What is around a copy: the cluster, progress, and notices that were never given."""
    from dtedask.cli.progress import progress
    from dtedask.cli.running import surroundings
    from dtedask.core.settings import setting
    from dtedask.store import Execution

    with progress(title) as display, surroundings(target, (), cluster, display) as client:
        execution = Execution(client=client, threads=setting("ingest.threads"))
        yield {"execution": execution, "on_progress": display.on_progress}


def _show(done: Copy, *, as_json: bool) -> None:
    if as_json:
        emit_json(done.to_dict())
    for commit in done.commits if not as_json else ():
        emit(f"{commit.cube} {commit.sequence} {commit.snapshot}: {commit.new} new, {commit.replaced} replaced")
    verb = "Copied" if done.is_done else "Would copy"
    counts = f"{done.new:,} new, {done.replaced:,} {'replaced' if done.is_done else 'there already'}"
    if done.unchanged:
        counts += f", {done.unchanged:,} unchanged"
    say(f"{verb} {plural(done.fields, 'field')}, {size(done.size_bytes)}, into {done.target}: {counts}.")
    if done.rounded:
        show_warning(f"the target stores {plural(done.rounded, 'field')} with fewer bits than {done.source}.")
    for one in done.refused:
        show_warning(f"not copied: {one}")
    for error in done.hook_failures:
        show_warning(f"a plug-in failed: {error}")


def _show_move(done: Move, *, as_json: bool) -> None:
    if as_json:
        emit_json(done.to_dict())
    else:
        emit_changes("-", done.changes)
    verb = "Moved" if done.is_done else "Would move"
    say(f"{verb} {plural(done.fields, 'field')}, {size(done.copy.size_bytes)}, into {done.copy.target}.")
    if not done.is_done:
        say("Nothing was done: --doit does it.")
    for one in done.left:
        show_warning(f"not moved: {one}")
    for error in done.hook_failures:
        show_warning(f"a plug-in failed: {error}")


def _show_import(done: FdbImport, *, as_json: bool) -> None:
    if as_json:
        emit_json(done.to_dict())
    else:
        for commit in done.commits:
            emit(f"{commit.cube} {commit.sequence} {commit.snapshot}: {commit.new} new, {commit.replaced} replaced")
    say(f"{done}.")
    for one in done.mismatched:
        show_warning(f"{'taken' if one.is_taken else 'not taken'}, the index says other keys: {one}")
    for other in done.not_taken:
        show_warning(f"not taken: {other}")
    for error in done.hook_failures:
        show_warning(f"a plug-in failed: {error}")
