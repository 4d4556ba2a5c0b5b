"""`dtedask recipe report` and `runs`, and the options of `run` for reports."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import dask.config
import pytest

from dtedask.recipe import Report, list_reports

SMALL = "name: small\ninput: {demo: {steps: [0], members: 1, levels: [500], degrees: 30}}\nroot: data\n"


@pytest.fixture
def ran(run, here):
    """A folder with a recipe that has run twice, once in vain."""
    (here / "small.yaml").write_text(SMALL)
    assert run("recipe run small.yaml").status == 0
    with dask.config.set({"dtedask.ingest.memory-limit": 1000}):
        assert run("recipe run small.yaml --set input=nowhere").status == 2  # it never began
        (here / "bad.grib2").write_bytes(b"GRIB but no more")
        assert run("recipe run small.yaml --set input=bad.grib2").status == 1
    return here


@pytest.mark.slow
def test_runs_are_listed_newest_first_by_recipe_folder_and_root(run, ran):
    found = run("recipe runs small.yaml --json").lines
    assert [(one["status"], one["fields"]) for one in found] == [("failed", 0), ("done", 10)]
    assert found[0]["error"] == "grib-syntax"
    for where in ("data", "data/runs", ""):  # the last by the setting store.root
        assert run(f"recipe runs {where} --json").lines == found
    table = run("recipe runs data").out
    assert "failed: grib-syntax" in table
    assert len(table.splitlines()) == 3


@pytest.mark.slow
def test_the_newest_report_is_shown_as_text_json_and_page(run, ran):
    text = run("recipe report").out
    assert "status        failed" in text
    assert "overrides     input=bad.grib2" in text
    (older,) = [one["file"] for one in run("recipe runs data --json").lines if one["status"] == "done"]
    assert "fields        10: 10 new, 0 replaced, 0 unchanged" in run("recipe report", older).out
    (found,) = run("recipe report small.yaml --json").lines
    assert Report.model_validate(found).status == "failed"
    page = run("recipe report --open-path").out.strip()
    assert page.endswith(".html")
    assert "<h1>small" in (ran / page).read_text()


@pytest.mark.slow
def test_a_run_that_is_terminated_leaves_a_report_and_exits_as_interrupted(here):
    (here / "small.yaml").write_text(SMALL.replace("[0]", str(list(range(241)))))
    command = [Path(sys.executable).with_name("dtedask"), "recipe", "run", "small.yaml"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert any("10 new" in line for line in process.stderr)  # one step is there
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 130
    found = list_reports(here / "data" / "runs")[0].read()
    assert (found.status, found.error.code) == ("interrupted", "interrupted")
    assert found.work.new >= 10


def test_where_there_is_none_nothing_matches(run, here):
    (here / "small.yaml").write_text(SMALL)
    done = run("recipe report small.yaml")
    assert (done.status, done.out) == (3, "")
    assert "no run report of the recipe 'small'" in done.err
    assert run("recipe runs").status == 3
    assert run("recipe runs nowhere").status == 2
    assert run("recipe report nowhere.json").status != 0


def test_a_report_that_cannot_be_read_does_not_hide_the_others(run, here):
    (here / "runs").mkdir()
    (here / "runs" / "x-20260101T000000Z.json").write_text("{}")
    done = run("recipe runs .")
    assert done.status == 0
    assert "no run report" in done.err


def test_the_schema_of_reports_is_json(run):
    schema = json.loads(run("recipe schema --report").out)
    assert schema["properties"]["status"]["enum"] == ["done", "failed", "interrupted"]
    assert all("description" in one or "$ref" in one for one in schema["properties"].values())


@pytest.mark.slow
def test_the_folder_can_be_named_and_without_a_catalog_it_must_be(run, here):
    (here / "small.yaml").write_text(SMALL)
    done = run("recipe run small.yaml --set catalog=false")
    assert "No run report" in done.err
    assert not (here / "data" / "runs").exists()
    done = run("recipe run small.yaml --set catalog=false --report reports")
    assert len(list_reports(here / "reports")) == 1
    assert "Report: " in done.err


def test_a_performance_report_needs_a_cluster(run, here, grib):
    (here / "small.yaml").write_text(SMALL)
    for line in ("recipe run small.yaml", f"ingest {grib}/forecast.grib2"):
        done = run(f"{line} --performance-report p.html")
        assert done.status == 1
        assert "needs a cluster" in done.err
    assert not (here / "p.html").exists()


@pytest.mark.slow
def test_a_performance_report_is_written_beside_the_run_report(run, here, grib):
    options = "--cluster local-cluster --performance-report p.html"
    assert run(f"ingest {grib}/forecast.grib2 {options} --root data").status == 0
    assert "bokeh" in (here / "p.html").read_text().lower()
