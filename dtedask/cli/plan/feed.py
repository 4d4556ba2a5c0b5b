"""`dtedask plan feed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, plural
from dtedask.cli.options import DryRun, Json
from dtedask.cli.plan.showing import show_plan

if TYPE_CHECKING:
    from dtedask.pipeline.streams.feeding import Decode


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "feed",
        feed,
        "dtedask plan feed plan.yaml in.grib2 --decode --output data",
        "dtedask plan feed plan.yaml in.grib2 --decode --step-range 0-24",
    )


def feed(
    plan: Annotated[str, typer.Argument(help="The plan, a YAML file.", metavar="PLAN")],
    files: Annotated[list[str], typer.Argument(help="GRIB files.", metavar="FILE...")],
    *,
    decode: Annotated[bool, typer.Option("--decode", help="Decode fields: actions that compute need that.")] = False,
    single: Annotated[
        bool, typer.Option("--decode-single", help="Decode fields, and round values to single precision.")
    ] = False,
    step_range: Annotated[
        str, typer.Option("--step-range", metavar="A-B", help="Only steps from A to B, in hours.", show_default=False)
    ] = "",
    by_time: Annotated[
        bool, typer.Option("--by-time", help="Go by valid times instead of the order of the files.")
    ] = False,
    output: Annotated[
        str, typer.Option("--output", metavar="ROOT", help="Root that sinks of the type cube write to.")
    ] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Send GRIB messages into a plan as they stand in files, with a flush wherever the step changes.

    Without --decode they stay as they are, byte for byte: for plans that select, print and write.
    """
    from dtedask.pipeline import Plan
    from dtedask.pipeline.streams.feeding import check_encoded, count_fields, parse_step_range
    from dtedask.pipeline.streams.feeding import feed as messages_of

    made = Plan.from_yaml(plan, output=output)
    decoded: Decode = "single" if single else "double" if decode else "no"
    if decoded == "no":
        check_encoded(made)
    steps = parse_step_range(step_range) if step_range else None
    if dry_run:
        show_plan(made, count_fields(files, steps=steps), as_json=as_json)
        return
    summary = made.run(messages_of(files, decoded=decoded, steps=steps, by_time=by_time))
    if as_json:
        emit_json({"fields": summary.fields, "written": summary.written})
    else:
        emit(f"{plural(summary.fields, 'field')} came in, {plural(summary.written, 'field')} went out.")
