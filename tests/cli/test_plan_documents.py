"""`dtedask plan check`, `explain`, `schema` and `list`."""

import json

import pytest

GOOD = "name: small\ndescription: It prints.\nactions: [{type: select, match: [{levelist: 500}]}, {type: print}]\n"


@pytest.fixture
def plan(here):
    path = here / "small.yaml"
    path.write_text(GOOD)
    return path


def test_check_says_of_each_file_whether_it_is_good_and_ends_with_2_where_one_is_not(run, plan, here):
    (here / "bad.yaml").write_text("actions:\n- {type: print, perfix: a}\n")
    done = run("plan check small.yaml bad.yaml")
    assert done.status == 2
    assert done.out == "small.yaml: good, 1 pipeline: small\n"
    assert "bad.yaml:2: unknown key 'perfix' in actions[0]" in done.err
    assert "Did you mean 'prefix'?" in done.err


def test_check_tries_every_section_of_a_file_without_a_client(run, here):
    (here / "two.yaml").write_text(
        "a: {plans: [{actions: [{type: print}]}]}\nb: {plans: [{actions: [{type: print}]}]}\n"
    )
    assert run("plan check two.yaml").out == "two.yaml: good, 2 pipelines: plan-1, plan-1\n"


def test_explain_says_what_is_taken_of_an_input(run, plan, grib):
    done = run("plan explain small.yaml --input", grib / "forecast.grib2")
    assert "input: 4 fields\n" in done.out
    assert "  takes 2 fields\n    class=ea,stream=enda,expver=0001,type=an" in done.out
    (found,) = run("plan explain small.yaml --json --input", grib / "forecast.grib2").lines
    assert (found["fields"], found["pipelines"][0]["fields"]) == (4, 2)


@pytest.mark.parametrize(("kind", "first"), [("mermaid", "flowchart LR"), ("dot", 'digraph "small" {')])
def test_explain_draws_the_graph(run, plan, kind, first):
    assert run(f"plan explain small.yaml --graph {kind}").out.splitlines()[0] == first


def test_list_shows_the_plans_of_a_folder(run, plan):
    assert run("plan list .").out.splitlines()[1].split() == ["small.yaml", "small", "1", "It", "prints."]
    (row,) = run("plan list . --json").lines
    assert row == {"file": "small.yaml", "name": "small", "pipelines": 1, "description": "It prints."}
    assert run("plan list nowhere").status == 2


@pytest.mark.slow
def test_the_schema_takes_good_plans_and_refuses_others(run):
    import jsonschema
    import yaml

    schema = json.loads(run("plan schema").out)
    validator = jsonschema.validators.validator_for(schema)(schema)
    validator.check_schema(schema)
    validator.validate(yaml.safe_load(GOOD))
    for wrong in ("actions: [{type: prin}]", "actions: [{type: print, perfix: a}]", "actons: []"):
        with pytest.raises(jsonschema.ValidationError, match="not valid under any|is not of type"):
            validator.validate(yaml.safe_load(wrong))
