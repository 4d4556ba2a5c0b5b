"""`dtedask recipe`: run what a document describes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli import recipe_reports, recipe_submit
from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_mapping, emit_table, plural, say
from dtedask.cli.options import Cluster, DryRun, Json, JsonLines, Performance
from dtedask.core.errors import DocumentError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from threading import Event

    from dtedask.recipe import Recipe, RecipePlan, RunReport

File = Annotated[str, typer.Argument(help="The recipe, a YAML file.", metavar="FILE")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe, as in input.unit=file."),
]


_NO_REPORT = "No run report: there is no catalog on disk beside which to leave it; name a folder by --report."


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "run",
        run,
        "dtedask recipe run recipes/demo.yaml",
        "dtedask recipe run recipes/ensemble-analyses.yaml --set root=data --set input.files=more",
        "dtedask recipe run recipes/demo.yaml --cluster local-cluster --performance-report performance.html",
    )
    add(group, "plan", plan, "dtedask recipe plan recipes/demo.yaml --json")
    add(group, "check", check, "dtedask recipe check recipes/demo.yaml recipes/watch-folder.yaml")
    recipe_submit.add_to(group)
    recipe_reports.add_to(group)
    add(
        group,
        "schema",
        schema,
        "dtedask recipe schema > recipe.schema.json",
        "dtedask recipe schema --report > report.schema.json",
    )
    add(group, "list", list_recipes, "dtedask recipe list recipes")


def run(
    file: File,
    overrides: Set = None,
    *,
    cluster: Cluster = None,
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="FOLDER", help="Where the run report goes; by default beside the catalog."),
    ] = None,
    performance: Performance = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Run a recipe: ingest its input, tell its listeners, make its time series, keep its catalog.

    A recipe that watches a folder runs until Ctrl-C. However it ends, a report of the run is left beside the catalog.
    With --json, one object that sums it up.
    """
    recipe = load(file, overrides)
    if dry_run:
        show_plan(recipe, cluster, as_json=as_json)
        return
    run_and_show(recipe, cluster, as_json=as_json, report=report, performance_report=performance)


def run_and_show(
    recipe: Recipe,
    cluster: str | None = None,
    *,
    as_json: bool = False,
    stopping: AbstractContextManager[Event] | None = None,
    **options: Any,
) -> None:
    """Run a recipe and show what it did.

    Parameters
    ----------
    recipe : Recipe
        What to run.
    cluster : str, optional
        Profile to run on instead of its own.
    as_json : bool
        Whether standard output is to hold one JSON object.
    stopping : context manager, optional
        Gives the event that ends the run; by default a signal sets it where folders are watched, and ends others.
    **options
        As for `dtedask.recipe.run_recipe`.
    """
    from dtedask.cli.ingest import showing

    with showing(recipe.root, as_json=as_json) as show:
        report = _run(recipe, cluster, as_json=as_json, stopping=stopping, **options)
        if report.rolled and not as_json:
            say(f"Rolled: {report.rolled}.")
        if report.catalog and not as_json:
            say(f"Catalog: {report.catalog}")
        if report.results and not as_json:
            say(f"Plan: {plural(report.results.fields, 'field')} in, {plural(report.results.written, 'field')} out.")
        if report.products and not as_json:
            say(str(report.products))
        for made in report.series:
            say(f"Series: {made}")
        if not as_json:
            say(f"Report: {report.report}" if report.report else _NO_REPORT)
        show(report.summary)


def plan(file: File, overrides: Set = None, *, cluster: Cluster = None, as_json: Json = False) -> None:
    """Say what a recipe would do: fields, bytes, chunks, tasks and memory. Nothing is written."""
    show_plan(load(file, overrides), cluster, as_json=as_json)


def check(files: Annotated[list[str], typer.Argument(help="Recipes.", metavar="FILE")], overrides: Set = None) -> None:
    """Check recipes: every key and value, and whether the input is there."""
    from dtedask.cli.console import show_error
    from dtedask.core.errors import DtedaskError
    from dtedask.recipe import check_recipe

    wrong = 0
    for file in files:
        try:
            recipe = load(file, overrides)
            check_recipe(recipe)
            if recipe.products is not None:
                recipe.products.check(recipe)
            emit(f"{file}: good")
        except DtedaskError as error:
            wrong = error.exit_status
            show_error(error.message, error.hint)
    if wrong:
        raise typer.Exit(wrong)


def schema(
    of_report: Annotated[bool, typer.Option("--report", help="That of run reports.")] = False,
) -> None:
    """Print the JSON schema of recipes, for editors."""
    from dtedask.recipe import Recipe, Report

    emit_json(Report.model_json_schema(mode="serialization") if of_report else Recipe.json_schema(), indent=2)


def list_recipes(
    folder: Annotated[str, typer.Argument(help="Where to look.", metavar="FOLDER")] = "recipes",
    as_json: JsonLines = False,
) -> None:
    """List the recipes in a folder."""
    from dtedask.recipe import load_recipe

    if not Path(folder).is_dir():
        raise DocumentError(f"There is no folder {folder!r}.", hint="Name the folder that holds recipes.")
    found = [(path, load_recipe(path)) for path in sorted(Path(folder).glob("*.y*ml"))]
    if as_json:
        for path, recipe in found:
            emit_json({"file": str(path), "name": recipe.name, "description": recipe.description, "root": recipe.root})
        return
    emit_table(("file", "name", "description"), ((path, recipe.name, recipe.description) for path, recipe in found))


def load(file: str, overrides: list[str] | None) -> Recipe:
    """Read a recipe, with the values of --set."""
    from dtedask.recipe import load_recipe, parse_overrides

    return load_recipe(Path(file), parse_overrides(overrides or []))


def _run(
    recipe: Recipe,
    cluster: str | None,
    *,
    as_json: bool,
    stopping: AbstractContextManager[Event] | None,
    **options: Any,
) -> RunReport:
    from dtedask.cli.progress import progress
    from dtedask.cli.running import interrupted_by_sigterm, listeners_on_stderr, stop_on_signal
    from dtedask.recipe import run_recipe

    waits = recipe.input.watch
    if waits:
        say(f"Watching {recipe.input.files[0]}" + ("." if stopping else "; Ctrl-C ends it."))
    with (
        listeners_on_stderr(wanted=as_json),
        progress(is_live=not waits) as display,
        stopping or (stop_on_signal() if waits else interrupted_by_sigterm()) as stop,
    ):
        return run_recipe(
            recipe,
            cluster=cluster,
            on_progress=display.on_progress,
            on_unit=lambda unit: say(str(unit)),
            on_client=display.on_client,
            stop=stop,
            **options,
        )


def show_plan(recipe: Recipe, cluster: str | None, *, as_json: bool = False) -> None:
    """Show what a recipe would do; raise if memory does not suffice."""
    from dtedask.recipe import plan_recipe

    found = plan_recipe(recipe, cluster=cluster)
    if as_json:
        emit_json(_plan_object(found))
    else:
        emit_mapping(_plan_texts(found))
    found.ingest.check()


def _plan_object(plan: RecipePlan) -> dict[str, object]:
    from dtedask.cli.summary import plan_object

    names = ("recipe", "root", "cluster", "sources", "catalog", "listeners", "series", "pipeline", "products")
    return {name: getattr(plan, name) for name in names} | plan_object(plan.ingest)


def _plan_texts(plan: RecipePlan) -> dict[str, object]:
    from dtedask.cli.summary import plan_texts

    return {
        "recipe": plan.recipe,
        "input": "\n".join(plan.sources),
        "root": plan.root,
        "cluster": plan.cluster,
        "catalog": plan.catalog or "none",
        "listeners": "\n".join(plan.listeners) or "none",
        "series": plan.series or "none",
        "pipeline": plan.pipeline or "none",
        "products": plan.products or "none",
        **plan_texts(plan.ingest),
    }
