"""The schema of listeners that clients of Aviso 1 load from the server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DocumentError
from dtedask.serve.etcd.layouts import Layout

if TYPE_CHECKING:
    from dtedask.notify.event_types import EventTypes

__all__ = ["SCHEMA_FOLDER", "read_schema", "schema_files"]

SCHEMA_FOLDER = "/ec/config/aviso/v1/"
"""Where clients of Aviso 1 look for it."""

_VERSION = 0.1
_FOUR_DIGITS = "{0:0>4}"


def read_schema(path: Path) -> dict[str, Any]:
    """Read a schema of listeners of Aviso 1.

    Raises
    ------
    DocumentError
        If there is none in the file.
    """
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DocumentError(
            f"The schema of listeners {str(path)!r} cannot be read: {error}.",
            hint="The setting dtedask.notify.etcd.schema names a file event_listener_schema.json of Aviso 1.",
        ) from error
    if not isinstance(found, dict):
        raise DocumentError(f"The schema of listeners {str(path)!r} is no mapping of events.")
    return found


def schema_files(types: EventTypes, layouts: Sequence[Layout], given: dict[str, Any] | None = None) -> dict[str, bytes]:
    """Make the files that clients of Aviso 1 load, by key.

    Parameters
    ----------
    types : EventTypes
        Event types that are served.
    layouts : sequence of Layout
        Their keys.
    given : dict, optional
        What goes before what is made.
    """
    made = {layout.event_type: _event(types, layout) for layout in layouts}
    events = {"version": _VERSION, **made, **(given or {})}
    enums = {key for event in made.values() for key, kinds in event["request"].items() if _is_enum(kinds)}
    # Clients with the parser of ECMWF add these values to those of the schema, which has all of them.
    language: dict[str, Any] = {"_field": {key: {"values": []} for key in sorted(enums)}}
    return {
        f"{SCHEMA_FOLDER}event_listener_schema.json": json.dumps(events, indent=1).encode(),
        f"{SCHEMA_FOLDER}language.json": json.dumps(language).encode(),
    }


def _event(types: EventTypes, layout: Layout) -> dict[str, Any]:
    keys = types[layout.event_type].schema()["identifier"]
    endpoint = {"engine": ["etcd_rest", "etcd_grpc"], "base": layout.base, "stem": layout.stem}
    return {"endpoint": [endpoint], "request": {name: _kinds(keys.get(name, {})) for name in layout.fields}}


def _kinds(key: dict[str, Any]) -> list[dict[str, Any]]:
    """Say what a value may be, in the words of Aviso 1; the first that takes it is used."""
    required = {"required": True} if key.get("required") else {}
    text = {"type": "StringHandler", **required}
    match key.get("type", ""):
        case "DateHandler":
            return [{"type": "DateHandler", "canonic": "%Y%m%d", **required}]
        case "TimeHandler":
            return [{"type": "IntHandler", "range": [0, 2359], "canonic": _FOUR_DIGITS, **required}]
        case "ExpverHandler":
            return [{"type": "IntHandler", "canonic": _FOUR_DIGITS, **required}, {**text, "canonic": "lower"}]
        case "IntHandler":
            limits = {"range": key["range"]} if key.get("range") else {}
            return [{"type": "IntHandler", **limits, **required}]
        case "FloatHandler":
            return [{"type": "FloatHandler", **required}]
        case "EnumHandler":
            return [{"type": "EnumHandler", "values": list(key["values"]), **required}]
    return [text]


def _is_enum(kinds: list[dict[str, Any]]) -> bool:
    return any(kind["type"] == "EnumHandler" for kind in kinds)
