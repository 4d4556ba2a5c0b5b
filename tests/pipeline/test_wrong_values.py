"""A value of the wrong kind anywhere in an action or a sink is a mistake of the plan, and nothing else is raised."""

import pytest
import yaml

from dtedask.core.errors import DocumentError
from dtedask.pipeline import Plan
from dtedask.pipeline.action import action_class, action_types
from dtedask.pipeline.documents.reference_examples import EXAMPLES
from dtedask.pipeline.sink import sink_class, sink_types

JUNK = [None, True, -7, 3.5, "junk", "", "a:b", [], ["junk"], [["junk"]], {}, {"junk": 1}, [{"junk": 1}], [None]]
ACTIONS = sorted(name for name, place in action_types().items() if place.startswith("dtedask."))
SINKS = sorted(name for name, place in sink_types().items() if place.startswith("dtedask."))


def changed(data):
    """Give copies of a part of a document, each with junk in one place."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from ({**data, key: one} for one in (*JUNK, *changed(value)))
    elif isinstance(data, list):
        for place, value in enumerate(data):
            yield from ([*data[:place], one, *data[place + 1 :]] for one in (*JUNK, *changed(value)))


def with_junk(example, model):
    """Give copies of an example with junk in one place, also in options that it does not have."""
    yield from changed(example)
    for name, info in model.model_fields.items():
        key = info.alias or name
        if key not in example:
            yield from ({**example, key: one} for one in JUNK)


def surprises(plans):
    """Give what is raised for plans and is no mistake of a document."""
    for plan in plans:
        try:
            Plan.from_yaml(plan)
        except DocumentError:
            continue
        except Exception as error:  # noqa: BLE001 - what is looked for
            yield f"{type(error).__name__}: {str(error)[:200]} for {plan}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTIONS)
def test_junk_in_an_action_is_a_mistake_of_the_document(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = yaml.safe_load(EXAMPLES[name])
    plans = ({"actions": [one]} for one in with_junk(example, action_class(name).Options))
    assert list(surprises(plans)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SINKS)
def test_junk_in_a_sink_is_a_mistake_of_the_document(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plans = (
        {"actions": [{"type": "sink", "sinks": [one]}]} for one in with_junk({"type": name}, sink_class(name).Options)
    )
    assert list(surprises(plans)) == []


@pytest.mark.slow
def test_junk_in_the_document_is_a_mistake_of_the_document():
    section = {"plans": [{"name": "a", "enabled": True, "actions": [{"type": "transport", "target": "server"}]}]}
    server = {"transport": "mpi", "count": 2, "plans": [{"name": "b", "actions": [{"type": "print"}]}]}
    whole = {"client": section, "server": server, "mpi-communicators": {"a": {"type": "split"}}, "run": {"class": "rd"}}
    own = {"name": "a", "description": "b", "plans": [{"actions": [{"type": "print", "on-error": "skip"}]}]}
    own |= {"on-error": {"type": "retry", "delay": 1}, "checkpoint": {"every": 1}}
    assert list(surprises([*changed(whole), *changed(own)])) == []
