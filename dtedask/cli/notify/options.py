"""Options that commands of `dtedask notify` share, and where they lead to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from dtedask.cli.options import root_or_setting

if TYPE_CHECKING:
    from dtedask.notify.client import NotifyClient
    from dtedask.notify.delivery import DeliveryState
    from dtedask.notify.event_types import EventTypes
    from dtedask.notify.streams import Streams

__all__ = ["Auth", "CaBundle", "Schema", "Url", "client_of", "refuse_both", "state_of", "streams_of", "types_of"]

Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Server, http://HOST:PORT; without it the log of --root."),
]
Schema = Annotated[
    str | None,
    typer.Option("--schema", metavar="FILE", help="Event types of --root (YAML); without it the ready-made ones."),
]
Auth = Annotated[
    str | None,
    typer.Option(
        "--auth",
        metavar="NAMES",
        help="Environment variables with credentials for --url: bearer:$TOKEN, or basic:$USER:$PASSWORD.",
    ),
]
CaBundle = Annotated[
    str | None, typer.Option("--ca-bundle", metavar="FILE", help="Certificates of authorities to trust for --url.")
]


def refuse_both(url: str | None, root: str | None, schema: str | None = None) -> None:
    """Refuse what belongs to a server together with what belongs to a root."""
    for name, value in (("--root", root), ("--schema", schema)):
        if url is not None and value is not None:
            raise typer.BadParameter(f"take --url or {name}, not both.", param_hint=f"'{name}'")


@contextmanager
def client_of(url: str, auth: str | None, ca_bundle: str | None) -> Iterator[NotifyClient]:
    """Have a client of a server."""
    from dtedask.notify.client import NotifyClient

    with NotifyClient(url, auth=auth, ca_bundle=ca_bundle) as client:
        yield client


@contextmanager
def streams_of(root: str | None, schema: str | None) -> Iterator[Streams]:
    """Have the log of a root; its event types are those that a server of the root has."""
    from dtedask.core.errors import SeveralRootsError
    from dtedask.notify.completeness import completeness_types
    from dtedask.notify.event_types import load_event_types
    from dtedask.notify.streams import open_streams
    from dtedask.store.location import is_roots_document

    place = root_or_setting(root)
    if is_roots_document(place):
        hint = f"Run it for one of them; `dtedask store roots --root {place}` names them."
        raise SeveralRootsError(f"Notifications are of one root, and {place!r} names several.", hint=hint)
    streams = open_streams(place, completeness_types() | load_event_types(schema))
    try:
        yield streams
    finally:
        streams.close()


def types_of(streams: Streams) -> EventTypes:
    """Return the event types of a log that `streams_of` has opened."""
    return cast("EventTypes", streams.types)


def state_of(root: str | None, url: str | None) -> DeliveryState:
    """Have what is remembered of the listeners to a root or to a server."""
    from dtedask.notify.delivery.state import DeliveryState, server_state_path

    refuse_both(url, root)
    if url is not None:
        return DeliveryState(server_state_path(url))
    from dtedask.core.errors import NotFoundError
    from dtedask.notify import open_log

    place = root_or_setting(root)
    if "://" not in place and not Path(place).is_dir():
        raise NotFoundError(f"There is no root at {place!r}.", hint="Check the path; the first archive makes it.")
    return open_log(place).state
