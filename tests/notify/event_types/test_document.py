"""The document of event types: short form, aviso-server's form, what is wrong in one."""

from datetime import timedelta

import jsonschema
import pytest

from dtedask.core.errors import DocumentError, UnknownEventTypeError
from dtedask.notify.event_types import EventTypesDocument, load_event_types

SHORT = """
{flight: {identifier: {country: {type: string, required: true}, number: {type: integer}}, payload: {required: false}}}
"""

AVISO = """
notification_schema:
  alert:
    topic: {base: alert, key_order: [level, day]}
    identifier:
      level: {type: EnumHandler, values: [Low, High], required: true, description: How bad.}
      day: {type: DateHandler, canonical_format: "%Y-%m-%d", required: false}
      polygon: {type: PolygonHandler, required: true}
    payload: {required: true}
    auth:
      required: true
      read_roles: {localrealm: ["*"]}
      write_roles: {localrealm: [producer]}
    storage_policy: {retention_time: 7d, max_messages: 500, max_size: 2Gi, allow_duplicates: false}
    max_historical_notifications: 20
"""


def test_the_short_form_is_read():
    flight = load_event_types(SHORT)["flight"]
    assert list(flight.keys) == ["country", "number"]
    assert flight.required == ("country",)
    assert not flight.payload_required


def test_the_form_of_aviso_server_is_read():
    alert = load_event_types(AVISO)["alert"]
    assert alert.retention.age == timedelta(days=7)
    assert alert.retention.count == 500
    assert (alert.read_roles, alert.write_roles) == ({"localrealm": ("*",)}, {"localrealm": ("producer",)})
    assert alert.requires_login is True
    assert alert.max_historical == 20
    assert alert.topic == ("alert", "level", "day")


def test_the_schema_has_the_shape_of_aviso_server():
    assert load_event_types(AVISO)["alert"].schema() == {
        "payload": {"required": True},
        "identifier": {
            "level": {"type": "EnumHandler", "values": ["low", "high"], "required": True, "description": "How bad."},
            "day": {"type": "DateHandler", "canonical_format": "%Y-%m-%d", "required": False},
            "polygon": {"type": "PolygonHandler", "required": True},
        },
    }


def test_a_configuration_of_aviso_server_is_read_and_its_other_settings_are_named(caplog):
    assert list(load_event_types(f"application: {{port: 8000}}\n{AVISO}")) == ["alert"]
    assert "application" in caplog.text


def test_without_a_document_there_are_mars_and_dissemination():
    types = load_event_types()
    assert list(types) == ["mars", "dissemination"]
    assert types["mars"].draft({"class": "od", "step": 6}).identifier == {"class": "od", "expver": "0001", "step": "6"}


def test_a_ready_made_type_gets_what_its_document_adds():
    types = load_event_types("{mars: {retention: {age: 48 h}}, dissemination: }")
    assert types["mars"].retention.age == timedelta(hours=48)
    assert "step" in types["mars"].keys
    assert types["dissemination"].payload_required


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("a:\n  identifer: {x: string}", r"<event types>:2: unknown key 'identifer' in a. Did you mean 'identifier'"),
        ("a:\n  identifier:\n    x: {type: strng}", r":3: .*no type 'strng'.* Did you mean 'string'"),
        ("a:\n  identifier:\n    x: {type: integer, rang: [1, 2]}", r":3: unknown key 'rang'.* Did you mean 'range'"),
        ("a:\n  identifier:\n    x: {type: integer, range: [2, 1]}", r":3: .*\[2, 1\] is no range"),
        ("a:\n  identifier:\n    x: {type: regex, pattern: '['}", r":3: .*no regular expression"),
        ("a:\n  identifier:\n    x: {type: enum, values: [b, B]}", r":3: .*'b' is there twice"),
        ("a:\n  identifier:\n    x: {type: integer, default: many}", r":3: .*the default cannot be 'many'"),
        ("a:\n  identifier:\n    area: polygon", r"'area' of type 'polygon' must be called 'polygon'"),
        ("a:\n  identifier: {polygon: polygon, point_cloud: point_cloud}", r"two geometries"),
        ("a:\n  identifier: {point: string}", r"no key can be called 'point'"),
        ("a: {}", r"an event type needs an identifier"),
        ("a: {cubes: od/*, identifier: {x: string}}", r"has the keys of its cubes"),
        ("a b: {identifier: {x: string}}", r"'a b' is no name of an event type"),
        ("a: {identifier: {x: string}, retention: {age: soon}}", r"'soon' is no length of time"),
        ("a: {identifier: {x: string}, topic: {base: a, key_order: [y]}}", r"key_order names 'y'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(document, message):
    with pytest.raises(DocumentError, match=message):
        load_event_types(document)


def test_an_unknown_event_type_is_told_with_the_nearest():
    with pytest.raises(UnknownEventTypeError, match="Did you mean 'flight'"):
        load_event_types(SHORT)["fligth"]


@pytest.mark.parametrize(
    ("document", "is_legal"),
    [
        ({"a": {"identifier": {"x": {"type": "integer", "range": [1, 2]}}, "retention": {"age": "7d"}}}, True),
        ({"a": {"identifier": {"x": {"type": "IntHandler"}}}}, False),
        ({"a": {"identifier": {"x": {"type": "integer", "size": 3}}}}, False),
        ({"a": {"keys": {}}}, False),
    ],
)
def test_the_json_schema_takes_what_is_legal(document, is_legal):
    validator = jsonschema.Draft202012Validator(EventTypesDocument.json_schema())
    assert validator.is_valid(document) == is_legal
