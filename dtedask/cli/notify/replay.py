"""`dtedask notify replay`: what was sent and committed until now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, say
from dtedask.cli.notify.options import Auth, CaBundle, Schema, Url, client_of, refuse_both, streams_of, types_of
from dtedask.cli.options import JsonLines, Root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dtedask.notify.notification import Notification

_NOTHING = 3


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "replay",
        replay,
        "dtedask notify replay event=flight,country=italy --url http://127.0.0.1:8765",
        "dtedask notify replay event=data,param=130 --root data --from 2024-06-03T00:00Z --json",
        "dtedask notify replay 'event=flight,number={\"gte\": 3}' --root data --schema events.yaml --from flight@2",
    )


def replay(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="event=TYPE,key=value: only such; lists are joined by /, conditions are JSON. By default event=data.",
            metavar="FILTER",
            show_default=False,
        ),
    ] = None,
    *,
    begin: Annotated[
        str | None,
        typer.Option("--from", metavar="WHERE", help="First one: a number, an id (flight@3) or a time (UTC)."),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="WHERE", help="Last one; as --from.")] = None,
    url: Url = None,
    root: Root = None,
    schema: Schema = None,
    auth: Auth = None,
    ca_bundle: CaBundle = None,
    as_json: JsonLines = False,
) -> None:
    """List notifications of the past, oldest first, and end.

    Event types of cubes, such as data, tell of commits. The command ends with status 3 where there is nothing.
    """
    refuse_both(url, root, schema)
    from dtedask.cli.notify.words import read_filter, read_where

    event_type, identifier = read_filter(words or ["event=data"])
    first, last = read_where(begin), read_where(end)
    asked = _Asked(event_type, identifier, first, last)
    found = _of_server(asked, url, auth, ca_bundle) if url else _of_root(asked, root, schema)
    count = 0
    for count, one in enumerate(found, start=1):  # noqa: B007 - it is needed afterwards
        if as_json:
            emit_json(one.as_dict())
        else:
            emit(str(one))
    if not count:
        say("There is no such notification.")
        raise typer.Exit(_NOTHING)


@dataclass(frozen=True, slots=True)
class _Asked:
    event_type: str
    identifier: dict[str, Any]
    first: int | datetime | None
    last: int | datetime | None


def _of_server(asked: _Asked, url: str, auth: str | None, ca_bundle: str | None) -> Iterator[Notification]:
    with client_of(url, auth, ca_bundle) as client:
        yield from client.replay(
            asked.event_type,
            asked.identifier,
            from_id=asked.first if isinstance(asked.first, int) else None,
            from_date=asked.first if isinstance(asked.first, datetime) else None,
            to_id=asked.last if isinstance(asked.last, int) else None,
            to_date=asked.last if isinstance(asked.last, datetime) else None,
        )


def _of_root(asked: _Asked, root: str | None, schema: str | None) -> Iterator[Notification]:
    with streams_of(root, schema) as streams:
        name = asked.event_type
        wanted = types_of(streams)[name].filter(asked.identifier, partial=True)
        until = streams.heads().get(name, 0)
        if isinstance(asked.last, int):
            until = min(until, asked.last)
        elif asked.last is not None:
            until = min(until, streams.sequence_at(name, asked.last + timedelta(microseconds=1)) - 1)
        begin = streams.sequence_at(name, asked.first) if isinstance(asked.first, datetime) else asked.first or 1
        after = begin - 1
        while page := streams.page(name, after, until=until):
            yield from (one for one in page if wanted.matches(one))
            after = page[-1].sequence
