"""Recipes: one YAML file that names input, cube, listeners, cluster and catalog, and can be run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.recipe.demo import Arrival, DemoForecast
    from dtedask.recipe.document import Input, Keep, Recipe, load_recipe
    from dtedask.recipe.overrides import parse_overrides
    from dtedask.recipe.pipeline import RecipePipeline
    from dtedask.recipe.plan import RecipePlan, check_recipe, plan_recipe
    from dtedask.recipe.products import RecipeProducts
    from dtedask.recipe.report.document import Report
    from dtedask.recipe.report.files import ReportFile, list_reports, read_report, report_folder
    from dtedask.recipe.rolling import Rolled
    from dtedask.recipe.run import RunReport, run_recipe
    from dtedask.recipe.series import TimeSeries
    from dtedask.recipe.submit import RecipeJob, recipe_job

_HOMES = {
    "Arrival": "demo",
    "DemoForecast": "demo",
    "Input": "document",
    "Keep": "document",
    "Recipe": "document",
    "RecipeJob": "submit",
    "RecipePipeline": "pipeline",
    "RecipeProducts": "products",
    "RecipePlan": "plan",
    "Report": "report.document",
    "ReportFile": "report.files",
    "Rolled": "rolling",
    "RunReport": "run",
    "TimeSeries": "series",
    "check_recipe": "plan",
    "list_reports": "report.files",
    "load_recipe": "document",
    "parse_overrides": "overrides",
    "plan_recipe": "plan",
    "read_report": "report.files",
    "report_folder": "report.files",
    "recipe_job": "submit",
    "run_recipe": "run",
}

__all__ = [
    "Arrival",
    "DemoForecast",
    "Input",
    "Keep",
    "Recipe",
    "RecipeJob",
    "RecipePipeline",
    "RecipePlan",
    "RecipeProducts",
    "Report",
    "ReportFile",
    "Rolled",
    "RunReport",
    "TimeSeries",
    "check_recipe",
    "list_reports",
    "load_recipe",
    "parse_overrides",
    "plan_recipe",
    "read_report",
    "recipe_job",
    "report_folder",
    "run_recipe",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
