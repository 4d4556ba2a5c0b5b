"""`dtedask products`: requirements in, products out, what is broken told with its line."""

from __future__ import annotations

import json

import eccodes
import jsonschema
import pytest

from dtedask.core.errors import GridError, ProductError
from dtedask.products import Products
from dtedask.products.operations.regrid import Regrid
from dtedask.products.run import cycles_of

REQUIREMENTS = """
defaults:
  owner: met-service
  request: {class: od, stream: oper, type: fc, levtype: pl, param: t/z, levelist: 500/850, step: 0/6}
requirements:
  - name: europe
    grid: 5/5
    area: 70/-20/30/40
    file: "{date}{time}-{step}.grib2"
    deadline: +7h
  - name: everywhere
    grid: 10/10
    file: "{name}.grib2"
  - name: misspelt
    are: europe
"""


@pytest.fixture
def place(tmp_path, grib_folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.yaml").write_text(REQUIREMENTS)
    (tmp_path / "forecast.grib").write_bytes((grib_folder / "pl-regular-ll.grib").read_bytes())
    return tmp_path


RUN = "products run requirements.yaml --input forecast.grib --output out"


def _messages(path):
    with path.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            yield {key: eccodes.codes_get(handle, key) for key in ("shortName", "level", "step", "Ni", "Nj")}
            eccodes.codes_release(handle)


def test_words_without_effect_are_told(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("name: a\nparam: 2t\nexpect: any\nstep: 0/to/30\n")
    done = run("products check a.yaml")
    assert done.status == 0
    assert "a.yaml:3: 'expect' has no effect here." in done.err
    assert "a.yaml:4: step=0/to/30 goes by 12 h" in done.err


def test_what_is_broken_is_named_with_its_line_and_the_rest_is_counted(run, place):
    done = run("products check requirements.yaml")
    assert done.status == 2
    assert "requirements.yaml:15: requirement 'misspelt': unknown key 'are'." in done.err
    assert "Did you mean 'area'?" in done.err
    assert done.out == "2 requirements of 1 owner good\n"
    ((said),) = run("products check requirements.yaml --json").lines
    assert (said["requirements"], [one["requirement"] for one in said["broken"]]) == (2, ["misspelt"])


@pytest.mark.slow
def test_the_schema_is_json_schema(run):
    jsonschema.Draft202012Validator.check_schema(json.loads(run("products schema").out))


@pytest.mark.slow
def test_products_are_made_once_and_one_broken_requirement_stops_nothing(run, place):
    done = run(RUN, "--json")
    ((said),) = done.lines
    assert done.status == 1  # one requirement is broken
    assert (len(said["delivered"]), said["failed"]) == (12, [])
    assert said["fields_read"] == 32 < said["fields_asked"]
    found = list(_messages(place / "out" / "202406030000-6.grib2"))
    assert found == [
        {"shortName": name, "level": level, "step": 6, "Ni": 13, "Nj": 9} for level in (500, 850) for name in ("t", "z")
    ]
    again = run(RUN, "--json")
    assert (again.lines[0]["delivered"], len(again.lines[0]["there_before"])) == ([], 12)


@pytest.mark.slow
def test_a_dry_run_says_what_would_be_done_and_writes_nothing(run, place):
    done = run(RUN, "--dry-run")
    assert done.status == 0
    assert not (place / "out").exists()
    explained = run(RUN.replace(" run ", " explain "))
    assert explained.out.startswith("12 products")
    ((said),) = run(RUN.replace(" run ", " explain "), "--json").lines
    assert (said["products"], said["waiting"]) == (12, 0)


@pytest.mark.slow
def test_status_says_what_is_delivered_and_what_waits_for_which_input(run, place):
    run(RUN, "--cycle", "20240603T00")
    more = REQUIREMENTS.replace("misspelt\n    are: europe", "later\n    request: {step: 12}")
    (place / "requirements.yaml").write_text(more)
    line = RUN.replace(" run ", " status ") + " --cycle 20240603T00"
    ((said),) = run(line, "--json").lines
    states = {one["product"].partition("/")[0]: one["state"] for one in said["products"]}
    assert states == {"europe": "delivered", "everywhere": "delivered", "later": "waiting"}
    assert "step=12" in run(line, "--show", "waiting").out


def test_products_are_listed_by_deadline(run, place):
    rows = run("products list requirements.yaml --input forecast.grib --cycle 20240603T00 --json").lines
    assert [row["product"] for row in rows] == [
        "europe/20240603T0000/202406030000-0.grib2",
        "europe/20240603T0000/202406030000-6.grib2",
        "everywhere/20240603T0000/everywhere.grib2",
    ]
    assert rows[0]["due"] == "2024-06-03T07:00Z"


@pytest.mark.slow
def test_only_products_of_one_requirement_and_cycle_are_made(run, place):
    run(RUN, "--only", "europe", "--cycle", "20240604T12")
    assert sorted(path.name for path in (place / "out").glob("*.grib2")) == [
        "202406041200-0.grib2",
        "202406041200-6.grib2",
    ]


def test_an_owner_that_does_not_exist_is_an_error_that_names_those_who_do(place):
    products = Products.open("requirements.yaml", "forecast.grib", output="out")
    with pytest.raises(ProductError, match="no owner 'nobody'") as caught:
        products.only(owners=["nobody"])
    assert "met-service" in caught.value.hint


@pytest.mark.parametrize("text", ["20240603T00", "20240603T0000", "2024-06-03T00:00", "2024-06-03T02:00+02:00"])
def test_base_times_are_read_in_all_usual_ways(text):
    ((cycle),) = cycles_of([text])
    assert str(cycle) == "20240603T0000"


def test_what_is_no_base_time_is_named():
    with pytest.raises(ProductError, match="'noon' is no base time"):
        cycles_of(["noon"])


@pytest.mark.slow
def test_what_could_not_be_made_is_failed_in_the_status_and_stops_nothing(run, place, monkeypatch):
    real = Regrid.batch

    def fails_on_the_finer_grid(self, fields):
        if self.target.label != "10x10":
            raise GridError("The weights are gone.")
        return real(self, fields)

    monkeypatch.setattr(Regrid, "batch", fails_on_the_finer_grid)
    monkeypatch.setattr(Regrid, "__call__", lambda self, values: fails_on_the_finer_grid(self, [(values,)])[0])
    ((said),) = run(RUN, "--json").lines
    assert {one["error"] for one in said["failed"]} == {"The weights are gone."}
    assert {one["product"].partition("/")[0] for one in said["delivered"]} == {"everywhere"}
    ((shown),) = run(RUN.replace(" run ", " status "), "--json").lines
    states = {(one["product"].partition("/")[0], one["state"]) for one in shown["products"]}
    assert states == {("europe", "failed"), ("everywhere", "delivered")}


def test_a_requirement_whose_products_cannot_be_named_is_told_where_they_are_listed(run, place):
    more = REQUIREMENTS.replace('"{date}{time}-{step}.grib2"', '"{quantile}.grib2"')
    (place / "requirements.yaml").write_text(more)
    done = run("products list requirements.yaml --input forecast.grib --json")
    assert {row["product"].partition("/")[0] for row in done.lines} == {"everywhere"}
    assert "requirement 'europe'" in done.err
    assert "quantile" in done.err


def test_what_is_old_is_forgotten_only_with_doit_and_then_made_again(run, place):
    assert run(RUN).status == 1
    (before,) = run("products forget --output out --older-than 0s --json").lines
    assert (before["products"], before["done"]) == (12, False)
    assert run("products forget --output out --older-than 1d").out == (
        "0 products and 0 staged contents would be forgotten\n"
    )
    done = run("products forget --output out --older-than 0s --doit")
    assert (done.status, done.out) == (0, "12 products and 0 staged contents forgotten\n")
    assert len(Products.open("requirements.yaml", "forecast.grib", output="out").plan().makes) == 12


def test_what_cannot_be_forgotten_is_told(run, place):
    assert run("products forget --output out --older-than 1d").status == 3
    for words in ("--older-than soon", "--older-than -1d", "--older-than 1d --doit --dry-run"):
        assert run(f"products forget --output out {words}").status == 2
