"""`dtedask store`: what a root holds, as lines, tables and JSON, and out of it into files."""

import io
import sys

import numpy as np
import pytest
import xarray as xr

from dtedask.grib import scan
from dtedask.request import Request


def test_each_field_is_one_json_object_with_its_mars_keys(run, root):
    found = run("store list --json class=ea,param=t --root", root)
    assert found.status == 0
    assert len(found.lines) == 8
    assert found.lines[0] == {
        "class": "ea",
        "stream": "enda",
        "expver": "0001",
        "type": "an",
        "levtype": "pl",
        "param": "130",
        "date": "20170101",
        "time": "0000",
        "number": "0",
        "step": "0",
        "levelist": "500",
        "shortName": "t",
        "grid": "30x30",
    }


def test_no_request_lists_everything(run, root):
    assert run("store list --json --root", root).lines == run("store list --json class=all --root", root).lines


def test_a_listed_line_is_a_request_that_finds_the_field_again(run, root):
    for line in run("store list --root", root).out.splitlines():
        assert run("store list", line, "--root", root).out.splitlines() == [line]


@pytest.mark.parametrize(
    "words", ["class=ea number=1", "class=ea, number=1", "class=ea , number=1", "class = ea number = 1"]
)
def test_a_request_may_come_in_several_words(run, root, words):
    assert len(run(f"store list --json {words} --root", root).lines) == 4


def test_a_request_may_stand_in_a_file_and_a_word_after_it_counts(run, root, here):
    (here / "request").write_text("retrieve,\n  class=ea,\n  number=0\n")
    assert len(run("store list --json @request --root", root).lines) == 4
    (field,) = run("store list --json @request number=1 levelist=500 date=20170102 --root", root).lines
    assert (field["number"], field["levelist"], field["date"]) == ("1", "500", "20170102")


def test_a_request_may_come_on_standard_input(run, root, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("class=ea,number=1"))
    assert len(run("store list --json - --root", root).lines) == 4


def test_listing_nothing_exits_with_3_and_says_which_key_has_no_match(run, root):
    found = run("store list class=ea,levelist=300 --root", root)
    assert (found.status, found.out) == (3, "")
    assert found.err == "Error: Nothing matches levelist=300.\n  What exists is levelist=500/850.\n"


def test_axes_are_one_json_object_of_sorted_values(run, root):
    (axes,) = run("store axes class=ea --json --root", root).lines
    assert axes["number"] == ["0", "1"]
    assert axes["date"] == ["20170101", "20170102"]
    assert "number    0/1\n" in run("store axes class=ea --root", root).out


def test_the_root_of_the_settings_is_taken_where_none_is_named(run, root, monkeypatch):
    import dask.config

    with dask.config.set({"dtedask.store.root": str(root)}):
        assert len(run("store list --json").lines) == 8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["t.nc", "t.zarr"])
def test_fields_become_a_dataset_in_a_file(run, root, here, name):
    done = run(f"store retrieve class=ea,date=20170101,number=1,levelist=850 --to {name} --root", root)
    assert (done.status, done.out) == (0, "")
    assert "1 field" in done.err
    options = {"engine": "h5netcdf"} if name == "t.nc" else {"engine": "zarr", "consolidated": False}
    with xr.open_dataset(name, decode_timedelta=True, **options) as dataset:
        assert np.all(dataset["t"].values == np.float32(1051.0))
    assert [path.name for path in here.iterdir()] == [name]


def test_fields_become_grib_in_a_file_and_replace_what_was_there(run, root, here):
    (here / "t.grib2").write_text("old")
    assert run("store retrieve class=ea,levelist=500 --to t.grib2 --root", root).status == 0
    found = [Request(dict(message.field.keys)) for message in scan(here / "t.grib2")]
    assert len(found) == 4
    assert {request["levelist"] for request in found} == {("500",)}


def test_a_dry_run_writes_nothing(run, root, here):
    done = run("store retrieve class=ea --to t.nc --dry-run --root", root)
    assert (done.status, done.err) == (0, "8 fields would be written to t.nc.\n")
    assert list(here.iterdir()) == []


def test_retrieving_nothing_exits_with_3_and_leaves_what_was_there(run, root, here):
    (here / "t.grib2").write_text("old")
    assert run("store retrieve class=ea,levelist=300 --to t.grib2 --root", root).status == 3
    assert [path.read_text() for path in here.iterdir()] == ["old"]


def test_missing_fields_are_an_error_unless_allowed(run, root, here):
    request = "class=ea,levelist=300/500"
    assert run(f"store retrieve {request} --to t.nc --root", root).status == 3
    assert run(f"store retrieve {request} --to t.nc --allow-missing --root", root).status == 0


def test_a_folder_that_is_no_zarr_is_never_replaced(run, root, here):
    (here / "t.zarr").mkdir()
    (here / "t.zarr" / "mine").write_text("precious")
    done = run("store retrieve class=ea --to t.zarr --root", root)
    assert done.status == 1
    assert "is no Zarr folder" in done.err
    assert (here / "t.zarr" / "mine").read_text() == "precious"


def test_history_names_each_commit_oldest_first(run, root):
    commits = run("store history --json --root", root).lines
    assert [(commit["sequence"], commit["new"]) for commit in commits] == [(1, 4), (2, 4)]
    assert run("store history ea/enda/0001 --root", root).out.count("ea/enda/0001") == 2


def test_the_past_can_be_listed(run, root):
    first = run("store history --json --root", root).lines[0]["snapshot"]
    assert len(run(f"store list --json --at {first} --root", root).lines) == 4


FULL = "class=ea,stream=enda,expver=1,type=an,levtype=pl,param=t,time=0,step=0,levelist=850/500"


def test_list_by_depth_shows_cubes_and_groups(run, root):
    assert run("store list --depth 1 --root", root).out == "class=ea,stream=enda,expver=0001\n"
    (group,) = run("store list --depth 2 --json --root", root).lines
    assert (group["levtype"], group["grid"]) == ("pl", "30x30")
    assert str(root) in run("store list --depth 2 --location --root", root).out


def test_location_and_length_stand_behind_tabs(run, root):
    for line in run("store list --location --length --root", root).out.splitlines():
        request, location, length = line.split("\t")
        assert location.startswith(f"{root}/ea/enda/0001/an/pl/30x30/t/c/")
        assert int(length) > 0
        assert Request.parse(request)["class"] == ("ea",)


def test_porcelain_has_five_columns(run, root):
    lines = run("store list --porcelain --masked --root", root).out.splitlines()
    assert len(lines) == 8
    assert {(len(line.split("\t")), line.split("\t")[4]) for line in lines} == {(5, "-")}


def test_compact_folds_all_fields_into_one_request(run, root):
    (line,) = run("store list --compact --root", root).out.splitlines()
    assert "number=0/1" in line
    assert len(run("store list --json", line, "--root", root).lines) == 8
    (request,) = run("store list --compact --json --root", root).lines
    assert request["levelist"] == ["500", "850"]


def test_options_of_list_that_exclude_each_other_are_refused(run, root):
    found = run("store list --compact --porcelain --root", root)
    assert found.status == 2
    assert "--compact and --porcelain cannot go together" in found.err
    found = run("store list --compact --masked --root", root)
    assert found.status == 2
    assert "--compact and --masked cannot go together" in found.err


def test_inspect_gives_place_and_size_in_the_order_of_the_request(run, root):
    found = run(f"store inspect --json {FULL},date=20170102/20170101,number=1 --root", root).lines
    assert [(one["date"], one["levelist"]) for one in found] == [
        ("20170102", "850"),
        ("20170102", "500"),
        ("20170101", "850"),
        ("20170101", "500"),
    ]
    assert all(one["size_bytes"] > 0 and one["location"].startswith(str(root)) for one in found)


def test_inspect_of_what_does_not_exist_exits_with_3(run, root):
    found = run(f"store inspect {FULL},date=20170101/20170109,number=1 --root", root)
    assert (found.status, found.out) == (3, "")
    assert "date=20170109" in found.err


def test_explain_names_the_nearest_and_exits_with_3_where_nothing_matches(run, root):
    found = run("store explain class=ea,param=t,levelist=700 --root", root)
    assert found.status == 3
    assert "850 is nearest to 700" in found.out
    assert "leave out levelist" in found.out
    assert run("store explain class=ea,levelist=500/700 --root", root).status == 0


def test_retrieve_sums_itself_up_as_json(run, root, here):
    (found,) = run("store retrieve class=ea,levelist=850/500,number=1 --to t.grib2 --json --root", root).lines
    assert (found["fields"], found["done"], found["bytes"]) == (4, True, (here / "t.grib2").stat().st_size)
    levels = [message.field.keys["levelist"] for message in scan(here / "t.grib2")]
    assert levels == ["850", "500", "850", "500"]
