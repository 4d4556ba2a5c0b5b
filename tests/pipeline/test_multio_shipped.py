"""The plan files that MultIO ships are read as they are."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest
import yaml

from dtedask.core.errors import DocumentError
from dtedask.pipeline.documents.document import plan_schema, read_plan
from dtedask.pipeline.documents.reference_examples import EXAMPLES

SHIPPED = Path(find_spec("multiolib").origin).parent / "share"
PLANS = sorted([*(SHIPPED / "multio/config").glob("*.yaml"), *(SHIPPED / "multiom/plans").glob("*.yaml")])
REFUSED = {
    "multio-server-multio-model-proposal.yaml": "There is no action of the type 'aggregat'",  # MultIO fails here, too
    "maestro-config.yaml": "There is no sink of the type 'maestro'",  # a plug-in that the wheels do not have either
}


@pytest.fixture(scope="module")
def schema():
    return jsonschema.Draft202012Validator(plan_schema())


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.name)
def test_a_plan_that_multio_ships_is_read_unchanged(path, monkeypatch):
    monkeypatch.setenv("CMAKE_BINARY_HOME", "/somewhere")
    wrong = REFUSED.get(path.name)
    if wrong is None:
        document = read_plan(path)
        plans = [plan for _, plans in document.lists_of_plans() for plan in plans]
        assert plans
        assert all(plan.actions for plan in plans)
    else:
        with pytest.raises(DocumentError, match=wrong):
            read_plan(path)


def test_whatever_pymultio_can_write_is_read(tmp_path):
    plans = import_module("multio.plans")
    actions = [
        plans.Select(match=[{"param": ["167"]}]),
        plans.Statistics(operations=["average", "minimum", "maximum", "accumulate", "instant"], output_frequency="1d"),
        plans.StatisticsMTG(operations=["average", "difference", "stddev"], output_frequency="1m"),
        plans.Scale(preset_mappings="local-to-wmo"),
        plans.Scale(custom_mappings=[{"param_in": 144, "param_out": 228141, "scaling": 1000.0}]),
        plans.Aggregation(),
        plans.Print(),
        plans.Print(stream="error", prefix="# ", only_fields=True),
        plans.Mask(),
        plans.Mask(apply_bitmap=False, missing_value=-1.0, offset_value=1.0),
        plans.Encode(format="raw"),
        plans.EncodeMTG(cached=True),
        plans.Sink(sinks=[plans.File(append=True, path="out.grib"), plans.FDB(config={})]),
        plans.Sink(sinks=[{"type": "debug-sink"}]),
        plans.actions.SingleField(),
        plans.Null(),
    ]
    client = plans.Client(plans=[plans.Plan(name="all", actions=actions)])
    client.write(tmp_path / "client.yaml", format="yaml")
    client.write(tmp_path / "client.json.yaml", format="json")
    for name in ("client.yaml", "client.json.yaml"):
        (plan,) = read_plan(tmp_path / name).plans
        assert [action.type for action in plan.actions[:6]] == [
            "select",
            "statistics",
            "statistics-mtg2",
            "scale",
            "scale",
            "aggregate",
        ]
        assert len(plan.actions) == len(actions)


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in PLANS if path.name not in REFUSED], ids=lambda path: path.name)
def test_a_plan_that_multio_ships_fits_the_schema_once_types_are_in_small_letters(path, schema):
    text = re.sub(r"(?<=type: )[A-Z]", lambda letter: letter[0].lower(), path.read_text())
    schema.validate(yaml.safe_load(text))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_an_action_fits_the_schema(name, schema):
    schema.validate({"actions": [yaml.safe_load(EXAMPLES[name])]})
