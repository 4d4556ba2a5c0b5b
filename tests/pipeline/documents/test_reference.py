"""The reference of actions: up to date, and every example is an action."""

from pathlib import Path

import pytest

from dtedask.pipeline import Plan
from dtedask.pipeline.action import action_types
from dtedask.pipeline.documents.reference import reference
from dtedask.pipeline.documents.reference_examples import EXAMPLES

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "actions.md"


def test_the_page_is_what_the_models_say():
    command = "python -m dtedask.pipeline.documents.reference > docs/reference/actions.md"
    assert PAGE.read_text() == reference(), f"write it anew: {command}"


def test_every_action_has_an_example():
    assert EXAMPLES.keys() == {name for name, place in action_types().items() if place.startswith("dtedask.")}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_a_plan(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.yaml").write_text("actions:\n  -" + EXAMPLES[name].rstrip().replace("\n", "\n    ")[4:] + "\n")
    (pipeline,) = Plan.from_yaml(tmp_path / "plan.yaml", output=str(tmp_path / "data")).pipelines
    assert pipeline.actions[0].options.type == name
    assert pipeline.actions[0].explain().count("\n") == 0
