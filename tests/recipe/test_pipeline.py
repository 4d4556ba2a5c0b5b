"""A plan in a recipe: on the commits that it makes, in its process or on a cluster, and only what is missing."""

import pytest

import dtedask
from dtedask.core.errors import DocumentError
from dtedask.recipe import load_recipe, plan_recipe, run_recipe

DEMO = {"steps": [0, 6, 12, 18, 24], "members": 1, "levels": [500], "degrees": 30}
DAILY = [
    {"type": "select", "match": [{"levtype": "sfc", "param": "2t/msl"}]},
    {"type": "statistics", "operations": ["average", "stddev"], "output-frequency": "1d"},
    {"type": "sink", "sinks": [{"type": "cube"}]},
]


def recipe(place, **section):
    found = {"plan": {"actions": DAILY}, **section}
    return load_recipe(
        {"name": "days", "root": str(place / "data"), "catalog": False, "input": {"demo": DEMO}, "pipeline": found}
    )


def written(root, request=None):
    return {tuple(record.keys.items()): values.tobytes() for record, values in dtedask.open(root).values(request or {})}


@pytest.mark.slow
def test_a_plan_may_be_a_file_or_stand_in_the_recipe(tmp_path):
    (tmp_path / "plan.yaml").write_text("actions: [{type: select, match: [{param: 2t}]}, {type: 'null'}]\n")
    (tmp_path / "recipe.yaml").write_text("name: x\nroot: data\ninput: {demo: {}}\npipeline: plan.yaml\n")
    found = plan_recipe(load_recipe(tmp_path / "recipe.yaml"))
    assert found.pipeline == f"plan: select > null, into {tmp_path}/data"
    inline = load_recipe(
        {"name": "x", "root": "data", "input": {"demo": {}}, "pipeline": {"actions": [{"type": "null"}]}}
    )
    assert plan_recipe(inline).pipeline.startswith("x: null, into ")


def test_a_plan_that_is_wrong_is_found_before_anything_runs(tmp_path):
    (tmp_path / "plan.yaml").write_text("actions:\n  - type: selct\n")
    wrong = load_recipe({"name": "x", "root": "data", "input": {"demo": {}}, "pipeline": str(tmp_path / "plan.yaml")})
    with pytest.raises(DocumentError, match=r"plan.yaml:2: .*'selct'"):
        run_recipe(wrong)


@pytest.mark.slow
def test_results_are_none_of_the_input_and_the_same_again_does_nothing(tmp_path):
    first = run_recipe(recipe(tmp_path))
    assert (first.results.fields, first.results.written) == (5 * 10, 4)
    before = written(tmp_path / "data")
    assert run_recipe(recipe(tmp_path)).results is None
    assert written(tmp_path / "data") == before
    assert run_recipe(recipe(tmp_path, request={"param": "2t"})).results.fields == 5


@pytest.mark.slow
def test_workers_give_what_the_process_gives(tmp_path):
    run_recipe(recipe(tmp_path / "here"))
    report = run_recipe(recipe(tmp_path / "there"), cluster="local-cluster")
    assert report.results.written == 4
    request = {"levtype": "sfc", "timespan": "24h"}
    assert written(tmp_path / "there/data", request) == written(tmp_path / "here/data", request) != {}
    assert run_recipe(recipe(tmp_path / "there"), cluster="local-cluster").results is None
