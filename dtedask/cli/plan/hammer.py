"""`dtedask plan hammer`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, plural
from dtedask.cli.options import DryRun, Json
from dtedask.cli.plan.showing import show_plan
from dtedask.core.errors import InvalidValueError


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "hammer",
        hammer,
        "dtedask plan hammer plan.yaml --members 4 --clients 4 --steps 6",
        "dtedask plan hammer plan.yaml --clients 3 --domains structured --levels 10",
    )


def hammer(  # noqa: PLR0913 - of a command line
    plan: Annotated[str, typer.Argument(help="The plan, a YAML file.", metavar="PLAN")],
    *,
    clients: Annotated[int, typer.Option(help="Threads that write side by side.", min=1)] = 1,
    members: Annotated[int, typer.Option(help="Members of the ensemble.", min=1)] = 1,
    levels: Annotated[int, typer.Option(help="Model levels.", min=1)] = 1,
    params: Annotated[int, typer.Option(help="Parameters.", min=1)] = 1,
    steps: Annotated[int, typer.Option(help="Hourly steps.", min=1)] = 24,
    size: Annotated[str, typer.Option(help="Rows and columns of a field.", metavar="ROWSxCOLUMNS")] = "181x360",
    domains: Annotated[
        Literal["none", "unstructured", "structured"],
        typer.Option(help="Let each client write its part of every field, not the whole fields of its members."),
    ] = "none",
    precision: Annotated[Literal["double", "single"], typer.Option(help="What the model computes in.")] = "double",
    seed: Annotated[int, typer.Option(help="Of the random numbers that fields hold.", min=0)] = 0,
    output: Annotated[
        str, typer.Option("--output", metavar="ROOT", help="Root that sinks of the type cube write to.")
    ] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write a made model run into a plan, and say how many fields a second it took."""
    from dtedask.pipeline import Plan
    from dtedask.pipeline.streams.hammer import MadeRun
    from dtedask.pipeline.streams.hammer import hammer as hammered

    run = MadeRun(
        clients=clients,
        members=members,
        levels=levels,
        params=params,
        steps=steps,
        shape=_shape(size),
        domains=domains,
        dtype="float64" if precision == "double" else "float32",
        seed=seed,
    )
    made = Plan.from_yaml(plan, output=output)
    if dry_run:
        show_plan(made, run.fields, as_json=as_json, bytes=run.fields * run.field_bytes)
        return
    done = hammered(made, run)
    if as_json:
        found = {"fields": done.fields, "bytes": done.size_bytes, "seconds": round(done.seconds, 6)}
        rates = {"fields_per_s": round(done.fields_per_s, 1), "mb_per_s": round(done.mb_per_s, 1)}
        emit_json({**found, **rates, "written": done.summary.written})
        return
    emit(
        f"{plural(done.fields, 'field')} of {size} in {done.seconds:.2f} s: {done.fields_per_s:,.0f} fields/s, "
        f"{done.mb_per_s:,.0f} MB/s; {plural(done.summary.written, 'field')} went out."
    )


def _shape(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text.strip())
    if match is None:
        raise InvalidValueError(f"{text!r} is no size of a field.", hint="Write rows and columns, such as 181x360.")
    return int(match[1]), int(match[2])
