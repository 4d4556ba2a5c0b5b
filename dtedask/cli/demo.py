"""`dtedask demo`: a forecast arrives, step by step, in a cube."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, plural, say
from dtedask.cli.options import Cluster, DryRun
from dtedask.core.errors import MissingExtraError

if TYPE_CHECKING:
    from dtedask.ingest import Summary
    from dtedask.notify import Event
    from dtedask.recipe import Recipe, RunReport

ROOT, CATALOG = "demo-data", "catalogs/demo.yaml"
_WIDTH = 100


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(group, "demo", demo, "dtedask demo", "dtedask demo --root somewhere/else")


def demo(
    root: Annotated[str, typer.Option("--root", metavar="ROOT", help="Where to write.", show_default=True)] = ROOT,
    cluster: Cluster = None,
    dry_run: DryRun = False,
) -> None:
    """Show the main job: a made forecast arrives, step by step, in a cube; each commit is announced.

    Running it twice changes nothing the second time.
    """
    show = _Show()
    recipe = _recipe(root, show)
    if dry_run:
        from dtedask.cli.recipe import show_plan

        show_plan(recipe, cluster)
        return
    from dtedask.recipe import run_recipe

    _introduce(recipe)
    report = run_recipe(recipe, cluster=cluster, on_unit=show.step)
    _show_dataset(report)
    _draw_map(root)
    _show_next(root, report)


def _recipe(root: str, show: _Show) -> Recipe:
    from dtedask.recipe import load_recipe

    document: dict[str, Any] = {
        "name": "demo",
        "input": {"demo": {}},
        "root": root,
        "listeners": [
            {"name": "demo", "request": {"param": "2t"}, "triggers": [{"type": "function", "function": show.notice}]}
        ],
    }
    if root == ROOT and _is_checkout(Path()):
        document["catalog"] = CATALOG
    return load_recipe(document)


def _is_checkout(folder: Path) -> bool:
    return (folder / "recipes" / "demo.yaml").is_file() and (folder / "pyproject.toml").is_file()


def _introduce(recipe: Recipe) -> None:
    forecast = recipe.input.demo
    assert forecast is not None
    count = f"{plural(forecast.members, 'member')} and {plural(len(forecast.steps), 'step')}"
    emit(f"A made forecast of {count} arrives, as from a running model. Each step is one")
    emit("commit, which readers see as a whole or not at all. A listener asked for notices of param=2t.")
    emit()


class _Show:
    """Shows commits and notices, in the order in which they happen."""

    def __init__(self) -> None:
        self._notices: list[Event] = []

    def notice(self, event: Event) -> None:
        """Trigger of the listener."""
        self._notices.append(event)

    def step(self, step: Summary) -> None:
        """After the commits of a step and their notices."""
        for commit in step.commits:
            emit(
                f"commit  {commit.cube}@{commit.sequence}  {commit.message.removeprefix('demo: '):<8}"
                f" {plural(commit.fields, 'field')}, snapshot {commit.snapshot}, {step.seconds:.2f} s"
            )
        for event in self._notices:
            keys = ", ".join(f"{key}={event.keys[key]}" for key in ("type", "step", "number") if key in event.keys)
            emit(f"  notice  {event.id}  {event.variable}: {keys} can be read")
        self._notices.clear()
        for failure in step.hook_failures:
            say(f"A plug-in failed: {failure}")


def _show_dataset(report: RunReport) -> None:
    from dtedask.store import open as open_store

    summary = report.summary
    if not summary.commits:
        emit(f"Nothing changed: {report.root} holds all {summary.unchanged} fields already, value by value.")
    else:
        emit()
        emit(f"{plural(summary.new, 'field')} in {plural(len(summary.commits), 'commit')}. As a dataset:")
    emit()
    for line in repr(open_store(report.root).retrieve("class=rd,expver=demo,levtype=pl")).splitlines():
        emit(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}...")


def _draw_map(root: str) -> None:
    """Draw temperature and height of the last step beside the root; nothing where matplotlib is missing."""
    if "://" in root:
        return
    try:
        from dtedask.plot import save
    except MissingExtraError:
        return
    from dtedask.store import open as open_store

    picture = f"{root.rstrip('/')}.png"
    fields = open_store(root).retrieve("class=rd,expver=demo,levtype=pl,levelist=500,number=1,step=24")
    save(fields[["t"]], picture, over=fields[["z"]], area=(80, -90, 20, 60), projection="lambert")
    emit()
    emit(f"As a map, temperature and height at 500 hPa: {os.path.relpath(picture)}")


def _show_next(root: str, report: RunReport) -> None:
    dtedask, python = _program("dtedask"), _program("python")
    catalog = os.path.relpath(str(report.catalog))
    emit()
    emit("Try next:")
    emit(f"  {dtedask} store axes --root {root} levtype=sfc")
    emit(f"  {dtedask} store retrieve --root {root} param=t,levelist=500,step=24,number=1/2 --to t500.nc")
    emit(f"  {dtedask} plot --root {root} param=10u/10v,step=24,number=1 --to wind.png")
    emit(f"  {dtedask} catalog list --catalog {catalog}")
    emit("and in Python:")
    emit(f"  {python} -c \"import dtedask; print(dtedask.open('{root}').retrieve('param=2t'))\"")


def _program(name: str) -> str:
    """How to call a program of this environment from the current folder."""
    ours = Path(sys.executable).parent / name
    found = shutil.which(name)
    if found is not None and Path(found).resolve() == ours.resolve() and Path(found).parent == ours.parent:
        return name
    relative = os.path.relpath(ours)
    return str(ours) if relative.startswith("..") else relative
