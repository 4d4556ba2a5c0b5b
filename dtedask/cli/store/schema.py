"""`dtedask store schema import|check|show|update`: the rules by which a root takes fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add, new_group
from dtedask.cli.console import emit, emit_json, plural, say
from dtedask.cli.options import DryRun, Json, Root
from dtedask.cli.store.roots import open_root

if TYPE_CHECKING:
    from dtedask.store import Schema

File = Annotated[str, typer.Argument(help="A schema: YAML, or FDB's own text.", metavar="FILE", show_default=False)]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    schema = new_group(help="The rules by which a root takes fields.", no_args_is_help=True)
    add(schema, "import", import_schema, "dtedask store schema import fdb-schema --to new.yaml")
    add(
        schema,
        "check",
        check,
        "dtedask store schema check schema.yaml",
        "dtedask store schema check fdb-schema --json",
    )
    add(schema, "show", show, "dtedask store schema show --root data", "dtedask store schema show --root data --json")
    add(schema, "update", update, "dtedask store schema update schema.yaml --root data --dry-run")
    group.add_typer(schema, name="schema")


def import_schema(
    file: Annotated[str, typer.Argument(help="FDB's schema.", metavar="FILE", show_default=False)],
    *,
    to: Annotated[str, typer.Option("--to", metavar="FILE", help="Where to write the YAML; - for standard output.")],
    dry_run: DryRun = False,
) -> None:
    """Convert FDB's schema text to YAML.

    A file that exists is replaced, once all of the text is read and its rules are checked against each other.
    """
    from dtedask.store.schema import import_fdb

    schema, text = import_fdb(file)
    if dry_run:
        say(f"{plural(len(schema.rules), 'rule')} would be written to {to}.")
    elif to == "-":
        emit(text.rstrip("\n"))
    else:
        Path(to).write_text(text, encoding="utf-8")
        say(f"{plural(len(schema.rules), 'rule')} written to {to}.")


def check(file: File, *, as_json: Json = False) -> None:
    """Check a schema: its keys, types and values, and its rules against each other.

    Rules that overlap are warned of; one that can never be reached is an error.
    """
    from dtedask.store.schema import load_schema

    found = load_schema(file)
    if as_json:
        emit_json(_object(found))
    else:
        say(f"{file} is a schema of {plural(len(found.rules), 'rule')}.")


def show(
    *,
    root: Root = None,
    version: Annotated[
        int | None, typer.Option("--version", metavar="NUMBER", help="An earlier one, counted from 1.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the schema of a root, as YAML."""
    from dtedask.store.schema import schema_text

    found = open_root(root, None).schema(version)
    if as_json:
        emit_json(_object(found))
    else:
        emit(schema_text(found).rstrip("\n"))


def update(file: File, *, root: Root = None, dry_run: DryRun = False) -> None:
    """Give a root another schema.

    It is refused if a field of the root would not be found under it, or would be archived elsewhere. The schema before
    stays in the root: `schema show --version`.
    """
    done = open_root(root, None).update_schema(file, doit=not dry_run)
    fields = plural(done.fields, "field")
    if not done.changes:
        say(f"Nothing changes; all of {fields} are found.")
        return
    for change in done.changes:
        emit(change)
    say(f"Version {done.version} of the schema {'would be' if dry_run else 'is'} good for all of {fields}.")


def _object(schema: Schema) -> dict[str, object]:
    return schema.model_dump(mode="json", exclude_defaults=True, exclude={"version"}) | {"version": schema.version}
