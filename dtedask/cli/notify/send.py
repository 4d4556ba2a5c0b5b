"""`dtedask notify send`: send notifications to a server, or write them into the log of a root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, plural, say
from dtedask.cli.notify.options import Auth, CaBundle, Schema, Url, client_of, refuse_both, streams_of, types_of
from dtedask.cli.options import DryRun, JsonLines, Root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dtedask.notify.notification import Draft

_BATCH = 500


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "send",
        send,
        "dtedask notify send event=flight,country=italy,number=3 --url http://127.0.0.1:8765",
        'dtedask notify send \'event=flight,country=italy,payload={"gate": "A4"}\' --root data --schema events.yaml',
        "dtedask notify send @flights.jsonl --root data --schema events.yaml --dry-run",
    )


def send(
    words: Annotated[
        list[str],
        typer.Argument(
            help="event=TYPE,key=value,...,payload=ANYTHING with the payload last; JSON; @FILE, or - for standard "
            "input, with one on each line.",
            metavar="NOTIFICATION",
        ),
    ],
    *,
    url: Url = None,
    root: Root = None,
    schema: Schema = None,
    auth: Auth = None,
    ca_bundle: CaBundle = None,
    dry_run: DryRun = False,
    as_json: JsonLines = False,
) -> None:
    """Send notifications; each is in the log, durably, when its id is written.

    Without --url they are checked by the event types of --root and written into its log, where a server finds them.
    """
    refuse_both(url, root, schema)
    from dtedask.cli.notify.words import read_drafts

    drafts = read_drafts(words)
    count = 0
    found = _to_server(url, auth, ca_bundle, drafts, dry_run) if url else _to_root(root, schema, drafts, dry_run)
    for name, told in found:
        count += 1
        if as_json:
            emit_json({"id": name, **told})
        else:
            emit(name or f"{told['event_type']} {told['identifier']}")
    if dry_run:
        say(f"{plural(count, 'notification')} would be sent; nothing was.")


def _to_server(
    url: str, auth: str | None, ca_bundle: str | None, drafts: Iterable[Draft], dry_run: bool
) -> Iterator[tuple[str, dict[str, object]]]:
    with client_of(url, auth, ca_bundle) as client:
        for draft in drafts:
            told: dict[str, object] = {"event_type": draft.event_type, "identifier": dict(draft.identifier)}
            if dry_run:
                yield "", told
                continue
            sent = client.send(draft.event_type, draft.identifier, draft.payload)
            yield sent.id, {**told, "request_id": sent.request_id, "time": sent.time.isoformat()}


def _to_root(
    root: str | None, schema: str | None, drafts: Iterable[Draft], dry_run: bool
) -> Iterator[tuple[str, dict[str, object]]]:
    with streams_of(root, schema) as streams:
        batch: list[Draft] = []
        for one in drafts:
            batch.append(types_of(streams)[one.event_type].draft(one.identifier, one.payload))
            if len(batch) == _BATCH:
                yield from _written(streams.append(batch) if not dry_run else batch)
                batch.clear()
        if batch:
            yield from _written(streams.append(batch) if not dry_run else batch)


def _written(found: Iterable[object]) -> Iterator[tuple[str, dict[str, object]]]:
    from dtedask.notify.notification import Draft, Notification

    for one in found:
        assert isinstance(one, Draft | Notification)
        told: dict[str, object] = {"event_type": one.event_type, "identifier": dict(one.identifier)}
        if isinstance(one, Notification):
            yield one.id, {**told, "time": one.time.isoformat()}
        else:
            yield "", told
