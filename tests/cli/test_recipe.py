"""`dtedask recipe`."""

import pytest

SMALL = "name: small\ninput: {demo: {steps: [0, 6], members: 1, levels: [500], degrees: 30}}\nroot: r\n"
LISTENER = "listeners: [{request: {param: 2t}, triggers: [{type: echo}]}]\n"


@pytest.fixture
def recipe(here):
    path = here / "small.yaml"
    path.write_text(SMALL + LISTENER)
    return path


@pytest.mark.slow
def test_a_run_writes_what_listeners_say_and_a_summary(run, recipe, here):
    done = run("recipe run small.yaml")
    assert done.status == 0
    assert [line.split(" ")[1] for line in done.out.splitlines()[:2]] == ["rd/enfo/demo@1.7", "rd/enfo/demo@2.7"]
    assert "20 new" in done.out.splitlines()[-1]
    assert "catalog.yaml" in done.err
    assert "nothing has changed" in run("recipe run small.yaml").out


@pytest.mark.slow
def test_with_json_standard_output_is_one_object(run, recipe):
    done = run("recipe run small.yaml --json")
    assert (len(done.lines), done.lines[0]["new"]) == (1, 20)
    assert " 2t: " in done.err


@pytest.mark.parametrize("line", ["recipe plan small.yaml --json", "recipe run small.yaml --dry-run --json"])
def test_a_plan_is_shown_and_nothing_is_written(run, recipe, here, line):
    (plan,) = run(line).lines
    assert (plan["fields"], plan["chunks"], plan["cluster"]) == (20, 20, "local")
    assert plan["memory_bytes"] > 0
    assert [path.name for path in here.iterdir()] == ["small.yaml"]


def test_a_plan_that_does_not_fit_into_memory_says_both_numbers(run, recipe):
    import dask.config

    with dask.config.set({"dtedask.ingest.memory-limit": 1000}):
        done = run("recipe plan small.yaml")
    assert done.status == 1
    assert "fields" in done.out
    assert "more than its limit of" in done.err


def test_values_can_be_replaced(run, recipe, here):
    assert run("recipe run small.yaml --set root=other --set catalog=false --set input.demo.steps=[0]").status == 0
    assert (here / "other" / "rd").is_dir()
    assert not (here / "other" / "catalog.yaml").exists()


def test_each_recipe_is_checked_and_one_that_is_wrong_does_not_hide_the_others(run, recipe, here):
    (here / "wrong.yaml").write_text(SMALL.replace("root", "rot"))
    done = run("recipe check wrong.yaml small.yaml")
    assert (done.status, done.out) == (2, "small.yaml: good\n")
    assert "wrong.yaml:3: unknown key 'rot'. Did you mean 'root'?" in done.err


def test_a_requirement_that_is_broken_is_named_with_its_line_in_the_recipe(run, recipe):
    orders = "- {name: first, param: 2t}\n  - {name: second, param: 2t, gird: 1/1}"
    recipe.write_text(f"{SMALL}products:\n  output: out\n  requirements:\n  {orders}\n")
    done = run("recipe check small.yaml")
    assert (done.status, done.out) == (2, "")
    line = len(recipe.read_text().splitlines())
    assert f"small.yaml:{line}: unknown key 'gird'." in done.err
    assert "first" not in done.err


def test_the_recipes_of_a_folder_are_listed(run, recipe):
    assert [found["name"] for found in run("recipe list . --json").lines] == ["small"]
    assert run("recipe list nowhere").status == 2


@pytest.mark.slow
def test_a_failed_trigger_fails_the_command_and_leaves_the_data(run, recipe):
    recipe.write_text(SMALL + "listeners: [{triggers: [{type: command, command: 'false'}]}]\n")
    done = run("recipe run small.yaml --json")
    assert (done.status, done.lines[0]["new"]) == (1, 20)
    assert done.lines[0]["hook_failures"]
    assert "Traceback" not in done.err
