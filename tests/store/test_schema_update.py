"""Another schema for a root: accepted where every field is found as before, and kept beside the one before."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DocumentError, NotFoundError, SchemaError
from dtedask.store.schema import Schema

NAMES = (f"schema-update-{number}" for number in itertools.count())
NEEDED = dict.fromkeys(("class", "stream", "expver", "type", "levtype", "param", "date", "time", "step"), "any")


def schema_of(*rules, **others):
    return Schema.model_validate({"rules": [{"keys": {**NEEDED, **rule}} for rule in rules], **others})


def archived(make_field, schema, *fields):
    store = dtedask.open(f"memory://{next(NAMES)}", schema=schema)
    for keys in fields:
        store.archive(*make_field(**{"type": "fc", **keys}))
    store.flush()
    return store


def seen(store):
    return sorted((one.cube, one.group, one.variable, tuple(one.keys.items())) for one in store.list())


CHANGES = [
    lambda rule: {**rule, "number": "optional"},
    lambda rule: {**rule, "own": "optional"},
    lambda rule: {**rule, "own": {"default": "x"}},
    lambda rule: {**rule, "own": {"type": "first3", "optional": True}},
    lambda rule: {**rule, "levelist": {"default": "500"}},
    lambda rule: {**rule, "levelist": "hidden"},
    lambda rule: {**rule, "levelist": "any"},
    lambda rule: {**rule, "type": {"exclude": ["an"]}},
    lambda rule: {**rule, "step": ["0", "6"]},
    lambda rule: {**rule, "step": ["0"]},
    lambda rule: {**rule, "time": "hidden"},
    lambda rule: {**rule, "date": {"type": "year-month"}},
    lambda rule: {**rule, "date": {"type": "climate-daily"}},
    lambda rule: {key: said for key, said in rule.items() if key != "own"},
]
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "qualifiers": st.sampled_from([["model"], ["own"], ["resolution", "own"]]),
        "keys": st.sampled_from([{"own": "string"}, {"own": "integer"}, {"own": "string", "other": "double"}]),
        "values": st.just({"dtype": "float64"}),
    },
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Rules take some of the same fields")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(CHANGES), max_size=3), PARTS, st.booleans())
def test_after_any_accepted_update_all_fields_are_listed_retrieved_and_archived_as_before(
    make_field, changes, parts, is_added
):
    before = {"levelist": "optional", "own": "optional"}
    fields = [{"levelist": "850"}, {"levelist": "500", "step": "6"}, {"stream": "oper", "own": "abcd"}]
    store = archived(make_field, schema_of(before, keys={"own": "string"}), *fields)
    first, values = seen(store), [store.retrieve(dict(one.keys))["t"].values.tolist() for one in store.list()]
    rule = before
    for change in changes:
        rule = change(rule)
    rules = [rule, {"stream": "enfo", "type": "an"}] if is_added else [rule]
    try:
        after = Schema.model_validate(
            {"keys": {"own": "string"}, "rules": [{"keys": {**NEEDED, **one}} for one in rules], **parts}
        )
        done = store.update_schema(after)
    except (SchemaError, ValueError):
        assert store.schema() == schema_of(before, keys={"own": "string"})
        assert seen(store) == first
        return
    assert (done.fields, store.schema()) == (3, after)
    for handle in (store, dtedask.open(store.root)):
        assert seen(handle) == first
        assert [handle.retrieve(dict(one.keys))["t"].values.tolist() for one in handle.list()] == values
    for keys in fields:
        store.archive(*make_field(**{"type": "fc", **keys}))
    store.flush()
    assert store.unchanged == 3
    assert seen(store) == first


@pytest.mark.parametrize(
    ("rule", "others", "why"),
    [
        ({"type": "an"}, {}, r"step=6.*rule 1: type=fc is not an"),
        ({"number": {"default": "1"}}, {}, r"number would be another"),
        ({"time": "hidden"}, {}, r"time would be another"),
        ({"date": {"type": "year"}}, {}, r"date=20240101 would be another value"),
        ({"step": "0/12"}, {}, r"1 of 2 fields would not be found: .*step=6.*step=6 is not 0/12"),
        ({}, {"qualifiers": ["model", "fcmonth"]}, None),
    ],
)
def test_an_update_that_would_orphan_fields_is_refused_and_names_them(make_field, rule, others, why):
    store = archived(make_field, schema_of({}), {"step": "0"}, {"step": "6"})
    if why is None:
        assert store.update_schema(schema_of(rule, **others)).changes == ("other qualifiers",)
        return
    with pytest.raises(SchemaError, match=why):
        store.update_schema(schema_of(rule, **others))
    assert store.schema() == schema_of({})


def test_fields_of_a_tag_and_of_a_branch_count_as_well(make_field):
    store = archived(make_field, schema_of({}), {"step": "0"})
    store.create_branch("trial")
    trial = dtedask.open(store.root, branch="trial")
    trial.archive(*make_field(type="fc", step="12"))
    trial.flush()
    with pytest.raises(SchemaError, match="step=12 is not 0"):
        store.update_schema(schema_of({"step": "0"}))


def test_every_version_is_kept_in_the_root_and_a_dry_run_changes_nothing(make_field):
    schemas = [
        schema_of({}),
        schema_of({"number": "optional"}),
        schema_of({"number": "optional"}, keys={"own": "date"}),
    ]
    store = archived(make_field, schemas[0], {})
    assert store.update_schema(schemas[0]).changes == ()
    assert store.update_schema(schemas[1], doit=False).version == 2
    assert store.schema() == schemas[0]
    assert [store.update_schema(one).version for one in schemas[1:]] == [2, 3]
    assert [store.schema(number) for number in (1, 2, 3)] == schemas
    with pytest.raises(NotFoundError, match="no version 4 of its schema. It has 1 to 3"):
        store.schema(4)


def test_a_root_that_is_opened_with_another_schema_is_read_but_not_written(make_field):
    store = archived(make_field, schema_of({}), {})
    other = dtedask.open(store.root, schema=schema_of({"number": "optional"}))
    assert seen(other) == seen(store)
    assert other.schema() == schema_of({})
    with pytest.raises(SchemaError, match=r"has another schema: rule 1 differs in number.*schema update"):
        other.archive(*make_field(type="fc"))
    store.update_schema(schema_of({"number": "optional"}))
    assert other.archive(*make_field(type="fc", number="3")) == 1
    of_old = dtedask.open(store.root, schema=schema_of({}))
    assert of_old.archive(*make_field(type="fc", number="3")) == 1


def test_fields_that_were_archived_before_an_update_are_refused_after_it(make_field):
    store = archived(make_field, schema_of({}), {})
    store.archive(*make_field(type="fc", step="24"))
    dtedask.open(store.root).update_schema(schema_of({"step": "0/6"}))
    with pytest.raises(SchemaError, match="was changed after the fields were archived"):
        store.flush()
    store.discard()
    store.archive(*make_field(type="fc", step="6"))
    assert [commit.new for commit in store.flush()] == [1]


def test_a_root_without_rules_gets_them_where_all_fields_are_taken(make_field):
    store = archived(make_field, None, {}, {"param": "q"})
    with pytest.raises(SchemaError, match="param=133 is not 130|param=133 is not t"):
        store.update_schema(schema_of({"param": "t"}))
    assert store.update_schema(schema_of({"param": "t/q"})).changes == ("1 rules, not 0",)


def test_an_update_takes_a_file_and_tells_its_mistakes(make_field, tmp_path):
    store = archived(make_field, None, {})
    path = tmp_path / "fdb-schema"
    path.write_text("[ class, stream, expver, date, time [ type, levtype [ step, param ]]]\n")
    assert store.update_schema(path).version == 2
    path.write_text("[ class, stream, expver, date, time [ type, levtype [ step, parm ]]\n")
    with pytest.raises(DocumentError, match="fdb-schema:"):
        store.update_schema(path)


def test_fields_without_a_time_and_without_a_step_are_found_as_before(make_field):
    rule = {key: "any" for key in NEEDED if key not in ("time", "step")}
    before, after = ({"rules": [{"keys": {**rule, **more}}]} for more in ({}, {"number": "optional"}))
    store = dtedask.open(f"memory://{next(NAMES)}", schema=Schema.model_validate(before))
    array, keys = make_field(type="fc")
    store.archive(array, {key: value for key, value in keys.items() if key in rule})
    store.flush()
    (record,) = store.list()
    assert set(record.keys) == set(rule)
    assert store.update_schema(Schema.model_validate(after)).fields == 1
    assert store.retrieve(dict(record.keys)).sizes["forecast_reference_time"] == 1
