"""`dtedask plot`: one field of a root or of files becomes a picture, and nothing else does."""

import importlib
import json
import sys

import numpy as np
import pytest

ONE = "class=ea,date=20170101,number=1,levelist=500"
PNG = b"\x89PNG"


def size_of(path):
    """Width and height of a PNG."""
    return tuple(int.from_bytes(path.read_bytes()[at : at + 4], "big") for at in (16, 20))


@pytest.mark.slow
def test_a_field_of_a_root_becomes_a_picture_as_wide_as_wanted(run, root, here):
    done = run(f"plot {ONE} --to map.png --width 400 --json --root", root)
    assert done.status == 0
    assert done.lines == [{"file": "map.png", "fields": 1, "bytes": (here / "map.png").stat().st_size, "done": True}]
    assert size_of(here / "map.png")[0] == 400
    assert "1 field (t) drawn" in done.err
    assert [path.name for path in here.iterdir()] == ["map.png"]


@pytest.mark.slow
def test_a_field_of_a_grib_file_becomes_an_svg(run, grib, here):
    done = run(
        f"plot {grib}/forecast.grib2 number=0,levelist=850 --to map.svg --area 75/-30/30/50 --projection lambert"
    )
    assert done.status == 0, done.err
    assert b"<svg" in (here / "map.svg").read_bytes()


@pytest.mark.slow
def test_a_wind_is_two_fields_of_one_picture(run, here):
    from dtedask.geo import regular_latlon
    from dtedask.grib import encode

    grid = regular_latlon(np.arange(90.0, -91, -30), np.arange(0.0, 360, 30))
    keys = {"class": "rd", "stream": "oper", "expver": "0001", "type": "an", "levtype": "sfc", "date": "20240101"}
    keys |= {"time": "0000", "step": "0"}
    both = [encode(np.full(grid.shape, 5.0), keys | {"param": param}, grid) for param in ("165", "166")]
    (here / "wind.grib2").write_bytes(b"".join(both))
    done = run("plot wind.grib2 --to wind.png --center 50/10 --projection orthographic --width 300")
    assert done.status == 0, done.err
    assert "2 fields (10u/10v)" in done.err


@pytest.mark.slow
def test_isolines_of_another_field_of_the_same_request_are_drawn_over_it(run, root, grib, here):
    for source in (f"--root {root}", f"{grib}/forecast.grib2"):
        done = run(f"plot {ONE} {source} --over levelist=850 --to map.png --width 300 --json")
        assert done.status == 0, done.err
        assert done.lines[0]["fields"] == 2
    assert run(f"plot {ONE} --over levelist=100 --to map.png --root", root).status == 3


@pytest.mark.slow
def test_a_picture_goes_to_standard_output(root, capsysbinary):
    from dtedask.cli import main

    assert main(["plot", ONE, "--to", "-", "--root", str(root), "--width", "300"]) == 0
    assert capsysbinary.readouterr().out.startswith(PNG)


def test_a_dry_run_draws_nothing(run, root, here):
    done = run(f"plot {ONE} --to map.png --dry-run --json --root", root)
    assert json.loads(done.out) == {"file": "map.png", "fields": 1, "bytes": 0, "done": False}
    assert list(here.iterdir()) == []


def test_several_fields_are_refused_with_the_keys_on_which_they_differ(run, root, grib, here):
    for source in (f"--root {root}", f"{grib}/forecast.grib2"):
        done = run(f"plot class=ea,date=20170101 {source} --to map.png")
        assert done.status == 2
        assert "4 fields match, and a map shows one; they differ in " in done.err
        assert "number (0/1)" in done.err
        assert "levelist (500/850)" in done.err


def test_nothing_that_matches_is_status_three(run, root, grib, here):
    assert run("plot class=ea,levelist=100 --to map.png --root", root).status == 3
    done = run(f"plot {grib}/forecast.grib2 levelist=100 --to map.png")
    assert done.status == 3
    assert "There is levelist=500/850." in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--to map.gif", "names no format of pictures"),
        ("--to nowhere/map.png", "no folder 'nowhere'"),
        ("--to - --json", "either the picture or the JSON"),
        ("--to map.png --center north", "LAT/LON"),
        ("--to map.png --projection mollweide", "mollweide"),
    ],
)
def test_wrong_options_are_wrong_usage(run, root, here, options, said):
    done = run(f"plot {ONE} {options} --root", root)
    assert done.status == 2
    assert said in done.err


def test_a_style_that_does_not_exist_is_wrong_usage(run, root, here):
    done = run(f"plot {ONE} --to map.png --style temprature --root", root)
    assert done.status == 2
    assert "Did you mean 'temperature'?" in done.err


def test_files_and_a_root_together_are_wrong_usage(run, root, grib, here):
    assert run(f"plot {grib}/forecast.grib2 --to map.png --root", root).status == 2


def test_without_matplotlib_the_error_names_what_to_install(run, root, here, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("dtedask.plot", "matplotlib"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run(f"plot {ONE} --to map.png --root", root)
    assert done.status == 1
    assert 'pip install "dtedask[plot]"' in done.err
    monkeypatch.undo()
    importlib.invalidate_caches()
