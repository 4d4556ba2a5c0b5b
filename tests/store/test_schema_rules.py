"""Rules against each other: what is never reached, and what overlaps; against trying all fields there can be."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError, NoRuleError
from dtedask.store.schema import Schema, SchemaWarning, load_schema
from dtedask.store.schema.overlap import overlapping, unreachable

KEYS = {"one": "string", "two": "string", "three": "integer"}
VALUES = {"one": ["p", "q", "other"], "two": ["p", "q", "other"], "three": ["1", "2", "3"]}  # rules never name the last
FIELDS = [
    {key: value for key, value in zip(VALUES, values, strict=True) if value is not None}
    for values in itertools.product(*([*found, None] for found in VALUES.values()))
]
SETS = st.sets(st.sampled_from(["p", "q"]), min_size=1).map(sorted)
NUMBERS = st.sets(st.sampled_from(["1", "2"]), min_size=1).map(sorted)


def said(values):
    return st.one_of(
        st.sampled_from(["any", "optional", "hidden"]),
        values,
        values.map(lambda found: {"exclude": found}),
        values.map(lambda found: {"allow": found, "optional": True}),
    )


RULES = st.fixed_dictionaries({}, optional={"one": said(SETS), "two": said(SETS), "three": said(NUMBERS)})


def taken_by(schema):
    """Places of the rules that take each field, by trying each rule alone."""
    alone = [Schema(keys=KEYS, rules=(rule,)) for rule in schema.rules]
    return [[place for place, one in enumerate(alone) if takes(one, keys)] for keys in FIELDS]


def takes(schema, keys):
    try:
        schema.fit(keys)
    except NoRuleError:
        return False
    return True


@pytest.mark.slow
@given(st.lists(RULES.filter(bool), min_size=2, max_size=4))
def test_rules_that_no_field_reaches_and_those_that_share_fields_are_found(rules):
    schema = Schema.model_validate({"keys": KEYS, "rules": [{"keys": rule} for rule in rules]})
    types = [schema.types_of(rule) for rule in schema.rules]
    taken = taken_by(schema)
    first = {places[0] for places in taken if places}
    assert {place for place, _ in unreachable(schema.rules, types)} == set(range(len(rules))) - first
    pairs = {pair for places in taken for pair in itertools.combinations(places, 2)}
    assert set(overlapping(schema.rules, types)) == pairs
    for keys, places in zip(FIELDS, taken, strict=True):
        if places:
            assert schema.fit(keys).rule == places[0] + 1


def test_several_rules_together_can_hide_one():
    rules = "- keys: {class: od, type: an}\n- keys: {class: od, type: {exclude: an}}\n- keys: {class: od, type: any}\n"
    with pytest.raises(DocumentError, match="<schema>:4: rule 3 can never be reached: rule 1 and rule 2 take all"):
        load_schema(f"rules:\n{rules}")


def test_a_warning_names_both_rules_and_a_schema_that_is_fine_says_nothing():
    rules = "- {name: all, keys: {class: any, type: an}}\n- {name: od, keys: {class: od, type: any}}\n"
    with pytest.warns(SchemaWarning, match=r"rule 2 'od' \(<schema>:3\) and rule 1 'all'"):
        load_schema(f"rules:\n{rules}")
    load_schema(f"rules:\n{rules.replace('class: any', 'class: ea')}")


def test_values_of_two_types_are_compared_only_where_they_are_the_same():
    days = "- keys: {class: od, date: {type: climate-daily}}\n- keys: {class: od, date: any}\n"
    with pytest.warns(SchemaWarning, match="rule 2"):
        assert len(load_schema(f"rules:\n{days}").rules) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("keys: {level: string}", r":1: keys.level: the key 'levelist' cannot be of the type 'string'"),
        ("keys: {member: integer}", r":1: keys.member: 'member' cannot be the name of a key"),
        ("keys: {own: strin}", r":1: keys.own: 'strin' is not possible. Did you mean 'string'"),
        ("rules:\n- keys:\n    clas: od", r":3: rules\[0\].keys.clas: Unknown key 'clas'. Did you mean 'class'"),
        ("rules:\n- keys:\n    type: {alow: an}", r":3: unknown key 'alow'.*Did you mean 'allow'"),
        ("rules:\n- keys:\n    date: 20240230", r":3: rules\[0\].keys.date: .*there is no such day"),
        ("rules:\n- keys:\n    type: {allow: an, exclude: fc}", r":3: .*keep one"),
        ("rules:\n- keys:\n    type: {hidden: true, default: an}", r":3: .*a hidden key is dropped"),
        ("rules:\n- keys:\n    type: {allow: an, default: fc}", r":3: .*the default type=fc is not allowed"),
        ("rules:\n- keys:\n    level: any\n    levelist: any", r":4: .*the key 'levelist' is there twice"),
        ("rules:\n- keys: {}", r":2: rules\[0\].keys"),
        ("qualifiers: [nokey]", r":1: qualifiers\[0\]: Unknown key 'nokey'"),
        (
            "keys: {own: string}\nrules:\n- keys: {own: any}\n- keys:\n    own: {type: date}",
            r":5: .*the key 'own' is date here and string before",
        ),
    ],
)
def test_mistakes_of_a_document_name_line_and_remedy(tmp_path, text, said):
    path = tmp_path / "schema.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError, match=said):
        load_schema(path)


@pytest.mark.slow
@given(st.lists(RULES.filter(bool), min_size=1, max_size=3), st.booleans())
def test_a_written_document_reads_as_the_same_schema(rules, is_named):
    from dtedask.core.documents import load_document
    from dtedask.store.schema import schema_text

    named = [{"name": f"no: {place}" if is_named else "", "keys": rule} for place, rule in enumerate(rules)]
    schema = Schema.model_validate({"keys": KEYS, "rules": named, "parameters": {"2t": {"level": 9}}})
    assert load_document(schema_text(schema, comments=["a"], notes=["b"]), Schema, kind="schema") == schema
    assert Schema.model_validate(schema.model_dump(mode="json")) == schema


def test_the_kept_document_of_a_root_with_rules_is_the_schema(memory_store, make_field):
    import dtedask

    rule = dict.fromkeys(("class", "stream", "expver", "type", "levtype", "param", "date", "time", "step"), "any")
    schema = Schema.model_validate({"rules": [{"name": "all", "keys": {**rule, "number": "optional"}}]})
    store = dtedask.open(memory_store.root, schema=schema)
    store.archive(*make_field())
    store.flush()
    assert dtedask.open(memory_store.root).schema() == schema


def test_the_json_schema_of_the_document_knows_the_short_forms():
    import jsonschema

    document = {"rules": [{"keys": {"class": "od", "stream": ["oper"], "date": None, "type": {"exclude": "im"}}}]}
    checker = jsonschema.Draft202012Validator(Schema.model_json_schema())
    assert Schema.model_validate(document)
    assert checker.is_valid(document)
    assert not checker.is_valid({"rules": [{"keys": {"class": {"alow": "od"}}}]})
