"""Several roots through xarray's engine, the catalog, an ingest and the command line."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.catalog import update_catalog
from dtedask.cli import main
from dtedask.core.errors import NotFoundError, SeveralGroupsError
from dtedask.ingest import ingest


@pytest.fixture
def analyses(open_roots, grib_folder):
    """Real analyses in three roots, a day in each turn."""
    store = open_roots("spaces:\n- {policy: round-robin, roots: [a, b, c]}")
    summary = ingest([grib_folder / "era5-levels-members.grib"], store)
    assert summary.new == 160
    return store


def run(capsys, *words):
    capsys.readouterr()
    status = main(list(map(str, words)))
    return status, capsys.readouterr()


@pytest.mark.slow
def test_the_engine_opens_a_group_over_all_roots(analyses):
    group = "ea/enda/0001/an/pl"
    found = xr.open_dataset(analyses.root, engine="dtedask", group=group)
    expected = analyses.retrieve({})
    xr.testing.assert_equal(found, expected)
    lazily = xr.open_dataset(analyses.root, chunks={}, group=group)
    xr.testing.assert_equal(lazily.compute(), expected)
    by_valid = xr.open_dataset(analyses.root, engine="dtedask", group=group, time="valid")
    assert by_valid.sizes["time"] == 4
    day = expected["t"].isel(forecast_reference_time=3, step=0)
    assert np.array_equal(by_valid["t"].isel(time=3).to_numpy(), day.to_numpy())
    assert list(xr.open_datatree(analyses.root, engine="dtedask").leaves[0].ds.data_vars) == list(found.data_vars)


@pytest.mark.slow
def test_the_engine_names_what_there_is(analyses, put):
    with pytest.raises(NotFoundError, match="no group 'fc'"):
        xr.open_dataset(analyses.root, engine="dtedask", group="ea/enda/0001/fc")
    put(analyses, 1)
    with pytest.raises(SeveralGroupsError, match="holds 2 cubes"):
        xr.open_dataset(analyses.root, engine="dtedask")


@pytest.mark.slow
def test_each_root_has_its_own_catalog_unless_one_is_named(analyses, tmp_path):
    update_catalog(analyses)
    assert all((tmp_path / name / "catalog.yaml").exists() for name in "abc")


@pytest.mark.slow
def test_commands_take_the_document_as_a_root(analyses, capsys, tmp_path):
    status, shown = run(capsys, "store", "list", "--root", analyses.root, "number=3,param=z,levelist=500", "--location")
    lines = shown.out.splitlines()
    assert (status, len(lines)) == (0, 4)
    assert {line.split("\t")[1].removeprefix(f"{tmp_path}/")[0] for line in lines} == set("abc")
    file = tmp_path / "z.nc"
    words = ("number=3,param=z,levelist=500", "--to", file)
    assert run(capsys, "store", "retrieve", "--root", analyses.root, *words)[0] == 0
    assert xr.open_dataset(file).sizes["forecast_reference_time"] == 4
    status, shown = run(capsys, "store", "rollback", "--root", analyses.root, "--to", "2020-01-01")
    assert (status, "rollback() works on one root" in shown.err) == (1, True)
    status, shown = run(capsys, "store", "stats", "--root", analyses.root)
    assert f"{tmp_path}/b/ea/enda/0001" in shown.out
    (tmp_path / "listeners.yaml").write_text("listeners:\n- triggers: [{type: echo}]\n")
    status, shown = run(capsys, "listen", tmp_path / "listeners.yaml", "--root", analyses.root)
    assert (status, "Listeners hear of one root" in shown.err) == (1, True)
    for command in ("status", "where", "verify", "locks", "history", "axes"):
        assert run(capsys, "store", command, "--root", analyses.root)[0] == 0


@pytest.mark.slow
def test_the_command_shows_which_roots_answer_and_makes_new_ones(analyses, capsys, tmp_path):
    shutil.move(tmp_path / "c", tmp_path / "elsewhere")
    status, shown = run(capsys, "store", "roots", "--root", analyses.root, "--json")
    states = {row["root"][-1]: row["state"] for row in map(json.loads, shown.out.splitlines())}
    assert (status, states) == (1, {"a": "there", "b": "there", "c": "new or not mounted"})
    status, shown = run(capsys, "store", "list", "--root", analyses.root)
    assert (status, f"{tmp_path}/c: it holds no" in shown.err) == (1, True)
    assert run(capsys, "store", "roots", "--root", analyses.root, "--create", "--dry-run")[0] == 0
    assert not (tmp_path / "c").exists()
    status, shown = run(capsys, "store", "roots", "--root", analyses.root, "--create")
    assert (status, "c was made" in shown.err) == (0, True)
    assert run(capsys, "store", "roots", "--root", tmp_path / "a")[0] == 2


@pytest.mark.slow
def test_a_missing_root_is_a_warning_where_the_document_says_so(analyses, capsys, tmp_path):
    document = tmp_path / "warn.yaml"
    document.write_text("on-unavailable: warn\nspaces:\n- roots: [a, gone]\n")
    status, shown = run(capsys, "store", "list", "--root", document)
    assert (status, f"{tmp_path}/gone: it holds no" in shown.err) == (0, True)
    assert shown.out.count("\n") == len(list(dtedask.open(tmp_path / "a").list()))
