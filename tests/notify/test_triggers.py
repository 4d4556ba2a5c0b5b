"""What triggers do with an event, and how they fail."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dtedask.core.errors import TriggerError
from dtedask.notify.event import events_of
from dtedask.notify.listeners import load_listeners
from dtedask.notify.triggers import CommandTrigger, EchoTrigger, FunctionTrigger, LogTrigger
from dtedask.notify.triggers.news import environment_of, facts_of


@pytest.fixture
def event(make_commit):
    return events_of(make_commit("/data", 3))[0]


def test_echo_writes_one_line_of_text_or_json(event, capsys):
    EchoTrigger().run(event)
    EchoTrigger(format="json").run(event)
    text, line = capsys.readouterr().out.splitlines()
    assert text == str(event)
    assert json.loads(line) == event.as_dict()


def test_log_appends_whole_lines_whoever_writes_at_the_same_time(event, tmp_path, monkeypatch):
    monkeypatch.setenv("LOGS", str(tmp_path))
    trigger = LogTrigger(path="$LOGS/new/events.log", format="json")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(trigger.run, [event] * 200))
    lines = (tmp_path / "new" / "events.log").read_text().splitlines()
    assert lines == [event.as_json()] * 200


def test_a_command_finds_the_event_in_its_environment(event, tmp_path):
    CommandTrigger(command=f"sh -c 'env -0 > {tmp_path}/env'").run(event)
    found = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().split("\0") if line)
    with facts_of(event) as facts:
        assert found.items() >= environment_of(facts).items()
    assert json.loads(found["DTEDASK_EVENT"]) == event.as_dict()
    assert (found["DTEDASK_EVENT_ID"], found["DTEDASK_EVENT_REQUEST_STEP"]) == ("od/oper/0001@3.0", "3")
    assert found["DTEDASK_EVENT_REQUEST"] == event.mars


def test_an_area_is_one_word_and_what_is_not_known_is_empty(event):
    with facts_of(event) as facts:
        assert environment_of(facts)["DTEDASK_EVENT_BYTES"] == ""
    with facts_of(dataclasses.replace(event, size_bytes=12, area=(60.5, -10.0, 30.0, 40.0))) as facts:
        known = environment_of(facts)
    assert known["DTEDASK_EVENT_AREA"] == "60.5/-10/30/40"
    assert known["DTEDASK_EVENT_BYTES"] == "12"


def test_variables_of_a_command_stand_for_one_word_whatever_they_hold(make_commit, tmp_path):
    (event, _) = events_of(make_commit("/data", 3, expver="a b; echo 'x' $(id)"))
    for shell in (False, True):
        trigger = CommandTrigger(
            command="printf '%s\\n' ${request.expver} ${id} ${location} ${request.step}" + " $HOME" * shell,
            shell=shell,
        )
        lines = trigger.output(event).splitlines()
        assert lines[:4] == ["a b; echo 'x' $(id)", "od/oper/0001@3.0", "/data/od/oper/0001", "3"]
        assert lines[4:] == [os.environ["HOME"]] * shell


def test_environment_and_folder_of_a_command_are_set(event, tmp_path, monkeypatch):
    monkeypatch.setenv("WORK", str(tmp_path))
    CommandTrigger(
        command="sh -c 'echo $STEP $COUNT $(pwd) > out'",
        working_dir="$WORK",
        environment={"STEP": "step ${request.step}", "COUNT": 2},
    ).run(event)
    assert (tmp_path / "out").read_text() == f"step 3 2 {tmp_path}\n"


def test_json_and_the_path_of_a_json_file_are_given_on_request_and_the_file_is_removed(event):
    words = ["sh", "-c", 'cat "$1"; echo; echo "$1"; echo "$2"', "sh", "${jsonpath}", "${json}"]
    output = CommandTrigger(command=words).output(event)
    content, path, text = output.splitlines()
    assert json.loads(content) == json.loads(text) == event.as_dict()
    assert not Path(path).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": "sh -c 'echo so; echo bad >&2; exit 3'"}, r"ended with status 3\. It wrote:\nso\nbad"),
        ({"command": "no-such-command -x"}, r"cannot start 'no-such-command -x': No such file or directory"),
        ({"command": "true", "working_dir": "/no/such/folder"}, r"cannot start 'true': No such file .*/no/such/folder"),
        (
            {"command": "echo ${request.stepp}"},
            r"\$\{request\.stepp\}\. Did you mean 'request\.step'\? It has",
        ),
        ({"command": "echo ${nonsense}"}, r"the event has no \$\{nonsense\}"),
        ({"command": "kill -9 $$", "shell": True}, r"ended with status -9"),
    ],
)
def test_a_command_that_fails_says_how(event, options, message):
    with pytest.raises(TriggerError, match=message):
        CommandTrigger(**options).run(event)


def test_a_command_that_takes_too_long_is_killed_with_all_it_started(event, tmp_path):
    trigger = CommandTrigger(
        command=f"sleep 60 & echo $! > {tmp_path}/pid; echo waiting; wait", shell=True, timeout_s=0.3
    )
    with pytest.raises(TriggerError, match=r"was killed after 0\.3 s\. It wrote:\nwaiting `timeout` sets"):
        trigger.run(event)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 20
    while _is_running(pid) and time.monotonic() < deadline:
        os.sched_yield()
    assert not _is_running(pid)


def _is_running(pid):
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "(sleep)" in status and " Z " not in status


def test_a_function_is_called_with_the_event(event):
    heard = []
    FunctionTrigger(function=heard.append).run(event)
    assert heard == [event]


def test_a_function_may_stand_in_a_file_beside_the_document(event, tmp_path):
    (tmp_path / "mine.py").write_text(
        "heard = []\ndef hear(event):\n    heard.append(event.id)\n    raise KeyError('no')\n"
    )
    (tmp_path / "l.yaml").write_text("listeners:\n- triggers: [{type: function, function: 'mine.py:hear'}]\n")
    (trigger,) = load_listeners(tmp_path / "l.yaml").listeners[0].triggers
    with pytest.raises(KeyError, match="no"):
        trigger.run(event)
    assert trigger.function.__globals__["heard"] == [event.id]
