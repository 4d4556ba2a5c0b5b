"""The reference of recipes names every key."""

import re
from pathlib import Path
from typing import get_args

from dtedask.core.stages import StageName
from dtedask.recipe import DemoForecast, Input, Keep, Recipe, RecipePipeline, RecipeProducts, Report, TimeSeries
from dtedask.recipe.report.document import (
    ReportedCluster,
    ReportedInput,
    ReportedMemory,
    ReportedRecipe,
    ReportedStage,
    ReportedTasks,
    ReportedWork,
    ReportedWorker,
)

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "recipes.md"


def test_every_key_is_in_the_reference_and_no_other():
    text = PAGE.read_text()
    documented = [
        key for row in re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)
    ]
    models = (Recipe, Input, DemoForecast, TimeSeries, RecipePipeline, RecipeProducts, Keep)
    known = [info.alias or name for model in models for name, info in model.model_fields.items()]
    assert sorted(documented) == sorted(known)


def test_every_key_of_a_run_report_is_in_the_reference():
    text = (PAGE.parent / "run-report.md").read_text()
    named = set(re.findall(r"`(\w+)`", text))
    parts = (Report, ReportedWork, ReportedWorker, ReportedCluster, ReportedMemory, ReportedInput, ReportedTasks)
    assert {name for part in (*parts, ReportedStage, ReportedRecipe) for name in part.model_fields} <= named
    stages = set(re.findall(r"^\| `(\w+)` \| ", text.partition("## Stages")[2], re.MULTILINE))
    assert stages == {*get_args(StageName), "other"}
