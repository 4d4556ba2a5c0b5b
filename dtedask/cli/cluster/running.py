"""`dtedask cluster`: start, look at, scale and stop clusters that keep running, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.cluster.showing import as_object, show, watch
from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_mapping, say, show_error
from dtedask.cli.options import DryRun, Json, JsonLines

if TYPE_CHECKING:
    from dtedask.cluster.kept import Order

Name = Annotated[str, typer.Argument(help="Name of the cluster.", metavar="NAME")]
AnyName = Annotated[
    str | None, typer.Argument(help="Name of the cluster, or id of one that is not kept.", metavar="NAME")
]
Minimum = Annotated[int | None, typer.Option("--minimum", min=0, help="As many as the work needs, but no fewer.")]
Maximum = Annotated[int | None, typer.Option("--maximum", min=1, help="As many as the work needs, but no more.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the workers are there.")]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "start",
        start,
        "dtedask cluster start local-cluster --name night --idle-timeout 2h",
        "dtedask cluster start local-cluster --name day --minimum 1 --maximum 2 --dry-run",
    )
    add(group, "status", status, "dtedask cluster status", "dtedask cluster status night --json")
    add(group, "scale", scale, "dtedask cluster scale night 2", "dtedask cluster scale night --minimum 1 --maximum 2")
    add(group, "stop", stop, "dtedask cluster stop night", "dtedask cluster stop --all --force")


def start(
    profile: Annotated[str, typer.Argument(help="What to start; see dtedask cluster list.", metavar="PROFILE")],
    *,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What to call it; by default as the profile.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=0, help="So many workers, all the time.")] = None,
    minimum: Minimum = None,
    maximum: Maximum = None,
    idle_timeout: Annotated[
        str | None,
        typer.Option("--idle-timeout", metavar="TIME", help="End it when nobody used it for so long, such as 2h."),
    ] = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Keep it in this process until Ctrl-C, as a service manager wants.")
    ] = False,
    wait: Wait = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Start a cluster that keeps running when this command and its shell have ended.

    Afterwards --cluster NAME runs on it, in every command. Its number of workers is that of the profile, unless it is
    given. If it cannot be started, nothing of it stays.
    """
    from dtedask.cluster.kept import order_for, start_here
    from dtedask.cluster.kept import start as start_kept

    fewest, most = _numbers(workers, minimum, maximum, "--workers")
    if foreground and wait:
        raise typer.BadParameter("take --foreground or --wait, not both.", param_hint="'--wait'")
    order = order_for(profile, name=name, minimum=fewest, maximum=most, idle_s=_seconds(idle_timeout))
    if dry_run:
        _show_order(order, as_json=as_json)
    elif foreground:
        start_here(order, lambda: _show_started(order.name, as_json=as_json))
    else:
        start_kept(order)
        if wait:
            _wait_or_stop(order)
        _show_started(order.name, as_json=as_json)


def status(
    name: AnyName = None,
    watching: Annotated[bool, typer.Option("--watch", help="Show it anew every two seconds, until Ctrl-C.")] = False,
    as_json: JsonLines = False,
) -> None:
    """Show your clusters: those that are kept running and those of runs; workers, tasks, jobs, and what is wrong.

    One that is named is shown with its workers and jobs. A cluster whose process died says so, and what to do.
    """
    if watching:
        watch(name, as_json=as_json)
    else:
        show(name, as_json=as_json)


def scale(
    name: Name,
    workers: Annotated[int | None, typer.Argument(help="So many workers.", metavar="N", min=0)] = None,
    minimum: Minimum = None,
    *,
    maximum: Maximum = None,
    wait: Wait = False,
    dry_run: DryRun = False,
) -> None:
    """Change how many workers a kept cluster has, or between which numbers it follows the work."""
    from dtedask.cluster.kept import scale as scale_kept
    from dtedask.cluster.kept import status as status_of
    from dtedask.cluster.kept import wait_for_number

    fewest, most = _numbers(workers, minimum, maximum, "N")
    if fewest is None and most is None:
        raise typer.BadParameter("name a number, or --minimum and --maximum.", param_hint="'N'")
    before = status_of(name)
    low, high = (most or 0 if fewest is None else fewest), (fewest or 0 if most is None else most)
    text = str(low) if low == high else f"{low} to {high}"
    if dry_run:
        say(f"{name}: would want {text} workers instead of {before.wanted}.")
        return
    scale_kept(name, low, high)
    say(f"{name}: wants {text} workers now.")
    if wait:
        wait_for_number(name, low)


def stop(
    name: AnyName = None,
    every: Annotated[bool, typer.Option("--all", help="All clusters that are kept.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Even if tasks are unfinished, or its process does not answer.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """End a kept cluster: its jobs, its scheduler, its process; clear away what is left of a dead one.

    It is left alone while tasks are unfinished, unless --force is given.
    """
    from dtedask.cluster.kept import running
    from dtedask.core.errors import DtedaskError

    if (name is None) != every:
        raise typer.BadParameter("name one cluster, or take --all.", param_hint="'NAME'")
    if name is not None:
        _stop(name, force=force, dry_run=dry_run)
        return
    wrong = 0
    for cluster in running():
        if cluster.is_kept or cluster.standing == "dead":
            try:
                _stop(cluster.name if cluster.is_kept else cluster.id, force=force, dry_run=dry_run)
            except DtedaskError as error:
                wrong = error.exit_status
                show_error(error.message, error.hint)
    if wrong:
        raise typer.Exit(wrong)


def _stop(name: str, *, force: bool, dry_run: bool) -> None:
    from dtedask.cluster.kept import status as status_of
    from dtedask.cluster.kept import stop as stop_kept

    found = status_of(name)
    if dry_run:
        say(f"{name}: {found.standing}, {len(found.workers)} workers, {found.unfinished} unfinished tasks: would end.")
        return
    stop_kept(name, force=force)
    say(f"{name}: {'cleared away' if found.standing in {'dead', 'ended'} else 'stopped'}.")


def _numbers(
    workers: int | None, minimum: int | None, maximum: int | None, option: str
) -> tuple[int | None, int | None]:
    if workers is None:
        return minimum, maximum
    if minimum is not None or maximum is not None:
        raise typer.BadParameter(f"take {option}, or --minimum and --maximum.", param_hint="'--minimum'")
    return workers, workers


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    import dask.utils

    try:
        return float(dask.utils.parse_timedelta(text))
    except (ValueError, KeyError):
        raise typer.BadParameter(f"{text!r} is not a time such as 2h.", param_hint="'--idle-timeout'") from None


def _wait_or_stop(order: Order) -> None:
    """Wait for workers; if none comes, nothing stays."""
    from dtedask.cluster.kept import stop as stop_kept
    from dtedask.cluster.kept import wait_for_number

    try:
        wait_for_number(order.name, order.profile.workers)
    except BaseException:
        stop_kept(order.name, force=True)
        raise


def _show_started(name: str, *, as_json: bool) -> None:
    from dtedask.cluster.kept import status as status_of

    found = status_of(name)
    if as_json:
        emit_json(as_object(found))
        return
    emit_mapping(
        {
            "name": found.name,
            "scheduler": found.scheduler,
            "dashboard": found.dashboard,
            "log": found.log,
            "use it": f"dtedask recipe run RECIPE --cluster {found.name}",
            "end it": f"dtedask cluster stop {found.name}",
        }
    )


def _show_order(order: Order, *, as_json: bool) -> None:
    profile = order.profile
    found = {
        "name": order.name,
        "profile": profile.name,
        "kind": profile.kind,
        "minimum": profile.workers,
        "maximum": profile.workers if profile.workers_maximum is None else profile.workers_maximum,
        "command": order.command,
    }
    if as_json:
        emit_json(found)
    else:
        emit_mapping(found)
