"""`dtedask recipe report` and `runs`: what earlier runs did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_mapping, emit_table, plural, show_warning, size
from dtedask.cli.options import Json, JsonLines
from dtedask.core.errors import DocumentError, NoMatchError

if TYPE_CHECKING:
    from dtedask.recipe import Report, ReportFile
    from dtedask.recipe.report.document import ReportedWorker

Where = Annotated[
    str | None,
    typer.Argument(
        help="A recipe, a folder of reports or the root beside it; without it the root that commands use.",
        metavar="[RECIPE|FOLDER]",
        show_default=False,
    ),
]
Which = Annotated[
    str | None,
    typer.Argument(
        help="A report, or whose newest: a recipe, a folder of reports or the root beside it.",
        metavar="[FILE|RECIPE|FOLDER]",
        show_default=False,
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe, as when it ran."),
]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(group, "report", report, "dtedask recipe report", "dtedask recipe report data/runs --json")
    add(group, "runs", runs, "dtedask recipe runs data")


def report(
    which: Which = None,
    overrides: Set = None,
    *,
    open_path: Annotated[
        bool, typer.Option("--open-path", help="Print where the page is, as in: firefox $(...).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the report of a run: what it did, where its time went, what went wrong. By default the newest."""
    file = _file(which, overrides)
    if open_path:
        emit(str(file.page))
    elif as_json:
        emit_json(file.read().model_dump(mode="json"))
    else:
        emit_mapping(_texts(file.read(), file.page))


def runs(where: Where = None, overrides: Set = None, *, as_json: JsonLines = False) -> None:
    """List earlier runs, newest first."""
    found = list(_readable(_files(where, overrides)))
    if as_json:
        for file, one in found:
            emit_json(_object(file, one))
        return
    columns = ("begin", "recipe", "status", "time", "fields", "bytes", "again", "lost", "report")
    emit_table(columns, (_row(file, one) for file, one in found), right=columns[3:8])


def _file(which: str | None, overrides: list[str] | None) -> ReportFile:
    from dtedask.recipe import read_report
    from dtedask.recipe.report.files import ReportFile

    if which is not None and which.endswith((".json", ".html")):
        path = Path(which).with_suffix(".json")
        return ReportFile(path, read_report(path).begin)
    return _files(which, overrides)[0]


def _files(where: str | None, overrides: list[str] | None) -> list[ReportFile]:
    """Reports that are meant, newest first; at least one."""
    from dtedask.recipe import list_reports

    folder, recipe = _folder(where, overrides)
    found = list_reports(folder, recipe) if folder is not None else []
    if not found:
        place = f"in {str(folder)!r}" if folder is not None else "beside a catalog, or in a folder that is named"
        of = f" of the recipe {recipe!r}" if recipe else ""
        raise NoMatchError(f"There is no run report{of} {place}.", hint="`dtedask recipe run` leaves one.")
    return found


def _folder(where: str | None, overrides: list[str] | None) -> tuple[Path | None, str | None]:
    """Folder of reports, and the name of the recipe if only those of one are meant."""
    from dtedask.recipe.report.files import FOLDER, root_folder

    if where is None or "://" in where:
        return root_folder(where), None
    path = Path(where).absolute()
    if path.is_dir():
        below = path / FOLDER
        return (below if below.is_dir() else path), None
    if not path.exists():
        raise DocumentError(f"There is no {where!r}.", hint="Name a recipe, a report or a folder of reports.")
    from dtedask.cli.recipe import load
    from dtedask.recipe import report_folder

    recipe = load(where, overrides)
    return report_folder(recipe), recipe.name


def _readable(files: list[ReportFile]) -> Iterator[tuple[ReportFile, Report]]:
    for file in files:
        try:
            yield file, file.read()
        except DocumentError as error:  # of another version, or damaged: it does not hide the others
            show_warning(error.message)


def _row(file: ReportFile, report: Report) -> tuple[object, ...]:
    work = report.work
    return (
        f"{report.begin:%Y-%m-%d %H:%M:%S}",
        report.recipe.name,
        report.status if report.error is None else f"{report.status}: {report.error.code}",
        f"{report.seconds:.1f} s",
        f"{work.fields:,}",
        size(work.bytes),
        report.retries,
        report.lost_workers,
        file.path,
    )


def _object(file: ReportFile, report: Report) -> dict[str, object]:
    return {
        "recipe": report.recipe.name,
        "begin": report.begin.isoformat(),
        "status": report.status,
        "error": report.error.code if report.error else None,
        "seconds": report.seconds,
        "fields": report.work.fields,
        "bytes": report.work.bytes,
        "retries": report.retries,
        "lost_workers": report.lost_workers,
        "file": str(file.path),
    }


def _texts(report: Report, page: Path) -> dict[str, object]:
    work, memory, recipe = report.work, report.memory, report.recipe
    counts = f"{work.new:,} new, {work.replaced:,} replaced, {work.unchanged:,} unchanged"
    worker = f", of a worker {size(memory.worker_peak_bytes)}" if memory.worker_peak_bytes is not None else ""
    texts: dict[str, object] = {
        "recipe": f"{recipe.name} ({recipe.file or 'given without a file'})",
        "overrides": "\n".join(f"{key}={value}" for key, value in recipe.overrides.items()),
        "root": recipe.root,
        "status": report.status,
        "error": _error(report),
        "begin": f"{report.begin:%Y-%m-%d %H:%M:%S} UTC, by {report.user} on {report.host}",
        "time": f"{report.seconds:.1f} s",
        "cluster": _cluster(report),
        "fields": f"{work.fields:,}: {counts}",
        "bytes": f"{size(work.bytes)} from {plural(work.files, 'file')}, {size(work.bytes_per_s)}/s",
        "commits": f"{work.commit_count:,}",
        "stages": "\n".join(f"{stage.name} {stage.seconds:.2f} s" for stage in report.stages),
        "tasks": "\n".join(f"{one.name} {one.done:,} in {one.seconds:.1f} s" for one in report.tasks),
        "done again": plural(report.retries, "task"),
        "lost workers": "\n".join(_lost(one) for one in report.cluster.workers if one.lost) or "none",
        "peak memory": f"of the driver {size(memory.driver_peak_bytes)}{worker}",
        "skipped": _some([f"{one.file} at {one.offset}: {one.reason}" for one in report.skipped], report.skipped_count),
        "failed": _some([f"{one.file}: {one.reason}" for one in report.failed], len(report.failed)),
        "plug-ins": _some(report.hook_failures, len(report.hook_failures)),
        "warnings": _some(report.warnings, report.warning_count),
        "page": page,
    }
    return {key: text for key, text in texts.items() if text != ""}


def _error(report: Report) -> str:
    if report.error is None:
        return ""
    return "\n".join(line for line in (report.error.message, report.error.hint) if line)


def _cluster(report: Report) -> str:
    cluster = report.cluster
    if cluster.workers_wanted is None:
        return f"{cluster.profile} ({cluster.kind})"
    count = f"{cluster.workers_most} of {cluster.workers_wanted} workers at once"
    if not cluster.is_complete:
        count += ", as far as is known: the scheduler was gone at the end"
    return f"{cluster.profile} ({cluster.kind}), {count}"


def _lost(worker: ReportedWorker) -> str:
    log = f"; its log is {worker.log}" if worker.log else ""
    return f"{worker.name} on {worker.host}: {worker.reason}{log}"


def _some(lines: list[str], count: int, most: int = 5) -> str:
    more = [f"and {count - most:,} more"] if count > most else []
    return "\n".join([*lines[:most], *more])
