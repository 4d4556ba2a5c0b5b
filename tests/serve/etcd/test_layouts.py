"""Notifications under keys of etcd."""

import json

from hypothesis import given
from hypothesis import strategies as st

from dtedask.notify.event_types import load_event_types
from dtedask.serve.etcd.layouts import layouts_of
from dtedask.serve.etcd.schema import schema_files

TYPES = load_event_types(
    {
        "mars": {},
        "dissemination": {},
        "flight": {
            "identifier": {"country": {"type": "string", "required": True}, "number": {"type": "integer"}},
            "topic": {"base": "planes", "key_order": ["number", "country"]},
        },
        "storm": {
            "identifier": {
                "name": {"type": "string"},
                "severity": {"type": "enum", "values": ["low", "high"]},
                "polygon": {"type": "polygon"},
            }
        },
    }
)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters=",=/", exclude_categories=["C"]), min_size=1)


def layout(name, **options):
    return next(one for one in layouts_of(TYPES, **options) if one.event_type == name)


def test_ready_made_types_have_the_keys_that_ecmwf_gives_them():
    keys = {"class": "od", "expver": "0001", "date": "20240603", "time": "0600", "stream": "oper", "step": "12"}
    stem = "class=od,expver=0001,domain=g,time=0600,stream=oper,step=12"
    assert layout("mars").key(keys) == f"/ec/mars/date=20240603,{stem}"
    delivered = {**keys, "destination": "FOO", "target": "E1"}
    assert layout("dissemination").key(delivered) == f"/ec/diss/FOO/date=20240603,target=E1,{stem}"
    assert layout("dissemination").folder(delivered) == "/ec/diss/FOO/"


def test_other_types_have_keys_by_their_topic_without_geometry():
    assert layout("flight").key({"country": "italy", "number": "3"}) == "/ec/planes/number=3,country=italy"
    assert layout("storm").key({"name": "ada", "polygon": [[0, 0]]}) == "/ec/storm/name=ada,severity=None"


@given(name=WORDS, severity=st.none() | WORDS)
def test_keys_turn_back_into_identifiers(name, severity):
    identifier = {"name": name} | ({} if severity is None else {"severity": severity})
    expected = {key: value for key, value in identifier.items() if value != "None"}
    assert layout("storm").identifier(layout("storm").key(identifier)) == expected


@given(WORDS)
def test_keys_and_folders_are_told_apart(destination):
    found = layout("dissemination")
    folder = found.folder({"destination": destination})
    assert found.is_folder(folder)
    assert found.identifier(folder) is None
    assert not found.is_folder(found.key({"destination": destination}))
    assert folder.startswith(found.prefix)


def test_a_schema_of_aviso_1_says_what_keys_are_like():
    schema = {
        "version": 0.1,
        "flight": {
            "endpoint": [
                {"engine": ["file_based"], "base": "/tmp/x", "stem": "{number}"},
                {"engine": ["etcd_rest"], "base": "/air/{country}", "stem": "{number}"},
            ]
        },
    }
    assert layout("flight", schema=schema).key({"country": "italy", "number": "3"}) == "/air/italy/3"
    assert layout("flight", schema=schema).identifier("/air/italy/3") == {"country": "italy", "number": "3"}
    assert layout("storm", schema=schema).prefix == "/ec/storm/"


def test_clients_get_a_schema_with_all_keys():
    files = schema_files(TYPES, layouts_of(TYPES))
    schema, language = (json.loads(content) for content in files.values())
    assert next(iter(files)) == "/ec/config/aviso/v1/event_listener_schema.json"
    assert set(schema) == {"version", *TYPES}
    assert schema["flight"]["request"] == {
        "number": [{"type": "IntHandler"}],
        "country": [{"type": "StringHandler", "required": True}],
    }
    assert schema["storm"]["request"]["severity"] == [{"type": "EnumHandler", "values": ["low", "high"]}]
    assert language == {"_field": {"domain": {"values": []}, "severity": {"values": []}}}
