"""The reference of recipes names every key."""

import re
from pathlib import Path

from dtedask.recipe import DemoForecast, Input, Keep, Recipe, TimeSeries

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "recipes.md"


def test_every_key_is_in_the_reference_and_no_other():
    text = PAGE.read_text()
    documented = [
        key for row in re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)
    ]
    models = (Recipe, Input, DemoForecast, TimeSeries, Keep)
    known = [info.alias or name for model in models for name, info in model.model_fields.items()]
    assert sorted(documented) == sorted(known)
