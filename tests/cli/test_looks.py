"""`info`, `config`, `cluster` and `catalog`: what is here."""

import json

import dask.config
import pytest


def test_info_names_versions_and_extras(run):
    (found,) = run("info --json").lines
    assert set(found["extras"]) == {
        "slurm",
        "serve",
        "ml",
        "plot",
        "earthkit",
        "fdb",
        "kerchunk",
        "nats",
        "parquet",
        "virtualizarr",
    }
    assert "notify" in found["plug-ins"]
    assert all(version != "missing" for version in found["libraries"].values())


def test_info_says_how_to_install_an_extra_that_is_missing(run, monkeypatch):
    from dtedask.cli import info

    version = info._version
    monkeypatch.setattr(info, "_version", lambda name: "" if name == "dask-jobqueue" else version(name))
    assert 'slurm missing: dask-jobqueue; pip install "dtedask[slurm]"' in run("info").out


def test_every_setting_is_shown_with_its_origin(run):
    found = {one["key"]: one for one in run("config --json").lines}
    assert found["store.root"]["origin"] == "default"
    assert all(one["description"] for one in found.values())


def test_a_changed_setting_says_who_changed_it(run, monkeypatch):
    with dask.config.set({"dtedask.store.root": "there"}):
        assert run("config store.root --json").lines[0]["origin"] == "set in this process"
        monkeypatch.setenv("DASK_DTEDASK__STORE__ROOT", "there")
        assert run("config store.root --json").lines[0]["origin"] == "environment, DASK_DTEDASK__STORE__ROOT"


def test_a_setting_from_a_file_names_the_file(run, tmp_path, monkeypatch):
    file = tmp_path / "mine.yaml"
    file.write_text("dtedask:\n  store:\n    root: mine\n")
    monkeypatch.setattr(dask.config, "paths", [str(file)])
    with dask.config.set({"dtedask.store.root": "mine"}):
        assert run("config store.root --json").lines[0]["origin"] == str(file)


def test_profiles_are_listed_and_the_current_one_is_marked(run):
    found = {one["name"]: one for one in run("cluster list --json").lines}
    assert {"local", "local-cluster", "slurm"} <= set(found)
    assert [name for name, one in found.items() if one["current"]] == ["local"]
    assert "local-cluster" in run("cluster list").out


def test_the_script_of_a_job_is_printed(run):
    pytest.importorskip("dask_jobqueue")
    assert run("cluster script slurm").out.startswith("#!")


def test_a_catalog_is_listed_searched_and_shown(run, root):
    (entry,) = run("catalog list --json --root", root).lines
    assert entry["name"] == "ea/enda/0001/an/pl/30x30"
    assert run("catalog search --json class=ea,param=t --root", root).lines == [entry]
    assert run("catalog search --json pressure levels --root", root).lines == [entry]
    assert run("catalog show --json ea/enda/0001 --root", root).lines == [entry]
    assert f"catalog.yaml', engine='dtedask', entry='{entry['name']}'" in run("catalog show ea --root", root).out


def test_a_search_without_a_find_exits_with_3(run, root):
    done = run("catalog search class=od --root", root)
    assert (done.status, done.out) == (3, "")
    assert "No entry of the catalog" in done.err


def test_a_catalog_is_rebuilt_into_another_file(run, root, tmp_path):
    file = tmp_path / "other.yaml"
    dry = run("catalog rebuild --dry-run --root", root, "--catalog", file)
    assert "1 entry" in dry.err
    assert not file.exists()
    assert run("catalog rebuild --root", root, "--catalog", file).status == 0
    assert run("catalog list --json --catalog", file).lines[0]["name"] == "ea/enda/0001/an/pl/30x30"


def test_a_name_that_is_near_is_proposed(run, root):
    done = run("catalog show ea/enda/0001/an/pl/30x31 --root", root)
    assert done.status == 1
    assert "Did you mean 'ea/enda/0001/an/pl/30x30'?" in done.err


def test_the_schema_of_recipes_is_json(run):
    assert json.loads(run("recipe schema").out)["additionalProperties"] is False
