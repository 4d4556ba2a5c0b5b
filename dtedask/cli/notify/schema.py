"""`dtedask notify schema`: what notifications are about."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_table
from dtedask.cli.notify.options import Auth, CaBundle, Schema, Url, client_of, refuse_both, streams_of, types_of
from dtedask.cli.options import Json, Root


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "schema",
        schema_command,
        "dtedask notify schema --url http://127.0.0.1:8765",
        "dtedask notify schema flight --schema events.yaml --json",
        "dtedask notify schema data --root data",
        "dtedask notify schema --json-schema > events.schema.json",
    )


def schema_command(
    event_type: Annotated[
        str | None, typer.Argument(help="Event type; by default all.", metavar="TYPE", show_default=False)
    ] = None,
    *,
    url: Url = None,
    root: Root = None,
    schema: Schema = None,
    auth: Auth = None,
    ca_bundle: CaBundle = None,
    json_schema: Annotated[
        bool, typer.Option("--json-schema", help="JSON schema of the document of event types (--schema) instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show event types: their keys, which of them are required, and what values they take.

    Those of a server, of a root (with one for each cube), or of a document alone.
    """
    if json_schema:
        from dtedask.notify.event_types import EventTypesDocument

        emit_json(EventTypesDocument.json_schema(), indent=2)
        return
    refuse_both(url, root, schema)
    found = _found(event_type, url, root, schema, auth, ca_bundle)
    if as_json:
        emit_json(found[event_type] if event_type is not None else found, indent=2)
    elif event_type is not None:
        _show_one(found[event_type])
    else:
        rows = [
            (name, ", ".join(one.get("identifier", {})), one.get("description") or "") for name, one in found.items()
        ]
        emit_table(("event type", "keys", "description"), rows)


def _found(
    event_type: str | None,
    url: str | None,
    root: str | None,
    schema: str | None,
    auth: str | None,
    ca_bundle: str | None,
) -> dict[str, Any]:
    if url is not None:
        with client_of(url, auth, ca_bundle) as client:
            return client.schema() if event_type is None else {event_type: client.schema(event_type)}
    if root is None and schema is not None:
        from dtedask.notify.event_types import load_event_types

        types = load_event_types(schema)
        return {name: types[name].schema() for name in ([event_type] if event_type is not None else types)}
    with streams_of(root, schema) as streams:
        known = types_of(streams)
        return {name: known[name].schema() for name in ([event_type] if event_type is not None else known)}


def _show_one(schema: dict[str, Any]) -> None:
    if schema.get("description"):
        emit(str(schema["description"]))
    rows = []
    for name, key in schema.get("identifier", {}).items():
        said = {k: v for k, v in key.items() if k not in ("type", "required", "description") and v is not None}
        values = "; ".join(f"{k} {_text(v)}" for k, v in said.items())
        kind = str(key.get("type", "")).removesuffix("Handler").lower()
        rows.append((name, kind, "yes" if key.get("required") else "no", values, key.get("description") or ""))
    emit_table(("key", "type", "required", "values", "description"), rows)
    payload = schema.get("payload")
    if payload:
        emit(f"payload: {'required' if payload.get('required') else 'may be left out'}")


def _text(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)
