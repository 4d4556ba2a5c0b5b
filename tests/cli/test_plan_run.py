"""`dtedask plan run`, `status` and `replay`: what is shown, what is gone on with, and how they end."""

import json

import pytest

import dtedask
from dtedask.pipeline.actions.select import Select

PLAN = """
name: heights
actions:
  - {type: select, match: [{levelist: ["500"]}]}
  - {type: sink, sinks: [{type: cube}]}
checkpoint: flush
"""
PLACES = ("data", "elsewhere")
LINE = "plan run plan.yaml --output data --input"


@pytest.fixture
def plan(here, tmp_path):
    (tmp_path / "plan.yaml").write_text(PLAN)


def test_a_run_says_what_came_in_and_what_went_out(run, plan, grib):

    done = run(LINE, grib)
    assert (done.status, done.out) == (0, "8 fields came in, 4 fields went out.\n")
    assert len(list(dtedask.open("data").list())) == 4


def test_json_holds_each_pipeline_and_action(run, plan, grib):
    ((said),) = run(f"{LINE} {grib / 'forecast.grib2'} --json").lines
    (pipeline,) = said["pipelines"]
    assert (said["fields"], said["written"], pipeline["name"], pipeline["fields_out"]) == (4, 2, "heights", 2)
    assert [one["type"] for one in pipeline["actions"]] == ["select", "sink"]
    assert pipeline["longest_lag_s"] > 0


def test_a_dry_run_does_nothing(run, plan, grib, tmp_path):
    done = run(f"{LINE} {grib / 'forecast.grib2'} --dry-run")
    assert done.status == 0
    assert done.out == "heights: select -> sink\n"
    assert "4 fields would come in" in done.err
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_an_interrupted_run_ends_with_130_and_goes_on(run, plan, grib, monkeypatch):
    came = []

    def interrupted(self, message, state, compute):
        came.append(message)
        if len(came) == 7:  # in the second step
            raise KeyboardInterrupt
        return [message]

    with monkeypatch.context() as patch:
        patch.setattr(Select, "handle", interrupted)
        assert run(f"{LINE} {grib}").status == 130
    ((said),) = run("plan status data --json").lines
    assert (said["status"], said["fields"]) == ("interrupted", 6)
    done = run(f"{LINE} {grib} --resume --json")
    assert done.status == 0
    assert "Going on behind 5 messages" in done.err
    assert done.lines[0]["fields"] == 4
    assert run(f"{LINE} {grib} --resume").status == 1
    assert run(f"{LINE} {grib} --again --resume").status == 2


def test_what_failed_is_told_with_its_place_and_what_was_done_all_the_same(run, plan, grib, monkeypatch):
    def failing(self, message, state, compute):
        raise OSError("No such luck.")

    monkeypatch.setattr(Select, "handle", failing)
    done = run(f"{LINE} {grib / 'forecast.grib2'}")
    assert done.status == 1
    assert done.out == "1 field came in, 0 fields went out.\n"
    assert "Pipeline 'heights', action 1 (select), at the field" in done.err
    assert "OSError: No such luck." in done.err


@pytest.mark.slow
def test_dead_letters_are_listed_and_replayed(run, here, grib, tmp_path, monkeypatch):
    (tmp_path / "plan.yaml").write_text(PLAN + "on-error: dead-letter\n")
    handle = Select.handle

    def failing(self, message, state, compute):
        if message.is_field and message.keys["number"] == "1":
            raise OSError("No such luck.")
        return handle(self, message, state, compute)

    with monkeypatch.context() as patch:
        patch.setattr(Select, "handle", failing)
        done = run(f"{LINE} {grib / 'forecast.grib2'}")
        assert (done.status, done.out) == (0, "4 fields came in, 1 field went out.\n")
        assert done.err.count("(dead-letter)") == 2
        assert run("plan replay data levelist=500").status == 1
    listed = run("plan replay data --dry-run --json")
    assert len(json.loads(listed.out)["letters"]) == 2
    done = run("plan replay data levelist=500")
    assert (done.status, done.out) == (0, "1 letter went through, 0 failed again, 1 left alone.\n")
    assert len(list(dtedask.open("data").list())) == 2
    assert len(json.loads(run("plan replay data --dry-run --json").out)["letters"]) == 1


def test_a_status_for_people_names_plan_state_and_actions(run, plan, grib):
    run(f"{LINE} {grib / 'forecast.grib2'}")
    done = run("plan status data --watch")
    assert "run      done since" in done.out
    assert "fields   4 of 4" in done.out
    assert [line.split()[:3] for line in done.out.splitlines()[-2:]] == [
        ["heights", "select", "4"],
        ["heights", "sink", "2"],
    ]
    assert run("plan status nowhere").status == 1


@pytest.mark.slow
def test_a_run_where_dask_does_the_work_leaves_the_same(run, plan, grib):
    here = run(f"{LINE} {grib} --json").lines[0]
    there = run(f"plan run plan.yaml --output elsewhere --cluster local --json --input {grib}").lines[0]
    assert (there["fields"], there["written"]) == (here["fields"], here["written"])
    found = [
        {str(record.keys): values.tobytes() for record, values in dtedask.open(name).values({})} for name in PLACES
    ]
    assert found[0] == found[1]
    ((said),) = run("plan status elsewhere --json").lines
    assert said["status"] == "done"


@pytest.mark.slow
def test_what_was_committed_to_a_root_goes_through_a_plan(run, plan, grib):
    assert run("ingest --root archive", grib).status == 0
    assert run(LINE.replace("data --input", "direct --input"), grib).status == 0
    done = run("plan run plan.yaml --output data --follow archive --earlier --idle 0")
    assert (done.status, done.out) == (0, "8 fields came in, 4 fields went out.\n")
    followed, direct = (
        [(dict(r.keys), v.tobytes()) for r, v in dtedask.open(root).values({})] for root in ("data", "direct")
    )
    assert followed == direct


def test_an_input_is_one_thing(run, plan, grib):
    both = run(f"{LINE} {grib} --follow archive")
    assert (both.status, "exclude each other" in both.err) == (2, True)
    none = run("plan run plan.yaml")
    assert (none.status, "name an input, or what to watch or to follow" in none.err) == (2, True)
