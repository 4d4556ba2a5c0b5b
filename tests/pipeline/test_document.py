"""The plan as a document: what is wrong is named with file, line, key and what was probably meant."""

import pickle

import pytest

from dtedask.core.errors import DocumentError
from dtedask.pipeline import Plan


def refused(text):
    with pytest.raises(DocumentError, match=".") as caught:
        Plan.from_yaml(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "actions:\n- type: select\n  matsch: []\n",
            "<plan>:3: unknown key 'matsch' in actions[0]. Did you mean 'match'?",
        ),
        (
            "actions:\n- type: selct\n",
            "<plan>:2: actions[0]: There is no action of the type 'selct'. Did you mean 'select'?",
        ),
        ("actions:\n- tyep: select\n", "<plan>:2: actions[0]: unknown key 'tyep'. Did you mean 'type'?"),
        (
            "plans:\n- actions:\n  - type: sink\n    sinks:\n    - type: cube\n      ulr: x\n",
            "<plan>:6: unknown key 'ulr' in plans[0].actions[0].sinks[0]. Did you mean 'url'?",
        ),
        (
            "actions:\n- type: sink\n  sinks:\n  - type: cub\n",
            "<plan>:4: actions[0].sinks[0]: There is no sink of the type 'cub'. Did you mean 'cube'?",
        ),
        ("actions:\n- 7\n", "<plan>:2: actions[0]: 7 is wrong: it must be a mapping of keys, with a type."),
        ("actions:\n- type: [a]\n", "<plan>:2: actions[0]: The type of this action is ['a'], which is no name."),
    ],
)
def test_what_is_wrong_in_an_action_or_sink_is_named_with_its_line(text, said):
    assert refused(text).startswith(said)


def test_types_are_read_as_older_plans_write_them():
    actions = Plan.from_yaml("actions:\n- {type: Select, match: []}\n- type: null\n").pipelines[0].actions
    assert [action.options.type for action in actions] == ["select", "null"]


def test_a_checked_plan_is_pickled_with_the_options_of_its_actions_and_sinks():
    plan = Plan.from_yaml("actions: [{type: sink, sinks: [{type: cube, url: somewhere}]}]")
    again = pickle.loads(pickle.dumps(plan.document))
    assert again.actions[0].sinks[0].url == "somewhere"
    assert again.digest == plan.document.digest
