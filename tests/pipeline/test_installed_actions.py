"""Actions of installed packages stand in plans as ours do."""

import sys

import pytest

from dtedask.core import registry
from dtedask.core.errors import DocumentError
from dtedask.pipeline import Plan
from dtedask.pipeline.documents.document import plan_schema

MODULE = """
from dtedask.pipeline import Action, ActionOptions


class TwiceOptions(ActionOptions):
    \"\"\"How much.\"\"\"

    factor: float = 2.0
    \"\"\"What values are multiplied by.\"\"\"


class Twice(Action):
    \"\"\"Multiplies.\"\"\"

    Options = TwiceOptions

    def handle(self, message, state, compute):
        yield message
"""
ENTRY_POINTS = """
[dtedask.actions]
twice = actions_of_a_user:Twice
broken = actions_of_a_user:Missing
absent = no_such_package_of_a_user:Missing
"""


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    """A package that brings actions, installed in a folder of its own."""
    (tmp_path / "actions_of_a_user.py").write_text(MODULE)
    info = tmp_path / "actions_of_a_user-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: actions-of-a-user\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.installed.cache_clear()
    yield
    registry.installed.cache_clear()
    sys.modules.pop("actions_of_a_user", None)


def test_an_installed_action_stands_in_a_plan_with_its_options():
    (pipeline,) = Plan.from_yaml("actions: [{type: twice, factor: 3}]").pipelines
    assert pipeline.actions[0].options.factor == 3.0


def test_its_mistakes_have_their_line_and_the_nearest_key():
    with pytest.raises(DocumentError, match=r"<plan>:3: unknown key 'facto' in actions\[0\]\. Did you mean 'factor'\?"):
        Plan.from_yaml("actions:\n- type: twice\n  facto: 3\n")
    with pytest.raises(DocumentError, match=r"no action of the type 'twize'\. Did you mean 'twice'\?"):
        Plan.from_yaml("actions: [{type: twize}]")


@pytest.mark.parametrize(("name", "said"), [("broken", "has no attribute 'Missing'"), ("absent", "No module named")])
def test_one_that_cannot_be_loaded_is_named_with_its_package(name, said):
    with pytest.raises(DocumentError, match=rf"action '{name}' of an installed package cannot be loaded.*{said}"):
        Plan.from_yaml(f"actions: [{{type: {name}}}]")


def test_the_schema_has_it_and_leaves_out_what_cannot_be_loaded():
    found = [
        one["allOf"][1]["properties"]["type"]["const"]
        for one in plan_schema()["properties"]["actions"]["items"]["anyOf"]
    ]
    assert "twice" in found
    assert "select" in found
    assert not {"broken", "absent"} & set(found)
