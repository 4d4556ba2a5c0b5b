"""What events hold stays a value, wherever it is put: no word more, no command, no part of a URL, no key of JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dtedask.core.errors import TriggerError
from dtedask.notify.notification import Notification
from dtedask.notify.triggers import CommandTrigger
from dtedask.notify.triggers.news import facts_of
from dtedask.notify.triggers.shell import needs_shell
from dtedask.notify.triggers.templates import Rendering, json_word, parts_of, url_word

NASTY = "a 'b' \"c\" $(touch x) `id` ; > & | \\ * ~ # \n {{ env.HOME }} ${HOME} $HOME !"


def flight(number="3", payload=None, **identifier):
    return Notification(
        "flight", 7, {"country": "italy", "number": number, **identifier}, payload, datetime(2024, 6, 3, tzinfo=UTC)
    )


def rendered(template, news, write=None, **options):
    with facts_of(news) as facts:
        rendering = Rendering(facts, "Trigger 'x'")
        return rendering.text(template, *([write] if write else []), **options)


def texts():
    return st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


PLACES = ["${identifier.number}", "{{ notification.identifier.number }}", "${request.number}"]


@pytest.mark.parametrize("place", PLACES)
def test_the_same_value_has_a_name_for_each_generation_of_documents(place):
    assert rendered(f"<{place}>", flight("33")) == "<33>"


@pytest.mark.slow
@settings(max_examples=40)
@given(texts(), st.sampled_from(PLACES))
@example(NASTY, PLACES[0])
@example("", PLACES[1])
def test_a_value_is_one_word_of_a_command_whatever_it_holds(value, place):
    for shell in (False, True):
        line = f'printf "%s\\0" a {place} "in {place} double" \'in {place} single\' pre{place}post z'
        output = CommandTrigger(command=line, shell=shell).output(flight(value))
        assert output.split("\0") == [
            "a",
            value,
            f"in {value} double",
            f"in {value} single",
            f"pre{value}post",
            "z",
            "",
        ]


@pytest.mark.slow
@settings(max_examples=40)
@given(texts())
@example(NASTY)
def test_a_value_is_one_word_inside_a_substitution_and_behind_a_comment(value):
    line = "printf '%s\\0' \"$(printf '%s.' ${identifier.number})\" # don't ${identifier.number}\nprintf '%s\\0' z"
    output = CommandTrigger(command=line, shell=True).output(flight(value))
    assert output.split("\0") == [f"{value}.", "z", ""]


@pytest.mark.parametrize(
    "line",
    [
        "cat <<END\n${identifier.number}\nEND",
        "echo `echo ${identifier.number}`",
        "echo $((1 + ${identifier.number}))",
        "echo ${HOME:-${identifier.number}}",
        'echo "${HOME:-{{ notification.identifier.number }}}"',
    ],
)
def test_a_value_is_refused_where_no_quotes_keep_it_together(line):
    with pytest.raises(
        TriggerError, match=r"number.* stands in a here-document.*Use the environment variables"
    ) as caught:
        CommandTrigger(command=line, shell=True).run(flight())
    assert caught.value.is_lasting


def test_a_value_is_refused_in_the_commands_of_another_shell():
    trigger = CommandTrigger(command="sh -c 'echo ${identifier.number}'")
    with pytest.raises(TriggerError, match=r"stands in commands for a shell, which would take the value for commands"):
        trigger.run(flight("3; id"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("echo a b", False),
        ("sh -c 'echo $HOME > x; id'", False),
        ('echo "a;b|c" \\; \\$HOME', False),
        ("./script.sh --date ${request.date} -s ${request.stream}", False),
        ("echo ${id} >> seen.log", True),
        ("ingest \"$AVISO_EVENT_TYPE\" 'x'", True),
        ("FOO={{ notification.event_type }} ./run.sh", True),
        ("cd /tmp && ls", True),
        ("ls *.nc", True),
        ("cat ~/x", True),
        ("echo $(date)", True),
        ("exec ./my-binary", True),
        ("echo a # a comment", True),
        ("echo a#b http://x/y#z", False),
    ],
)
def test_a_line_that_only_a_shell_understands_is_given_to_one(line, expected):
    assert needs_shell(parts_of(line)) is expected
    assert CommandTrigger(command=line).uses_shell is expected
    assert CommandTrigger(command=line, shell=not expected).uses_shell is not expected


def test_a_command_is_told_the_event_as_pyaviso_tells_it():
    news = flight(payload={"seed": "x", "deep": {"n": 1.5}}, **{"odd-key": "k"})
    trigger = CommandTrigger(command="env -0")
    found = dict(line.split("=", 1) for line in trigger.output(news).split("\0") if line)
    assert found["AVISO_EVENT_TYPE"] == "flight"
    assert found["AVISO_SEQUENCE"] == "7"
    assert found["AVISO_IDENTIFIER_COUNTRY"] == "italy"
    assert found["AVISO_IDENTIFIER_ODD_KEY"] == "k"
    assert json.loads(found["AVISO_PAYLOAD_JSON"]) == news.payload
    assert json.loads(found["AVISO_NOTIFICATION_JSON"]) == {
        "event_type": "flight", "sequence": 7, "identifier": dict(news.identifier), "payload": news.payload,
    }  # fmt: skip
    assert json.loads(found["DTEDASK_EVENT"]) == news.as_dict()
    assert found["DTEDASK_EVENT_IDENTIFIER_NUMBER"] == found["DTEDASK_EVENT_REQUEST_NUMBER"] == "3"


def test_what_no_process_can_be_given_is_left_out_of_its_environment_and_told_where_it_is_asked_for():
    news = flight(payload={"long": "x" * 200_000}, nul="a\0b")
    assert CommandTrigger(command="sh -c 'echo $AVISO_SEQUENCE ${AVISO_PAYLOAD_JSON-none}'").output(news) == "7 none\n"
    assert json.loads(CommandTrigger(command="cat ${jsonpath}").output(news)) == news.as_dict()
    with pytest.raises(TriggerError, match="longer than a command can be given. Let the command read it as JSON"):
        CommandTrigger(command="echo ${payload.long}").run(news)
    with pytest.raises(TriggerError, match="holds what no command can be given: embedded null byte"):
        CommandTrigger(command="echo ${identifier.nul}").run(news)


def test_values_of_the_environment_come_in_variables_and_are_kept_out_of_what_is_logged(monkeypatch, caplog):
    monkeypatch.setenv("MY_TOKEN", "s3cr3t-value")
    caplog.set_level("DEBUG")
    for line in ("echo {{ env.MY_TOKEN }}; exit 1", "sh -c 'echo $0; exit 1' {{ env.MY_TOKEN }}"):
        with pytest.raises(TriggerError, match=r"ended with status 1. It wrote:\n\*\*\*") as caught:
            CommandTrigger(command=line).run(flight())
        assert "s3cr3t" not in str(caught.value)
    CommandTrigger(command="echo {{ env.MY_TOKEN }}").run(flight())
    assert "s3cr3t" not in caplog.text
    assert CommandTrigger(command="sh -c 'echo ${MY_TOKEN-gone}' {{ env.MY_TOKEN }}").output(flight()) == "gone\n"


def test_credentials_of_the_listener_are_not_given_to_commands(monkeypatch):
    monkeypatch.setenv("AVISO_TOKEN", "t0ken")
    assert CommandTrigger(command="sh -c 'echo ${AVISO_TOKEN-none}'").output(flight()) == "none\n"
    given = CommandTrigger(command="sh -c 'echo $AVISO_TOKEN'", env={"AVISO_TOKEN": "other"})
    assert given.output(flight()) == "other\n"


@given(texts())
@example(NASTY)
def test_a_value_in_a_url_adds_no_part_to_it(value):
    url = rendered(
        "https://host/in/${identifier.number}?q={{ notification.identifier.number }}#end", flight(value), url_word
    )
    parts = urlsplit(url)
    assert (parts.netloc, parts.path.count("/"), parts.fragment) == ("host", 2, "end")
    assert parse_qs(parts.query, keep_blank_values=True) == {"q": [value]}


@pytest.mark.parametrize(
    "url",
    ["https://${identifier.number}/x", "${identifier.number}://h/", "https://h.{{ notification.identifier.number }}"],
)
def test_a_value_never_names_the_server(url):
    with pytest.raises(TriggerError, match="may not name the server of a URL"):
        rendered(url, flight("evil.example"), url_word)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | texts(),
        lambda x: st.lists(x) | st.dictionaries(texts(), x),
        max_leaves=8,
    ),
    texts(),
)
@example({"a": 1}, '", "admin": true, "x": "')
def test_a_value_in_json_is_one_value(payload, value):
    place = "{{ notification.identifier.number }}"
    template = f'{{"who": "<{place}>", "what": {{{{ notification.payload }}}}, "n": {place}}}'
    found = json.loads(rendered(template, flight(value, payload), json_word))
    assert found.keys() == {"who", "what", "n"}
    assert found["who"] == f"<{value}>"
    assert found["what"] == payload or isinstance(payload, str)


def test_texts_and_numbers_in_json_are_what_they_look_like():
    template = (
        '{"a": ${identifier.number}, "b": {{ notification.identifier.country }}, "c": {{ notification.payload.x }}}'
    )
    assert json.loads(rendered(template, flight("4", {"x": None}), json_word)) == {"a": 4, "b": "italy", "c": None}


def test_braces_can_be_written():
    assert rendered(r"\{{ x }} ${id}", flight()) == "{{ x }} flight@7"


@pytest.mark.parametrize(
    "text", ["{{ x }}", "{{", "{{ env }}", "{{ env.A.B }}", "{{ notification..a }}", "{{ notification.a b }}"]
)
def test_places_that_name_nothing_are_refused_when_the_document_is_read(text):
    with pytest.raises(ValueError, match="names no value; write"):
        parts_of(text)


def test_a_value_that_is_missing_is_named_with_the_nearest():
    with pytest.raises(
        TriggerError, match=r"the event has no \$\{identifier.numbr\}. Did you mean 'identifier.number'\?"
    ):
        rendered("${identifier.numbr}", flight())
    with pytest.raises(
        TriggerError, match="needs the environment variable 'NO_SUCH_NAME', which is not set. Set NO_SUCH"
    ):
        rendered("{{ env.NO_SUCH_NAME }}", flight())
