"""`dtedask plan run`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import plural, say
from dtedask.cli.options import Cluster, DryRun, Json, Section
from dtedask.cli.plan.showing import show_plan, show_summary
from dtedask.core.errors import DtedaskError

if TYPE_CHECKING:
    from dtedask.cli.progress import Display
    from dtedask.pipeline import Message, Plan
    from dtedask.pipeline.runs.running import Beginning, Resume
    from dtedask.pipeline.runs.summary import RunSummary
    from dtedask.pipeline.sources import AtRest, Source
    from dtedask.store import Progress


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "run",
        run,
        "dtedask plan run plan.yaml --input in.grib2 --output data",
        "dtedask plan run plan.yaml --input in.grib2 --output data --resume",
        "dtedask plan run plan.yaml --input 'data[stream=enda,param=t]' --output daily --cluster local-cluster",
        "dtedask plan run plan.yaml --follow archive --output data",
    )


def run(  # noqa: PLR0913 - each says something else of one run
    file: Annotated[str, typer.Argument(help="The plan, a YAML file.", metavar="FILE")],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="INPUT",
            help="GRIB file, pattern, folder, root or cube, a root also with a request: 'data[param=2t]'; repeatable.",
        ),
    ] = None,
    *,
    watch: Annotated[
        str | None, typer.Option("--watch", metavar="FOLDER", help="Take what appears in a folder, until Ctrl-C.")
    ] = None,
    follow: Annotated[
        str | None,
        typer.Option(
            "--follow", metavar="ROOT", help="Take what is committed to a root ('data[param=2t]'), until Ctrl-C."
        ),
    ] = None,
    idle: Annotated[
        float | None,
        typer.Option("--idle", metavar="SECONDS", help="A followed root without a commit for so long has ended."),
    ] = None,
    earlier: Annotated[
        bool, typer.Option("--earlier", help="Of a followed root, also take what was committed before.")
    ] = False,
    output: Annotated[
        str, typer.Option("--output", metavar="ROOT", help="Root that sinks of the type cube write to.")
    ] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that was interrupted; fail if there is none.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Begin anew, also where a run was interrupted.")] = False,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads that functions of actions run on.")] = 1,
    section: Section = "",
    cluster: Cluster = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Send the fields of the input through a plan.

    A run that was interrupted goes on where its state was saved last, and leaves what an undisturbed one leaves. So
    does one that takes what comes, by --watch or --follow, after Ctrl-C.
    """
    given = [name for name, one in (("--input", inputs), ("--watch", watch), ("--follow", follow)) if one]
    if len(given) != 1:
        raise typer.BadParameter(
            f"{' and '.join(given)} exclude each other." if given else "name an input, or what to watch or to follow.",
            param_hint="--input, --watch, --follow",
        )
    if resume and again:
        raise typer.BadParameter("--resume goes on, --again begins anew: not both.", param_hint="--resume")
    from dtedask.pipeline import Plan
    from dtedask.pipeline.sources import open_source

    plan = Plan.from_yaml(file, output=output, section=section)
    wanted: Resume = "must" if resume else "never" if again else "auto"
    if not inputs:
        with _showing(as_json=as_json) as show:
            show(_run_live(plan, watch, follow, wanted, idle=idle, earlier=earlier, threads=threads))
        return
    source = open_source(inputs)
    if dry_run:
        _show_beginning(plan, source, wanted, as_json=as_json)
        return
    with _showing(as_json=as_json) as show:
        show(run_at_rest(plan, source, wanted, threads=threads, cluster=cluster))


def run_at_rest(
    plan: Plan,
    source: AtRest,
    resume: Resume,
    *,
    threads: int = 1,
    cluster: str | None = None,
    title: str = "Running the plan",
) -> RunSummary:
    """Send fields that are at rest through a plan, here or on a cluster, and show how far it is."""
    from dtedask.cli.progress import progress
    from dtedask.cli.running import interrupted_by_sigterm
    from dtedask.pipeline.runs.running import run_plan

    with interrupted_by_sigterm(), progress(title) as display:
        if cluster is not None:
            return _run_on(cluster, plan, source, display)
        counting = _Counting(source.total, display.on_progress)
        return run_plan(plan, source, resume=resume, threads=threads, on_begin=_say_beginning, on_message=counting.came)


def _run_live(
    plan: Plan,
    watch: str | None,
    follow: str | None,
    resume: Resume,
    *,
    idle: float | None,
    earlier: bool,
    threads: int,
) -> RunSummary:
    """Take what comes until a signal; the state is saved then."""
    from dtedask.cli.running import stop_on_signal
    from dtedask.pipeline.runs.running import run_plan
    from dtedask.pipeline.sources import follow_root, watch_folder
    from dtedask.pipeline.sources.choose import parse_input

    with stop_on_signal() as stop:
        if watch is not None:
            source: Source = watch_folder(watch, stop=stop)
        else:
            found = parse_input(str(follow))
            after: dict[str, int] | None = {} if earlier else None
            root = found.root or found.place
            source = follow_root(root, found.request or None, after=after, stop=stop, timeout_s=idle)
        say(f"{'Watching' if watch is not None else 'Following'} {watch or follow}; Ctrl-C ends it.")
        return run_plan(plan, source, resume=resume, threads=threads, on_begin=_say_beginning)


def _run_on(cluster: str, plan: Plan, source: AtRest, display: Display) -> RunSummary:
    """Let workers read the fields and do the work; sinks write from here."""
    from dtedask.cluster import client_for
    from dtedask.pipeline.graph.run import GraphRun
    from dtedask.pipeline.runs.places import folder_of
    from dtedask.pipeline.runs.status import StatusFile

    with (
        display.cluster(client_for(cluster)) as client,
        StatusFile(folder_of(plan), plan, source.identity, total=lambda: source.total, client=client) as status,
        GraphRun(plan, client=client) as found,
    ):
        status.watch(found.run)
        for message in source.nodes(found.graph):
            found.feed(message)
            status.tick()
    return found.summary


class _Counting:
    """Tells a display how many fields have come."""

    def __init__(self, total: int | None, told: Callable[[Progress], None] | None) -> None:
        self._total, self._told = total, told
        self._fields = self._bytes = 0
        self._begin = time.monotonic()

    def came(self, message: Message) -> None:
        """A message came."""
        if not message.is_field or self._told is None:
            return
        from dtedask.store import Progress

        self._fields += 1
        self._bytes += getattr(message.values, "nbytes", 0)
        seconds = time.monotonic() - self._begin
        self._told(Progress(self._fields, self._total or self._fields, self._bytes, self._bytes, seconds))


@contextmanager
def _showing(*, as_json: bool) -> Iterator[Callable[[RunSummary], None]]:
    """Give a function that shows a summary; what was done is shown even where a pipeline failed."""

    def show(summary: RunSummary) -> None:
        show_summary(summary, as_json=as_json)

    try:
        yield show
    except DtedaskError as error:
        summary: Any = getattr(error, "summary", None)
        if summary is not None:
            show_summary(summary, as_json=as_json)
        raise


def _say_beginning(begin: Beginning) -> None:
    if begin.checkpoint is not None:
        say(f"Going on behind {plural(begin.seen, 'message')}; the state is of {begin.checkpoint.time[:19]}Z.")


def _show_beginning(plan: Plan, source: AtRest, resume: Resume, *, as_json: bool) -> None:
    from dtedask.pipeline.runs.running import beginning_of, checkpoints_of

    begin = beginning_of(plan, source.identity, checkpoints_of(plan, plan.document.checkpoint), resume)
    if not as_json:
        _say_beginning(begin)
    show_plan(plan, source.total, as_json=as_json, goes_on_behind=begin.seen)
