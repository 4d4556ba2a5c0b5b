"""`dtedask listen`, and what it says of triggers that fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import dask.config
import pytest

from dtedask.notify import catch_up, open_log
from dtedask.notify.delivery.again import stop_again

LISTENERS = """
listeners:
  - name: good
    request: {param: t}
    triggers: [{type: log, path: good.log}]
  - name: bad
    request: {param: t, date: 20170101}
    triggers: [{type: command, command: "mkdir there/${index}", retries: 1, retry_delay: 1ms}]
"""


@pytest.fixture
def data(root, here):
    """A root of one's own, with listeners beside it."""
    import shutil

    shutil.copytree(root, here / "data")
    (here / "l.yaml").write_text(LISTENERS)
    return here


def test_what_fails_is_listed_and_runs_again_when_it_is_mended(run, data):
    done = run("listen l.yaml --root data --catchup --once")
    assert done.status == 1
    assert "1 trigger failed. `dtedask notify failed` lists them" in done.err
    (letter,) = run("notify failed --root data --json").lines
    assert (letter["number"], letter["listener"], letter["attempts"], letter["trigger"]) == (1, "bad", 2, 0)
    assert letter["document"] == str(data / "l.yaml")
    assert letter["notification"]["cube"] == "ea/enda/0001"
    assert "there/" in letter["error"]
    table = run("notify failed --root data").out.splitlines()
    assert table[0].split() == ["number", "listener", "trigger", "notification", "attempts", "last", "error"]
    assert run("notify failed --root data --listener good").err == "Nothing has failed for good.\n"
    again = run("notify retry 1 --root data --json")
    assert (again.status, again.lines[0]["succeeded"]) == (1, False)
    assert run("notify failed --root data --json").lines[0]["attempts"] == 3
    Path("there").mkdir()
    assert (
        run("notify retry --all --root data --dry-run").err
        == f"Would run command of bad for {letter['notification']['id']}.\n"
    )
    assert list(Path("there").iterdir()) == []
    assert run("notify retry --all --root data").status == 0
    assert len(list(Path("there").iterdir())) == 1
    assert run("notify failed --root data").err == "Nothing has failed for good.\n"


def test_what_is_still_to_be_tried_again_is_told(run, data):
    (data / "l.yaml").write_text(LISTENERS.replace("1ms", "5m"))
    with dask.config.set({"dtedask.notify.listeners": [str(data / "l.yaml")]}):
        catch_up("data")
        open_log("data").register("bad", {}, again=True)
        catch_up("data")
    stop_again(["bad"])
    told = run("notify failed --root data").err
    assert "command of bad is to be tried again for ea/enda/0001@1.0, at " in told
    assert told.endswith("Nothing has failed for good.\n")


def test_a_listener_that_has_moved_is_found_where_it_is_said_to_be(run, data):
    run("listen l.yaml --root data --catchup --once")
    Path("there").mkdir()
    Path("l.yaml").rename("moved.yaml")
    assert "There is no listeners file" in run("notify retry 1 --root data").err
    assert run("notify retry 1 --root data --listeners moved.yaml").status == 0


def test_a_listener_of_a_recipe_is_found_in_the_recipe(run, data):
    Path("recipe.yaml").write_text("name: x\ninput: {files: x}\n" + LISTENERS)
    run("listen l.yaml --root data --catchup --once")
    Path("there").mkdir()
    assert run("notify retry 1 --root data --listeners recipe.yaml").status == 0
    assert list(Path("there").iterdir())


def test_a_trigger_that_is_no_more_there_is_said_to_be_gone(run, data):
    run("listen l.yaml --root data --catchup --once")
    Path("l.yaml").write_text(LISTENERS.replace("name: bad", "name: worse"))
    done = run("notify retry 1 --root data")
    assert (done.status, "has no listener 'bad'" in done.err, "It has good, worse." in done.err) == (2, True, True)
    Path("l.yaml").write_text(
        LISTENERS.replace("type: command, command:", "type: log, path:").replace(", retries: 1", "")
    )
    assert "has no trigger 'command' at listener 'bad' any more" in run("notify retry 1 --root data").err


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("notify retry --root data", "name the numbers, or take --all"),
        ("notify retry 1 --all --root data", "name the numbers, or take --all"),
        ("notify retry 7 --root data", "nothing that failed has the number 7; there are none."),
        ("listen l.yaml --root data --now --from 3", "take --now or --from, not both."),
        ("listen l.yaml --root data --once --from monday", "'monday' is no number, id, commit or time."),
        ("listen --root data", "name the files of the listeners"),
        ("listen l.yaml l.yaml --root data --once", "The name 'good' is given to two listeners"),
    ],
)
def test_wrong_use_is_said_with_what_to_do(run, data, line, expected):
    done = run(line)
    assert done.status == 2
    assert expected in " ".join(done.err.split())


def test_failed_of_a_root_that_is_not_there_is_an_error(run, here):
    assert "There is no root at 'nowhere'" in run("notify failed --root nowhere").err


def test_several_files_and_folders_are_listened_to_and_a_part_is_delivered_again(run, data):
    Path("more").mkdir()
    for name in ("a", "b"):
        Path(f"more/{name}.yaml").write_text(LISTENERS.partition("  - name: bad")[0].replace("good", name))
    Path("more/notes.txt").write_text("nothing")
    assert [line["listener"] for line in run("listen more l.yaml --dry-run --json").lines] == ["a", "b", "good", "bad"]
    done = run("listen more --root data --catchup --once --json")
    assert sorted((line["listener"], line["events"]) for line in done.lines) == [("a", 2), ("b", 2)]
    run("listen more/a.yaml --root data --from ea/enda/0001@2 --to ea/enda/0001@2")
    ids = [line.split()[1] for line in Path("a.log").read_text().splitlines()]
    assert ids == ["ea/enda/0001@1.0", "ea/enda/0001@2.0", "ea/enda/0001@2.0"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_listening_after_the_trigger_that_runs_and_its_place_is_kept(data, number):
    command = "echo go > begun; sleep 0.5; echo x >> done"
    Path("slow.yaml").write_text(f"listeners: [{{name: slow, triggers: [{{type: command, command: '{command}'}}]}}]")
    os.mkfifo("begun")
    line = [sys.executable, "-m", "dtedask", "listen", "slow.yaml", "--root", "data", "--catchup", "--json"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    Path("begun").read_text()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Stopping after the triggers that run now" in err
    assert [json.loads(text)["events"] for text in out.splitlines()] == [1]
    assert Path("done").read_text() == "x\n"
    assert open_log("data").cursors("slow") == {"ea/enda/0001": 1}
