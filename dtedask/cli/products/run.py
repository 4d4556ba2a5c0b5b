"""`dtedask products run`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, say, show_error
from dtedask.cli.options import Cluster, DryRun, Json
from dtedask.cli.products.options import Cycles, Files, Inputs, Names, Output, Owners, State, opened, show_unmakeable

if TYPE_CHECKING:
    from dtedask.products import Products, Report
    from dtedask.products.live.run import Followed, Reload


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "run",
        run,
        "dtedask products run requirements.yaml --input data --output out",
        "dtedask products run requirements.yaml --input data --output out --cycle 20240603T00 --cluster local-cluster",
        "dtedask products run requirements.yaml --input data --output out --follow --idle 2",
    )


def run(  # noqa: PLR0913 - each says something else of one run
    files: Files,
    inputs: Inputs,
    *,
    output: Output = "products",
    state: State = None,
    cycles: Cycles = None,
    owners: Owners = None,
    names: Names = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Make products as their input is committed, until Ctrl-C.")
    ] = False,
    idle: Annotated[
        float | None,
        typer.Option("--idle", metavar="SECONDS", help="With --follow: end after so long without a commit."),
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Threads that compute.")] = None,
    cluster: Cluster = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make and deliver what is ordered and not delivered yet, the most urgent first.

    Each input field is read once, and equal products are made once for all who ordered them. What fails is told at the
    end and leaves the rest delivered; the same again does what is left. Files of requirements that change while it
    follows are read again.
    """
    if idle is not None and not follow:
        raise typer.BadParameter("it ends a run that follows: give --follow, too.", param_hint="--idle")
    if cycles and follow:
        raise typer.BadParameter("a run that follows takes the cycles that come.", param_hint="--cycle")
    again = partial(opened, files, inputs, output, state, owners=owners, names=names)
    with again() as products:
        if dry_run:
            found = products.explain(cycles)
            emit_json(found.to_dict()) if as_json else emit(str(found))
            return
        if follow:
            from dtedask.products.live import Reloading

            reload = Reloading(files, lambda: again().wanted)
            followed = _followed(products, reload, idle, threads, cluster)
            emit_json(followed.to_dict()) if as_json else emit(str(followed))
            has_failed = bool(followed.failed)
        else:
            report = _ran(products, cycles, threads, cluster)
            _show(report, as_json=as_json)
            has_failed = bool(report.failed or report.broken)
    if has_failed or products.requirements.broken:
        raise typer.Exit(1)


def _ran(products: Products, cycles: list[str] | None, threads: int | None, cluster: str | None) -> Report:
    from dtedask.cli.progress import progress
    from dtedask.cli.running import interrupted_by_sigterm
    from dtedask.cluster import client_for

    with (
        interrupted_by_sigterm(),
        progress("Making products") as display,
        display.cluster(client_for(cluster)) as client,
    ):
        return products.run(cycles, client=client, threads=threads, on_progress=display.on_progress)


def _followed(
    products: Products, reload: Reload, idle: float | None, threads: int | None, cluster: str | None
) -> Followed:
    from dtedask.cli.progress import progress
    from dtedask.cli.running import stop_on_signal
    from dtedask.cluster import client_for

    with (
        progress("Making products", is_live=False) as display,
        display.cluster(client_for(cluster)) as client,
        stop_on_signal() as stop,
    ):
        say(f"Following {', '.join(products.inputs)}; Ctrl-C ends it.")
        return products.follow(
            client=client,
            threads=threads,
            idle_s=idle,
            stop=stop,
            reload=reload,
            on_event=lambda note: say(str(note)),
        )


def _show(report: Report, *, as_json: bool) -> None:
    if as_json:
        emit_json(report.to_dict())
        return
    show_unmakeable(report.broken)
    for outcome in report.failed:
        if outcome.error is not None:
            show_error(f"{outcome.product.id}: {outcome.error.message}", outcome.error.hint)
    emit(str(report))
