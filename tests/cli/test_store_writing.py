"""`dtedask store archive|read|branch`."""

import io
import json
import sys

import pytest


@pytest.fixture
def stdin(monkeypatch):
    def give(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


def test_grib_is_archived_once_and_its_sum_told(run, grib, here):
    line = f"store archive {grib}/forecast.grib2 {grib}/more/next.grib --root data --json -m both"
    done = run(line)
    assert done.status == 0, done.err
    (told,) = done.lines
    assert (told["fields"], told["new"], told["replaced"], told["unchanged"]) == (8, 8, 0, 0)
    (commit,) = told["commits"]
    assert commit["message"] == "both"
    assert commit["sources"] == [f"{grib}/forecast.grib2", f"{grib}/more/next.grib"]
    again = run(line)
    assert (again.lines[0]["new"], again.lines[0]["unchanged"], again.lines[0]["commits"]) == (0, 8, [])


def test_a_dry_run_writes_nothing(run, grib, here):
    done = run(f"store archive {grib}/forecast.grib2 --root data --dry-run")
    assert done.status == 0
    assert f"4 fields would be archived into ea/enda/0001 of {here}/data." in done.err
    assert not (here / "data").exists()


def test_a_key_that_differs_is_an_error_that_names_file_and_offset(run, grib, here):
    done = run(f"store archive {grib}/forecast.grib2 --key levelist=500 --root data")
    assert done.status == 1
    assert f"levelist=500 was given, but the message of {grib}/forecast.grib2 at offset" in done.err
    assert run("store list --root data").status == 3


def test_other_bytes_come_back_as_they_went_in(run, here, stdin):
    data = bytes(range(256))
    stdin(data)
    assert run("store archive - --key class=rd,stream=oper,expver=1,date=20240101 --root data").status == 0
    (here / "b.bin").write_bytes(b"second")
    assert run("store archive b.bin --key class=rd,stream=oper,expver=1,date=20240102 --root data").status == 0
    done = run("store read --root data date=20240101/20240102 --to out.bin")
    assert done.status == 0
    assert "2 items, 262 B, written to out.bin." in done.err
    assert (here / "out.bin").read_bytes() == data + b"second"


def test_reading_fields_gives_grib_and_nothing_is_status_3(run, root, here):
    assert run(f"store read --root {root} levelist=500,date=20170101 --to some.grib").status == 0
    assert (here / "some.grib").read_bytes().count(b"7777") == 2
    assert run(f"store read --root {root} levelist=7 --to none.grib").status == 3
    assert not (here / "none.grib").exists()
    assert run(f"store read --root {root} levelist=500 --to some.grib --dry-run").err.startswith("4 items would be")


def test_wrong_usage_is_told(run, grib, here):
    (here / "a").write_text("a")
    (here / "b").write_text("b")
    assert "there is no file none" in run("store archive none --root data").err
    done = run("store archive a b --key class=rd,stream=oper,expver=1 --root data")
    assert done.status == 2
    assert "a, b are no GRIB, and one key names one item" in done.err
    assert "no message starts here" in run("store archive a --root data").err


def test_branches_are_made_written_and_deleted(run, grib, here):
    run(f"store archive {grib}/forecast.grib2 --root data")
    assert run("store branch create trial --root data").status == 0
    assert run("store branch list --root data --json").lines == [["main", "trial"]]
    assert run(f"store archive {grib}/more/next.grib --root data --branch trial").status == 0
    assert json.loads(run("store axes --root data --json").out)["date"] == ["20170101"]
    assert run("store branch delete trial --root data --dry-run").status == 0
    assert run("store branch delete trial --root data").status == 0
    assert run("store branch list --root data").out == "main\n"
    assert run("store branch delete main --root data").status == 1
