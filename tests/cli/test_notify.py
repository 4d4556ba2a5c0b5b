"""`dtedask notify send|replay|schema`: with a server and with the log of a root, and the same answers from both."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.cli.notify.words import read_drafts, read_filter, read_where
from dtedask.core.errors import NotificationError
from dtedask.notify.event_types import load_event_types
from dtedask.notify.event_types.document import EventTypesDocument
from dtedask.notify.streams import open_streams
from dtedask.serve.notify import running
from tests.cli.test_examples import SERVED

EVENTS = """
flight:
  description: Flights of today.
  identifier:
    country: {type: string, required: true}
    number: {type: integer, range: [1, 99]}
  payload: {required: false}
"""


@pytest.fixture
def root(here, tmp_path):
    (tmp_path / "events.yaml").write_text(EVENTS)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def url(root):
    with running(open_streams(str(root), load_event_types("events.yaml")), root=str(root)) as found:
        yield found


@pytest.fixture(params=["server", "root"])
def place(request):
    """Where to, in words of the command line."""
    if request.param == "root":
        request.getfixturevalue("root")
        return "--root data --schema events.yaml"
    return f"--url {request.getfixturevalue('url')}"


@pytest.mark.slow
def test_what_is_sent_is_replayed(run, place):
    sent = run(f"notify send event=flight,country=italy,number=3 {place}")
    assert (sent.status, sent.out) == (0, "flight@1\n")
    payload = {"gate": "A,4=b", "text": "payload=x"}
    line = f"event=flight,country=france,number=12,payload={json.dumps(payload)}"
    (told,) = run(f"notify send {shlex.quote(line)} {place} --json").lines
    assert told["id"] == "flight@2"
    assert told["identifier"]["country"] == "france"
    found = run(f"notify replay event=flight,country=italy/france --json {place}").lines
    assert [one["id"] for one in found] == ["flight@1", "flight@2"]
    assert found[1]["payload"] == payload
    shown = run(f"notify replay event=flight,country=italy {place}")
    assert shown.out.endswith(" flight@1 country=italy,number=3\n")
    wanted = "'event=flight,country=italy/france,number={\"gte\": 4}'"
    assert [one["sequence"] for one in run(f"notify replay {wanted} --json {place}").lines] == [2]


@pytest.mark.slow
def test_a_replay_begins_and_ends_where_it_is_told(run, place):
    for number in range(1, 6):
        run(f"notify send event=flight,country=italy,number={number} {place}")
    replay = f"notify replay event=flight,country=italy --json {place}"
    times = [one["time"] for one in run(replay).lines]
    for options, expected in (
        ("--from 3", [3, 4, 5]),
        ("--from flight@2 --to flight@3", [2, 3]),
        (f"--from {times[3]}", [4, 5]),
        (f"--to {times[1]}", [1, 2]),
    ):
        assert [one["sequence"] for one in run(f"{replay} {options}").lines] == expected, options
    nothing = run(f"{replay} --from 9")
    assert (nothing.status, nothing.out) == (3, "")
    assert "There is no such notification." in nothing.err
    assert run(f"{replay} --from sometimes").status == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("event=fligt,country=italy", "Did you mean 'flight'"),
        ("event=flight,country=italy,number=x", "number"),
        ("event=flight,number=1", "country"),
        ("country=italy", "names no event type"),
        ("event=flight,italy", "'italy' is no key=value"),
        ("'{\"event\": 3}'", "names no event type"),
        ("@nothing.jsonl", "'nothing.jsonl' cannot be read"),
    ],
)
def test_what_is_wrong_is_wrong_usage_and_says_why(run, place, words, message):
    done = run(f"notify send {words} {place}")
    assert done.status == 2
    assert message in done.err


@pytest.mark.slow
def test_many_are_sent_from_a_file_and_nothing_by_a_dry_run(run, place, tmp_path):
    lines = [json.dumps({"event_type": "flight", "identifier": {"country": "italy", "number": n}}) for n in (1, 2)]
    (tmp_path / "more.jsonl").write_text("\n".join(lines) + "\n\nevent=flight,country=italy,number=3,payload=late\n")
    dry = run(f"notify send @more.jsonl --dry-run {place}")
    assert dry.status == 0
    assert "3 notifications would be sent; nothing was." in dry.err
    assert run(f"notify send @more.jsonl {place}").out == "flight@1\nflight@2\nflight@3\n"
    found = run(f"notify replay event=flight,country=italy --json {place}").lines
    assert [one["payload"] for one in found] == [None, None, "late"]


def test_the_schema_is_the_same_wherever_it_is_asked_for(run, place):
    found = json.loads(run(f"notify schema flight --json {place}").out)
    assert found == json.loads(run("notify schema flight --json --schema events.yaml").out)
    assert found["identifier"]["country"]["required"] is True
    shown = run(f"notify schema flight {place}").out
    assert "Flights of today." in shown
    assert "range 1/99" in shown
    assert "flight" in run(f"notify schema {place}").out
    assert run(f"notify schema fligt {place}").status == 2


def test_the_json_schema_of_the_document_is_shown(run):
    assert json.loads(run("notify schema --json-schema").out) == EventTypesDocument.json_schema()


def test_a_server_and_a_root_are_not_one(run, root):
    done = run("notify send event=flight --url http://127.0.0.1:1 --root data")
    assert done.status == 2
    assert "take --url or --root, not both" in done.err


def test_a_server_that_is_not_there_is_a_failure(run):
    done = run("notify send event=flight --url http://127.0.0.1:9")
    assert done.status == 1
    assert "The server http://127.0.0.1:9 cannot be reached" in done.err


@pytest.mark.parametrize("example", SERVED)
def test_the_examples_with_a_server_run(run, url, example):
    run(f"notify send event=flight,country=italy --url {url}")
    Path("listeners.yaml").write_text("listeners: [{triggers: [{type: echo}]}]")
    done = run(example.removeprefix("dtedask ").replace("http://127.0.0.1:8765", url))
    assert done.status in (0, 1 if "failed" in example or "retry" in example else 0), done.err


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters=",=()[]{}/"), min_size=1)
KEYS = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(
    lambda key: key not in ("event", "event_type", "payload", "identifier", "request")
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.mark.slow
@given(TEXTS, st.dictionaries(KEYS, TEXTS, max_size=4), JSON)
def test_words_and_json_say_the_same(event_type, identifier, payload):
    words = ",".join(f"{key}={value}" for key, value in {"event": event_type, **identifier}.items())
    (found,) = read_drafts([f"{words},payload={json.dumps(payload)}"])
    assert (found.event_type, found.identifier, found.payload) == (event_type, identifier, payload)
    document = {"event_type": event_type, "identifier": identifier, "payload": payload}
    assert list(read_drafts([json.dumps(document)])) == [found]
    assert read_filter([words]) == (event_type, identifier)


def test_commas_in_brackets_are_part_of_a_value():
    (found,) = read_drafts(["event=storm", "polygon=((1,2),(3,4))", "name=a"])
    assert found.identifier == {"polygon": "((1,2),(3,4))", "name": "a"}


def test_places_are_numbers_ids_and_times():
    assert (read_where("7"), read_where("flight@20240603"), read_where(None)) == (7, 20240603, None)
    assert read_where("2024-06-03T12:00Z").isoformat() == "2024-06-03T12:00:00+00:00"
    assert read_where("20240603").isoformat().startswith("2024-06-03T00:00:00")
    with pytest.raises(NotificationError, match="'soon' is no place in the log"):
        read_where("soon")
