"""`dtedask ingest` and `dtedask listen`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

DTEDASK = Path(sys.executable).with_name("dtedask")


def test_the_second_time_nothing_changes_and_is_said(run, grib, tmp_path):
    first = run("ingest --json", grib / "forecast.grib2", grib / "more", "--root", tmp_path / "data")
    assert (first.status, first.lines[0]["new"], len(first.lines[0]["commits"])) == (0, 8, 1)
    second = run("ingest", grib / "forecast.grib2", grib / "more", "--root", tmp_path / "data")
    assert second.status == 0
    assert "8 unchanged" in second.out
    assert "nothing has changed" in second.out


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(run, grib, tmp_path):
    done = run("ingest --dry-run --json", grib / "more", "--root", tmp_path / "data")
    (plan,) = done.lines
    assert (plan["fields"], plan["chunks"]) == (4, 4)
    assert not (tmp_path / "data").exists()


def test_a_broken_file_fails_and_can_be_skipped(run, grib, tmp_path):
    data = (grib / "forecast.grib2").read_bytes()
    (tmp_path / "cut.grib2").write_bytes(data[:-20])
    failed = run("ingest", tmp_path / "cut.grib2", "--root", tmp_path / "data")
    assert failed.status == 1
    assert "--on-error skip" in failed.err
    skipped = run("ingest --on-error skip --json", tmp_path / "cut.grib2", "--root", tmp_path / "data")
    assert (skipped.status, skipped.lines[0]["new"], len(skipped.lines[0]["skipped"])) == (0, 3, 1)


def test_what_went_well_is_shown_where_some_files_fail(run, grib, tmp_path):
    (tmp_path / "bad.grib2").write_bytes(b"GRIB but no more")
    line = ("ingest --unit file --json", tmp_path / "bad.grib2", grib / "forecast.grib2", "--root", tmp_path / "data")
    done = run(*line)
    assert done.status == 1
    assert (done.lines[0]["new"], len(done.lines[0]["failed"])) == (4, 1)
    assert "bad.grib2" in done.err


def listeners(path, **trigger):
    path.write_text(json.dumps({"listeners": [{"name": "test", "triggers": [{"type": "echo", **trigger}]}]}))
    return path


def test_listeners_hear_of_the_commits_and_json_stays_pure(run, grib, tmp_path):
    file = listeners(tmp_path / "listeners.yaml")
    done = run("ingest --json", grib / "more", "--root", tmp_path / "data", "--listeners", file)
    assert done.lines[0]["new"] == 4
    assert "ea/enda/0001@1.0 t: 4 fields" in done.err


def test_what_was_never_heard_is_delivered_once(run, grib, tmp_path):
    assert run("ingest", grib / "more", "--root", tmp_path / "data").status == 0
    file = listeners(tmp_path / "listeners.yaml", format="json")
    first = run("listen --catchup --once", file, "--root", tmp_path / "data")
    assert [event["id"] for event in first.lines] == ["ea/enda/0001@1.0"]
    assert run("listen --catchup --once", file, "--root", tmp_path / "data").out == ""


def test_listening_dry_names_the_listeners(run, tmp_path):
    done = run("listen --dry-run", listeners(tmp_path / "listeners.yaml"), "--root", tmp_path / "data")
    assert (done.status, done.err) == (0, "test: 1 trigger (echo), event data, request all\n")


def test_a_failing_trigger_fails_the_command(run, grib, tmp_path):
    assert run("ingest", grib / "more", "--root", tmp_path / "data").status == 0
    (tmp_path / "l.yaml").write_text(
        "listeners:\n  - name: x\n    triggers:\n      - {type: command, command: 'false', retries: 0}\n"
    )
    done = run("listen --catchup --once", tmp_path / "l.yaml", "--root", tmp_path / "data")
    assert done.status == 1
    assert "1 trigger failed." in done.err
    assert "Traceback" not in done.err


def lines_until(stream, text, deadline_s=60.0):
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        line = stream.readline()
        if text in line:
            return line
        assert line, f"ended without {text!r}"
    raise AssertionError(f"no {text!r} in {deadline_s:g} s")


@pytest.mark.slow
def test_watching_takes_what_appears_and_a_signal_ends_it(grib, tmp_path):
    (tmp_path / "in").mkdir()
    settings = {"DASK_DTEDASK__INGEST__SETTLE_TIME": "0.1 s", "DASK_DTEDASK__INGEST__POLL_INTERVAL": "0.05 s"}
    command = [DTEDASK, "ingest", "--watch", tmp_path / "in", "--root", tmp_path / "data", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **settings}
    ) as process:
        lines_until(process.stderr, "Watching")
        part = tmp_path / "in" / "a.grib.part"
        part.write_bytes((grib / "forecast.grib2").read_bytes())
        part.rename(tmp_path / "in" / "a.grib")
        lines_until(process.stderr, "4 new")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["new"] == 4
