"""The plan as a document: what is wrong is named with file, line, key and what was probably meant."""

import json
import pickle

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError
from dtedask.pipeline import Plan

ACTIONS = [
    {"type": "select", "match": [{"param": [167, 168]}], "ignore": [{"levtype": "pl"}]},
    {"type": "select", "any": [{"match": [{"step": "0/to/24"}]}, {"not": {"match": [{"levtype": "sfc"}]}}]},
    {
        "type": "statistics",
        "operations": ["average", {"operation": "exceedance", "threshold": 273.15}],
        "output-frequency": "1d",
        "options": {"value-count-threshold": 3},
    },
    {"type": "scale", "custom-mappings": [{"param-in": 144, "param-out": 228141, "scaling": 1000.0}]},
    {"type": "print", "stream": "cout", "prefix": "a", "on-error": {"type": "retry", "maxRetries": 2, "delay": 0}},
    {"type": "sink", "sinks": [{"type": "cube", "url": "there"}, {"type": "file", "path": "{param}.grib2"}]},
]
FREE = {"match", "ignore"}
some_actions = st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=4)
some_plans = st.lists(
    st.fixed_dictionaries({"actions": some_actions}, optional={"enabled": st.booleans(), "description": st.text("ab")}),
    min_size=1,
    max_size=3,
)
documents = st.one_of(
    st.fixed_dictionaries({"name": st.just("one"), "actions": some_actions}),
    st.fixed_dictionaries({"plans": some_plans}, optional={"on-error": st.just("skip")}),
    st.fixed_dictionaries({"client": st.fixed_dictionaries({"plans": some_plans}, optional={"count": st.just(2)})}),
)


def keys_of(data, path=()):
    """Give the paths of all keys that plans have words for."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, key)
            if key not in FREE:
                yield from keys_of(value, (*path, key))
    elif isinstance(data, list):
        for place, value in enumerate(data):
            yield from keys_of(value, (*path, place))


def with_key(data, path, name):
    """Return a copy of a document in which a key has another name."""
    if len(path) == 1:
        return {name if key == path[0] else key: value for key, value in data.items()}
    inner = with_key(data[path[0]], path[1:], name)
    if isinstance(data, dict):
        return {key: inner if key == path[0] else value for key, value in data.items()}
    return [inner if place == path[0] else value for place, value in enumerate(data)]


def reordered(data, random):
    """Return a copy of a document with its keys in another order."""
    if isinstance(data, dict):
        items = list(data.items())
        random.shuffle(items)
        return {key: reordered(value, random) for key, value in items}
    return [reordered(one, random) for one in data] if isinstance(data, list) else data


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
        ("actions:\n- tyep: select\n", "<plan>:2: unknown key 'tyep' in actions[0]. Did you mean 'type'?"),
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


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(documents, st.data())
def test_one_misspelt_key_at_any_depth_is_named_with_its_line(document, data):
    path = data.draw(st.sampled_from([path for path in keys_of(document) if path != ("client",)]))  # a free name
    place = data.draw(st.integers(1, len(path[-1]) - 1))
    wrong = path[-1][:place] + "q" + path[-1][place:]
    text = yaml.safe_dump(with_key(document, path, wrong), sort_keys=False)
    (line,) = [number for number, content in enumerate(text.splitlines(), 1) if f"{wrong}:" in content]
    said = refused(text)
    assert f"<plan>:{line}: unknown key {wrong!r}" in said
    assert f"Did you mean {path[-1]!r}?" in said


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(documents, st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_the_order_of_keys_comments_or_how_the_text_is_written(document, random):
    digest = Plan.from_yaml(document).digest
    other = yaml.safe_dump(reordered(document, random), sort_keys=False).replace("\n", "  # said aside\n")
    assert Plan.from_yaml(other).digest == digest
    assert Plan.from_yaml(json.dumps(document)).digest == digest


@settings(max_examples=25, deadline=None)
@given(documents, documents)
def test_plans_that_do_something_else_have_another_digest(one, other):
    def essence(document):
        return json.loads(
            json.dumps(document),
            object_hook=lambda found: {
                key: value for key, value in found.items() if key not in ("description", "on-error")
            },
        )

    assert (Plan.from_yaml(one).digest == Plan.from_yaml(other).digest) == (essence(one) == essence(other))


def test_the_digest_does_not_depend_on_the_name_of_the_file(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("actions: [{type: print}]")
    one, two = (Plan.from_yaml(tmp_path / f"{name}.yaml") for name in ("one", "two"))
    assert one.digest == two.digest
    assert (one.pipelines[0].name, two.pipelines[0].name) == ("one", "two")


def test_checkpoints_and_descriptions_do_not_count_in_the_digest_and_the_section_does():
    text = "{server: {plans: [{actions: [{type: print}]}]}%s}"
    plain = Plan.from_yaml(text % "")
    assert Plan.from_yaml(text % ", description: a, checkpoint: never, on-error: skip").digest == plain.digest
    assert Plan.from_yaml(text % "", section="server").digest != plain.digest


def test_a_plan_has_actions_or_plans_and_something_to_do():
    both = "{actions: [{type: print}], plans: [{actions: [{type: print}]}]}"
    assert "A plan has 'actions' or 'plans', not both." in refused(both)
    assert "There is nothing to do in this plan." in refused("{name: empty}")
    assert "a plan needs actions." in refused("plans: [{name: a}]")


def test_mistakes_that_actions_find_when_they_are_made_are_told_together(tmp_path):
    text = "plans:\n" + "".join(
        f"- name: {name}\n  actions:\n  - type: metadata-mapping\n    mapping: {name}.yaml\n" for name in "ab"
    )
    (tmp_path / "plan.yaml").write_text(text)
    with pytest.raises(DocumentError, match=r"(?s)2 mistakes in the plan:.*plan\.yaml:4: .*plan\.yaml:8: "):
        Plan.from_yaml(tmp_path / "plan.yaml")


def test_a_mistake_that_an_action_finds_when_it_is_made_has_its_line(tmp_path):
    (tmp_path / "plan.yaml").write_text("actions:\n- type: print\n- type: metadata-mapping\n  mapping: missing.yaml\n")
    with pytest.raises(DocumentError, match=r"plan\.yaml:3: .*actions\[1\].*missing\.yaml"):
        Plan.from_yaml(tmp_path / "plan.yaml")
