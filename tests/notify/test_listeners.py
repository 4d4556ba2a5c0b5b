"""Listeners take exactly the events they ask for, and say what is wrong with their documents."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError
from dtedask.notify.event import Event
from dtedask.notify.listeners import Listener, Listeners, load_listeners
from dtedask.notify.triggers import EchoTrigger, trigger_types

VALUES = {
    "class": ["od", "ea"],
    "stream": ["oper", "enfo"],
    "date": ["20240602", "20240603"],
    "number": ["1", "2", "3"],
    "step": ["0", "6", "12"],
    "levelist": ["500", "850", "1000"],
    "param": ["130", "131", "167"],
}


def event_of(request, time=datetime(2024, 6, 3, 12, tzinfo=UTC)):
    return Event(
        "c", 1, 0, "g", "v", tuple((key, "/".join(values)) for key, values in request.items()), 1, "S", "r", time
    )


def listener_of(request):
    return Listener(request=request, triggers=[EchoTrigger()])


def requests():
    keys = st.lists(st.sampled_from(sorted(VALUES)), unique=True)
    return keys.flatmap(
        lambda names: st.fixed_dictionaries(
            {name: st.lists(st.sampled_from(VALUES[name]), min_size=1, unique=True) for name in names}
        )
    )


@pytest.mark.slow
@given(requests(), requests())
def test_an_event_matches_when_one_of_its_fields_is_asked_for(asked, there):
    fields = [dict(zip(there, values, strict=True)) for values in itertools.product(*there.values())]
    wanted = any(all(field.get(key) in values for key, values in asked.items()) for field in fields)
    assert listener_of(asked).matches(event_of(there)) is wanted
    text = ",".join(f"{key}={'/'.join(values)}" for key, values in asked.items())
    if text:
        assert listener_of(text).matches(event_of(there)) is wanted


@pytest.mark.parametrize(
    ("request_", "event", "wanted"),
    [
        ({"param": "t"}, {"param": ["130"]}, True),
        ({"param": ["u", "t"]}, {"param": ["130"]}, True),
        ({"param": "2t"}, {"param": ["130"]}, False),
        ({"expver": 1, "domain": "g", "class": "OD"}, {"expver": ["0001"], "class": ["od"]}, True),
        ({"step": "0/to/12/by/6"}, {"step": ["6"]}, True),
        ({"time": "06:00"}, {"time": ["0600"]}, True),
        ({"number": "all"}, {"param": ["130"]}, True),
        ({"number": 0}, {"type": ["cf"]}, True),
        ({"number": 1}, {"type": ["cf"]}, False),
        ({"grid": "0.25/0.25"}, {"grid": ["0.25x0.25"]}, True),
        ({}, {"param": ["130"]}, True),
    ],
)
def test_requests_are_understood_as_mars_does(request_, event, wanted):
    assert listener_of(request_).matches(event_of(event)) is wanted


def test_relative_dates_are_relative_to_the_day_of_the_commit_however_long_the_listener_runs():
    listener = listener_of({"date": -1})
    for day in (3, 4, 3):
        commit_time = datetime(2024, 6, day, 1, tzinfo=UTC)
        assert listener.matches(event_of({"date": [f"2024060{day - 1}"]}, commit_time))
        assert not listener.matches(event_of({"date": [f"2024060{day}"]}, commit_time))


def test_a_listener_of_pyaviso_is_read_as_it_is():
    (listener,) = load_listeners(
        """
listeners:
  - event: mars
    request:
      class: od
      expver: 1
      domain: g
      stream: enfo
      step: [1,2,3]
    triggers:
      - type: echo
      - type: log
        path: testLog.log
      - type: command
        working_dir: $HOME/aviso/examples
        command: ./script.sh --date ${request.date} -s ${request.stream}
        environment:
          STEP: ${request.step}
          TIME: "The time is ${request.time}"
"""
    ).listeners
    assert [trigger.type for trigger in listener.triggers] == ["echo", "log", "command"]


def mistake(text):
    with pytest.raises(DocumentError) as caught:
        load_listeners(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("listener", "expected"),
    [
        ("{triggers: [{type: echo}], requets: {}}", "unknown key 'requets' in L. Did you mean 'request'?"),
        ("{request: {}}", "key 'triggers' is missing in L."),
        ("{triggers: []}", "L.triggers: [] is wrong: List should have at least 1 item"),
        ("{event: '', triggers: [{type: echo}]}", "L.event: '' is wrong: String should have at least 1 character"),
        (
            "{request: {a: b}, event: x, identifiers: {a: b}, triggers: [{type: echo}]}",
            "L: 'request' and 'identifiers'",
        ),
        ("{from_id: 3, from_date: 2024-06-03, triggers: [{type: echo}]}", "L: 'from_id' and 'from_date' say the same"),
        ("{request: {stepp: 3}, triggers: [{type: echo}]}", "L.request: Unknown request key 'stepp'. Did you mean"),
        ("{request: {date: 20240230}, triggers: [{type: echo}]}", "L.request: "),
        ("{request: [1], triggers: [{type: echo}]}", "L.request: [1] is no request; write key: value pairs"),
    ],
)
def test_a_wrong_listener_is_refused_with_line_place_and_remedy(listener, expected):
    expected = re.sub(r"\bL\b", "listeners[0]", expected, count=1)
    assert mistake(f"listeners:\n- {listener}\n").startswith(f"<listeners>:2: {expected}")


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("{type: ecko}", "T: There is no trigger of the type 'ecko'. Did you mean 'echo'?"),
        (
            "{type: sms}",
            "T: There is no trigger of the type 'sms'. Known are command, dask, echo, email, function, log, post,",
        ),
        ("{path: x}", "T: This trigger has no type. Known are command, dask, echo, email, function, log, post,"),
        ("{type: echo, timeout: 3s}", "T: a trigger 'echo' cannot be stopped, so it has no 'timeout'."),
        ("{type: command, command: x, timeout: 3 parsecs}", "T.timeout: '3 parsecs' is no duration; write 30s"),
        ("{type: command, command: x, timeout: 1s, timeout_s: 1}", "T: 'timeout' and 'timeout_s' say the same"),
        ("{type: command, command: '{{ notifcation.x }}'}", "T.command: '{{ notifcation.x }}' names no value; write"),
        ("{type: log}", "key 'path' is missing in T."),
        ("{type: echo, format: jsn}", "T.format: 'jsn' is not possible. Did you mean 'json'?"),
        ("{type: command, command: x, comand: y}", "unknown key 'comand' in T. Did you mean 'command'?"),
        ("{type: command, command: ''}", "T.command: the command is empty."),
        ("{type: command, command: x, timeout_s: -1}", "T.timeout_s: -1 is wrong: it must be greater than 0."),
        ("{type: function, function: json}", "T.function: 'json' names no function; write module:name"),
        ("{type: function, function: 'json:dump_s'}", "T.function: 'json' has no 'dump_s'. Did you mean 'dumps'?"),
        ("{type: function, function: 'jsonn:dumps'}", "T.function: 'jsonn:dumps' cannot be imported: ModuleNotFound"),
        ("{type: function, function: 'json:__doc__'}", "T.function: 'json:__doc__' is no function but str."),
    ],
)
def test_a_wrong_trigger_is_refused_with_line_place_and_remedy(trigger, expected):
    text = f"listeners:\n- request: {{class: od}}\n  triggers:\n  - {trigger}\n"
    expected = re.sub(r"\bT\b", "listeners[0].triggers[0]", expected, count=1)
    assert mistake(text).startswith(f"<listeners>:4: {expected}")


def test_a_wrong_key_at_the_top_is_named_with_the_nearest():
    assert "<listeners>:1: unknown key 'listener'. Did you mean 'listeners'?" in mistake("listener: []\n")


def test_two_listeners_of_one_name_are_refused():
    text = "listeners:\n- {name: a, triggers: [{type: echo}]}\n- {name: a, triggers: [{type: echo}]}\n"
    assert mistake(text).startswith("<listeners>:1: the name 'a' is given to two listeners")


def test_an_unnamed_listener_is_known_by_its_file_and_place_and_text_by_its_contents(tmp_path):
    file = tmp_path / "l.yaml"
    file.write_text("listeners:\n- triggers: [{type: echo}]\n- {name: mine, triggers: [{type: echo}]}\n")
    assert [one.name for one in load_listeners(file).listeners] == [f"{file}#1", "mine"]
    text = "listeners:\n- triggers: [{type: %s}]\n"
    names = [load_listeners(text % "echo").listeners[0].name for _ in range(2)]
    assert names[0] == names[1] != load_listeners(text % "log, path: x").listeners[0].name


def test_a_file_is_read_again_when_it_has_changed(tmp_path):
    file = tmp_path / "l.yaml"
    file.write_text("listeners:\n- triggers: [{type: echo}]\n")
    first = load_listeners(file)
    assert load_listeners(str(file)) is first
    file.write_text("listeners:\n- {name: other, triggers: [{type: echo}]}\n")
    assert load_listeners(file).listeners[0].name == "other"


def test_the_json_schema_names_every_key_and_refuses_others():
    schema = Listeners.json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["$defs"]) == {"Listener"}
    kinds = schema["$defs"]["Listener"]["properties"]["triggers"]["items"]["anyOf"]
    assert [kind["allOf"][1]["properties"]["type"]["const"] for kind in kinds] == sorted(trigger_types())
    assert all("description" in field for field in schema["$defs"]["Listener"]["properties"].values())
