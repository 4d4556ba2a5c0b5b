"""Recipes run: every one of recipes/, and what a run promises."""

import threading

import dask.config
import pytest

import dtedask
from dtedask.catalog import entries
from dtedask.core.errors import DocumentError, SettingError
from dtedask.core.stages import StageTimes, listening_to_stages
from dtedask.notify import open_log
from dtedask.recipe import check_recipe, load_recipe, plan_recipe, run_recipe

SMALL = {"steps": [0, 6], "members": 2, "levels": [500], "degrees": 30}
FIELDS = 2 * 2 * 10


def small(root, **more):
    return load_recipe({"name": "small", "input": {"demo": SMALL}, "root": str(root), **more})


@pytest.mark.slow
def test_each_step_is_a_commit_that_the_listeners_hear_of(tmp_path):
    heard, units = [], []
    trigger = {"type": "function", "function": lambda event: heard.append(event.keys["step"])}
    recipe = small(tmp_path / "r", listeners=[{"request": {"param": "2t", "number": 1}, "triggers": [trigger]}])
    report = run_recipe(recipe, on_unit=units.append)
    assert report.summary.new == FIELDS
    assert [commit.message for commit in report.summary.commits] == ["small: step 0", "small: step 6"]
    assert heard == ["0", "6"]
    assert [unit.new for unit in units] == [FIELDS // 2, FIELDS // 2]


@pytest.mark.slow
def test_the_second_run_changes_nothing(tmp_path):
    run_recipe(small(tmp_path / "r"))
    again = run_recipe(small(tmp_path / "r"))
    assert again.summary.is_unchanged
    assert again.summary.commits == ()
    assert len(dtedask.open(tmp_path / "r").history()) == 2


@pytest.mark.slow
def test_files_and_a_made_forecast_give_the_same_cube(tmp_path):
    (tmp_path / "in").mkdir()
    recipe = small(tmp_path / "a")
    for arrival in recipe.input.demo.arrivals():
        (tmp_path / "in" / arrival.name).write_bytes(arrival.data)
    run_recipe(recipe)
    run_recipe(load_recipe({"name": "files", "input": str(tmp_path / "in"), "root": str(tmp_path / "b")}))
    a, b = (dtedask.open(tmp_path / name) for name in "ab")
    assert [record.keys for record in a.list()] == [record.keys for record in b.list()]
    assert a.retrieve("levtype=pl").equals(b.retrieve("levtype=pl"))


@pytest.mark.slow
def test_the_catalog_stands_where_the_recipe_says(tmp_path):
    report = run_recipe(small(tmp_path / "r", catalog=str(tmp_path / "c" / "catalog.yaml")))
    assert report.catalog == str(tmp_path / "c" / "catalog.yaml")
    assert len(entries(report.catalog)) == 2
    assert not (tmp_path / "r" / "catalog.yaml").exists()


@pytest.mark.slow
def test_a_recipe_may_want_no_catalog(tmp_path):
    assert run_recipe(small(tmp_path / "r", catalog=False)).catalog is None
    assert not (tmp_path / "r" / "catalog.yaml").exists()


@pytest.mark.slow
def test_the_schema_of_the_recipe_makes_the_root(tmp_path):
    run_recipe(small(tmp_path / "r", schema={"values": {"dtype": "float64"}}))
    assert dtedask.open(tmp_path / "r").retrieve("param=2t")["2t"].dtype == "float64"


@pytest.mark.slow
def test_what_was_never_announced_is_announced_first(tmp_path):
    with dask.config.set({"dtedask.plugins.disable": ["notify"]}):
        run_recipe(small(tmp_path / "r"))
    assert open_log(tmp_path / "r").heads() == {}
    run_recipe(small(tmp_path / "r"))
    assert open_log(tmp_path / "r").heads() == {"rd/enfo/demo": 2}


@pytest.mark.slow
def test_a_stop_ends_it_after_the_step_that_is_under_way(tmp_path):
    stop = threading.Event()
    report = run_recipe(small(tmp_path / "r"), on_unit=lambda _unit: stop.set(), stop=stop)
    assert report.summary.new == FIELDS // 2


@pytest.mark.slow
def test_a_plan_counts_what_a_run_then_does_and_writes_nothing(tmp_path):
    plan = plan_recipe(small(tmp_path / "r"))
    assert not (tmp_path / "r").exists()
    assert (plan.ingest.fields, plan.ingest.chunks, plan.ingest.commits) == (FIELDS, FIELDS, 2)
    assert plan.ingest.check().memory_bytes > 0
    report = run_recipe(small(tmp_path / "r"))
    assert (report.summary.new, report.summary.bytes) == (plan.ingest.chunks, plan.ingest.bytes)


@pytest.mark.parametrize("act", [check_recipe, plan_recipe, run_recipe])
def test_missing_input_is_said_with_what_to_do(tmp_path, act):
    path = tmp_path / "recipe.yaml"
    path.write_text("name: x\ninput: ${NO_SUCH_DATA:-nowhere}/*.grib\nroot: r\n")
    with pytest.raises(DocumentError, match=r"recipe.yaml: input: there is no .*nowhere.*Set NO_SUCH_DATA, or name"):
        act(load_recipe(path))
    assert not (tmp_path / "r").exists()


def test_a_folder_without_grib_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    recipe = load_recipe({"name": "x", "input": str(tmp_path / "empty"), "root": str(tmp_path / "r")})
    with pytest.raises(DocumentError, match="input: There is no GRIB below"):
        run_recipe(recipe)


def test_an_unknown_profile_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(SettingError, match="Did you mean 'local'"):
        run_recipe(small(tmp_path / "r"), cluster="locl")
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_an_option_chooses_the_cluster_before_the_recipe_and_the_recipe_before_the_setting(tmp_path):
    import dask.config

    plain, naming = small(tmp_path), small(tmp_path).model_copy(update={"cluster": "local-cluster"})
    with dask.config.set({"dtedask.cluster": "slurm"}):
        assert plan_recipe(plain).cluster == "slurm"
        assert plan_recipe(naming).cluster == "local-cluster"
        assert plan_recipe(naming, cluster="local").cluster == "local"


@pytest.mark.slow
def test_a_local_cluster_gives_the_same_fields(tmp_path):
    run_recipe(small(tmp_path / "a"))
    report = run_recipe(small(tmp_path / "b"), cluster="local-cluster")
    assert report.summary.new == FIELDS
    a, b = (dtedask.open(tmp_path / name).retrieve("levtype=pl") for name in "ab")
    assert a.equals(b)


@pytest.mark.slow
def test_a_run_tells_of_its_stages_and_their_times_add_up(tmp_path):
    (tmp_path / "in").mkdir()
    for arrival in small(tmp_path).input.demo.arrivals():
        (tmp_path / "in" / arrival.name).write_bytes(arrival.data)
    times = StageTimes()
    recipe = {"name": "files", "input": str(tmp_path / "in"), "root": str(tmp_path / "r"), "series": {}}
    with listening_to_stages(times):
        run_recipe(load_recipe(recipe))
    assert set(times.counts) == {"cluster", "survey", "write", "merge", "commit", "announce", "catalog", "series"}
    seconds = times.seconds
    assert all(seconds[name] > 0 for name in ("survey", "write", "merge", "commit", "catalog"))
    assert sum(seconds.values()) == pytest.approx(times.total_s, abs=0.01)
