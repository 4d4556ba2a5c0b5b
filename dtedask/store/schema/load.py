"""Reading a schema from a file, and what is said of its rules when it is read."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

from dtedask.core.documents import load_document, read_yaml
from dtedask.core.errors import DocumentError
from dtedask.store.schema.document import Schema
from dtedask.store.schema.overlap import SchemaWarning, overlapping, unreachable

_SHOWN = 10
Place = Callable[[int], str]


def load_schema(source: Schema | str | os.PathLike[str]) -> Schema:
    """Read a schema and check its rules against each other.

    Parameters
    ----------
    source : Schema, str or path
        A schema, the path of a YAML document or of FDB's schema, or YAML text.

    Raises
    ------
    DocumentError
        Naming file, line and text of everything that is wrong; also if a rule can never be reached.

    Warns
    -----
    SchemaWarning
        If rules take some of the same fields: the first of them wins.
    """
    if isinstance(source, Schema):
        check_rules(source, lambda _: "<schema>")
        return source
    schema = load_document(source, Schema, kind="schema")
    if schema.rules:
        check_rules(schema, _places(os.fspath(source)))
    return schema


def check_rules(schema: Schema, place: Place) -> None:
    """Refuse rules that can never be reached, and warn of those that overlap.

    Parameters
    ----------
    schema : Schema
        Its rules.
    place : callable
        File and line of the rule at a place, from 0.

    Raises
    ------
    DocumentError
        If a rule can never be reached.

    Warns
    -----
    SchemaWarning
        If rules overlap.
    """
    labels = [rule.label(number) for number, rule in enumerate(schema.rules, 1)]
    types = [schema.types_of(rule) for rule in schema.rules]
    for late, early in unreachable(schema.rules, types):
        by = " and ".join(labels[one] for one in early)
        raise DocumentError(
            f"{place(late)}: {labels[late]} can never be reached: {by} {'take' if len(early) > 1 else 'takes'} all of "
            "its fields.",
            hint="Move it in front, or remove it.",
        )
    pairs = list(overlapping(schema.rules, types))
    if pairs:
        told = [f"{labels[late]} ({place(late)}) and {labels[early]}" for early, late in pairs[:_SHOWN]]
        more = [f"and {len(pairs) - _SHOWN} more"] if len(pairs) > _SHOWN else []
        warnings.warn(
            f"Rules take some of the same fields, and the earlier one wins: {'; '.join([*told, *more])}.",
            SchemaWarning,
            stacklevel=3,
        )


def _places(source: str) -> Place:
    path = None if "\n" in source else Path(source)
    text = source if path is None else path.expanduser().read_text("utf-8")
    lines = read_yaml(text, "<schema>" if path is None else source)[1]
    return lambda place: lines.at(("rules", place))
