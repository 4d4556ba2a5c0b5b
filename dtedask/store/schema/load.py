"""Reading a schema from a file, and what is said of its rules when it is read."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

from dtedask.core.documents import load_document, read_yaml
from dtedask.core.errors import DocumentError
from dtedask.store.schema.convert import from_fdb
from dtedask.store.schema.document import Schema
from dtedask.store.schema.overlap import SchemaWarning, overlapping, unreachable
from dtedask.store.schema.text import schema_text

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
    if (text := _fdb_text(source)) is not None:
        found = from_fdb(text, os.fspath(source))
        check_rules(found.schema, lambda place: f"{os.fspath(source)}:{found.lines[place]}")
        return found.schema
    schema = load_document(source, Schema, kind="schema")
    if schema.rules:
        check_rules(schema, _places(os.fspath(source)))
    return schema


def import_fdb(path: str | os.PathLike[str]) -> tuple[Schema, str]:
    """Convert a file with FDB's schema.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    tuple of (Schema, str)
        The schema, and the same as a YAML document that names the lines of the file.

    Raises
    ------
    DocumentError
        Naming file, line, column and text of what is wrong.

    Warns
    -----
    SchemaWarning
        If rules take some of the same fields.
    """
    place = os.fspath(path)
    found = from_fdb(_read(Path(path)), place)
    check_rules(found.schema, lambda rule: f"{place}:{found.lines[rule]}")
    name = Path(path).name
    head = (f"Made from FDB's schema {name}; the first rule that takes a field counts.",)
    return found.schema, schema_text(found.schema, comments=head, notes=[f"{name}:{line}" for line in found.lines])


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


def is_fdb_text(text: str) -> bool:
    """Whether a text is FDB's schema: it begins with a rule in brackets, or with a type that ends in a semicolon."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    content = " ".join(line for line in lines if line)
    head = content.partition("[")[0].strip()
    return content.startswith("[") or (head.endswith(";") and ":" in head)


def _fdb_text(source: str | os.PathLike[str]) -> str | None:
    """Text of a file that is FDB's schema; None of anything else."""
    path = Path(source)
    if "\n" in os.fspath(source) or ": " in os.fspath(source) or path.suffix in (".yaml", ".yml", ".json"):
        return None
    try:
        text = path.expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return text if is_fdb_text(text) else None


def _read(path: Path) -> str:
    try:
        return path.expanduser().read_text("utf-8")
    except FileNotFoundError as error:
        raise DocumentError(f"There is no schema file {str(path)!r}.", hint="Check its name.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"Cannot read the schema file {str(path)!r}: {error}.") from error


def _places(source: str) -> Place:
    path = None if "\n" in source else Path(source)
    text = source if path is None else path.expanduser().read_text("utf-8")
    lines = read_yaml(text, "<schema>" if path is None else source)[1]
    return lambda place: lines.at(("rules", place))
