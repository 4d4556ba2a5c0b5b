"""`dtedask plan feed` and `dtedask plan hammer` from the command line."""

import json

import pytest

PLAN = "actions: [{type: select, match: [{levelist: [500]}]}, {type: sink, sinks: [{type: memory, name: cli-feed}]}]"


@pytest.fixture
def plan(here, tmp_path):
    (tmp_path / "plan.yaml").write_text(PLAN)
    return tmp_path / "plan.yaml"


def test_feed_says_how_many_fields_came_in_and_went_out(run, grib, plan):
    ran = run(f"plan feed {plan} {grib}/forecast.grib2 {grib}/more/next.grib")
    assert (ran.status, ran.out) == (0, "8 fields came in, 4 fields went out.\n")
    ran = run(f"plan feed {plan} {grib}/forecast.grib2 --decode --by-time --step-range 1-9 --json")
    assert json.loads(ran.out) == {"fields": 0, "written": 0}


def test_feed_of_a_plan_that_computes_asks_for_decoding(run, grib, here, tmp_path):
    (tmp_path / "plan.yaml").write_text("actions: [{type: aggregate}]")
    ran = run(f"plan feed {tmp_path}/plan.yaml {grib}/forecast.grib2")
    assert ran.status == 1
    assert "Decode them: --decode." in ran.err


def test_hammer_says_how_fast_it_went(run, plan):
    ran = run(f"plan hammer {plan} --members 2 --steps 3 --size 9x18 --clients 2 --precision single --json")
    found = json.loads(ran.out)
    assert (found["fields"], found["bytes"], found["written"]) == (6, 6 * 9 * 18 * 4, 0)
    assert found["fields_per_s"] == pytest.approx(6 / found["seconds"], rel=0.01)
    ran = run(f"plan hammer {plan} --size 9x18 --steps 2")
    assert ran.out.startswith("2 fields of 9x18 in ")


def test_a_size_that_is_none_is_refused(run, plan):
    ran = run(f"plan hammer {plan} --size 9")
    assert ran.status == 2
    assert "'9' is no size of a field. Write rows and columns, such as 181x360." in " ".join(ran.err.split())


@pytest.mark.parametrize(
    "command", ["feed {plan} {grib}/forecast.grib2", "hammer {plan} --members 2 --levels 2 --steps 1"]
)
def test_a_dry_run_says_what_would_come_in_and_does_nothing(run, grib, here, tmp_path, command):
    plan = tmp_path / "writes.yaml"
    plan.write_text("actions: [{type: sink, sinks: [{type: file, path: out.grib2}]}]")
    line = "plan " + command.format(plan=plan, grib=grib)
    ran = run(f"{line} --dry-run")
    assert (ran.status, ran.out) == (0, "writes: sink\n")
    assert "Nothing was done: 4 fields would come in." in ran.err
    assert json.loads(run(f"{line} --dry-run --json").out)["fields"] == 4
    assert not (tmp_path / "out.grib2").exists()
