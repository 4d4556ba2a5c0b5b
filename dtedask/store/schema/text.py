"""A schema as a YAML document that people read: one key a line, lists and mappings of one key on it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dtedask.store.schema.document import Schema

# What every YAML reader takes for this very text, whatever its version: no number, no date, no truth.
_PLAIN = re.compile(r"[A-Za-z_][\w.+-]*")
_NOT_PLAIN = re.compile(r"(?i)true|false|yes|no|on|off|null|none|y|n")


def schema_text(schema: Schema, *, comments: Sequence[str] = (), notes: Sequence[str] = ()) -> str:
    """Write a schema as a YAML document; reading it gives an equal schema.

    Parameters
    ----------
    schema : Schema
        The schema.
    comments : sequence of str
        Lines in front of the document.
    notes : sequence of str
        A line in front of each rule.
    """
    return "\n".join([*(f"# {line}".rstrip() for line in comments), *_lines(schema, notes)]) + "\n"


def _lines(schema: Schema, notes: Sequence[str]) -> Iterator[str]:
    document = schema.model_dump(mode="json", exclude_defaults=True, exclude={"rules", "version"})
    yield f"version: {schema.version}"
    for name, value in document.items():
        yield ""
        yield from _block(name, value)
    if schema.rules:
        yield ""
        yield "rules:"
    for number, rule in enumerate(schema.rules):
        if number:
            yield ""
        if number < len(notes):
            yield f"# {notes[number]}"
        if rule.name:
            yield f"- name: {_scalar(rule.name)}"
        yield "  keys:" if rule.name else "- keys:"
        for key, said in rule.model_dump(mode="json")["keys"].items():
            yield f"    {key}: {_flow(said)}"


def _block(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{name}: {_flow(value)}"
        return
    yield f"{name}:"
    for key, inner in value.items():
        yield f"  {_scalar(key)}: {_flow(inner)}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    return value if _PLAIN.fullmatch(value) and not _NOT_PLAIN.fullmatch(value) else json.dumps(value)
