"""`dtedask ingest`: GRIB in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import plural, say
from dtedask.cli.options import Again, Cluster, DryRun, Json, OnError, Performance, Root, Unit, root_or_setting
from dtedask.cli.summary import show_plan, show_summary
from dtedask.core.errors import DtedaskError

if TYPE_CHECKING:
    from dtedask.ingest import Summary
    from dtedask.store import Store


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "ingest",
        ingest,
        "dtedask ingest forecast.grib2 more/*.grib --root data",
        "dtedask ingest more --root data --unit file --cluster local-cluster",
        "cat forecast.grib2 | dtedask ingest - --root data --json",
    )


def ingest(  # noqa: PLR0913 - each is an option of the command
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, patterns, folders; - for standard input.", metavar="[SOURCE]...", show_default=False
        ),
    ] = None,
    *,
    root: Root = None,
    watch: Annotated[
        str | None, typer.Option("--watch", metavar="FOLDER", help="Ingest what appears in a folder, until Ctrl-C.")
    ] = None,
    unit: Unit = "all",
    on_error: OnError = "raise",
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="FILE", help="Schema of a root that does not exist yet.")
    ] = None,
    listeners: Annotated[
        list[str] | None, typer.Option("--listeners", metavar="FILE", help="Listeners to run after each commit.")
    ] = None,
    cluster: Cluster = None,
    performance: Performance = None,
    message: Annotated[str, typer.Option("--message", "-m", help="What the history says of the commits.")] = "",
    again: Again = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write GRIB files into the cubes of a root, and announce each commit.

    Ingesting the same again changes nothing, and reads only what is missing. With --json, one object that sums it up.
    """
    _check_usage(sources, watch)
    from dtedask.store import open as open_store

    store = open_store(root_or_setting(root), schema=schema)
    if dry_run:
        _check_profile(cluster)
        _plan(sources or [str(watch)], store, unit, as_json)
        return
    from dtedask.cli.running import run_ingest, run_watch

    options: Any = {"on_error": on_error, "message": message, "as_json": as_json, "performance": performance}
    with showing(store.root, as_json=as_json) as show:
        if watch is not None:
            options["unit"] = "file" if unit == "all" else unit
            show(run_watch(watch, store, listeners or [], cluster, **options))
        else:
            show(run_ingest(sources or [], store, listeners or [], cluster, unit=unit, again=again, **options))


@contextmanager
def showing(root: str, *, as_json: bool) -> Iterator[Callable[[Summary], None]]:
    """Give a function that shows a summary; what could be done is shown even where files failed."""

    def show(summary: Summary) -> None:
        show_summary(summary, root, as_json=as_json)
        if summary.failed or summary.hook_failures:
            raise typer.Exit(1)

    try:
        yield show
    except DtedaskError as error:
        summary = getattr(error, "summary", None)
        if summary is not None:
            show_summary(summary, root, as_json=as_json)
        raise


def _check_usage(sources: list[str] | None, watch: str | None) -> None:
    if bool(sources) == bool(watch):
        raise typer.BadParameter(
            "name files to ingest, or a folder with --watch." if not sources else "name files or --watch, not both.",
            param_hint="SOURCE",
        )


def _check_profile(cluster: str | None) -> None:
    from dtedask.cluster import where_to_run

    where_to_run(cluster)


def _plan(sources: list[str], store: Store, unit: Literal["all", "file", "step"], as_json: bool) -> None:
    from dtedask.ingest import plan_ingest

    plan = plan_ingest(sources, store, unit=unit)
    show_plan(plan, store.root, as_json=as_json)
    if not as_json:
        say(f"Nothing was written: {plural(plan.fields, 'field')} would be, into {store.root}.")
