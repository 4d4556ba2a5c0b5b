"""`dtedask store rechunk`: time series of complete runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, say, size
from dtedask.cli.options import Cluster, DryRun, Json, Root, Words, root_or_setting
from dtedask.cli.requests import parse_words
from dtedask.core.stages import stage

if TYPE_CHECKING:
    from dtedask.store import Rechunk, Store


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "rechunk",
        rechunk,
        "dtedask store rechunk --root data --layout series",
        "dtedask store rechunk class=ea,step=0/to/240/by/6 --root data --layout series --dry-run",
        "dtedask store rechunk class=ea --root data --layout series --memory 2GB --json",
    )


def rechunk(
    words: Words = None,
    *,
    layout: Annotated[Literal["series"], typer.Option("--layout", help="What to make of the fields.")] = "series",
    root: Root = None,
    memory: Annotated[str, typer.Option("--memory", metavar="SIZE", help="What a process may take.")] = "1GB",
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make those again that exist.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes, until Ctrl-C.")] = False,
    cluster: Cluster = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make the time series of complete runs beside their fields, so that a point over all steps is read in no time.

    The steps that the request names are those that a run must have; without any it must have all those that any run of
    the variable at the same time of day has. Broken off, the same again makes the rest. With --follow, one line, or
    object, each time.
    """
    if follow and dry_run:
        raise typer.BadParameter("take --follow or --dry-run, not both.", param_hint="'--follow'")
    from dtedask.store import open as open_store

    store = open_store(root_or_setting(root))
    options: dict[str, Any] = {"layout": layout, "memory": memory, "rebuild": rebuild}
    if dry_run:
        _show(store.rechunk(parse_words(words, store), dry_run=True, **options), as_json=as_json)
        return
    from dtedask.cli.progress import progress
    from dtedask.cluster import client_for
    from dtedask.store import Execution

    with progress("Making time series", is_live=False) as display, display.cluster(client_for(cluster)) as client:
        options["execution"] = Execution(client=client)
        if follow:
            _follow(store, words, options, as_json=as_json)
        else:
            with stage("series"):
                done = store.rechunk(parse_words(words, store), **options)
            _show(done, as_json=as_json)
    if store.hook_failures:
        raise typer.Exit(1)


def _follow(store: Store, words: list[str] | None, options: dict[str, Any], *, as_json: bool) -> None:
    from dtedask.cli.running import stop_on_signal
    from dtedask.store.series.follow import keep_up

    with stop_on_signal() as stop:
        say(f"Following {store.root}; Ctrl-C ends it.")
        for found in keep_up(store, parse_words(words, store), stop=stop, **options):
            _show(found, as_json=as_json)


def _show(found: Rechunk, *, as_json: bool) -> None:
    if as_json:
        emit_json(found.to_dict())
        return
    say(f"{str(found)[:1].upper()}{str(found)[1:]}.")
    if not found.is_done and found.memory_bytes:
        say(f"It takes about {size(found.memory_bytes)} of memory.")
