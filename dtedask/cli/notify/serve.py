"""`dtedask notify serve`: the server of notices."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, say
from dtedask.cli.options import Json, Root, root_or_setting
from dtedask.core.errors import MissingExtraError, SeveralRootsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dtedask.notify.completeness import ExpectationsDocument
    from dtedask.serve.access import Access


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "serve",
        serve,
        "dtedask notify serve --root data --schema events.yaml --port 8765",
        "dtedask notify serve --root data --port 0 --json",
    )


def serve(  # noqa: PLR0913 - each says something else of one server
    *,
    root: Root = None,
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="FILE", help="Event types (YAML); without it the ready-made ones.")
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Name or address to listen at; beyond this host only with --access.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen at; 0 finds a free one.")
    ] = 8765,
    url: Annotated[
        str | None, typer.Option("--url", help="How clients reach the server, where a proxy stands before it.")
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            metavar="URL",
            help="Who owns the log: nats://HOST:PORT, or http://HOST:PORT of another server; without it this server.",
        ),
    ] = None,
    access: Annotated[
        str | None, typer.Option("--access", metavar="FILE", help="Who may do what (YAML); without it everybody all.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let everyone who can reach --host read and send, without --access.")
    ] = False,
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="FILE", help="What runs are to have (YAML): tell when it is there, or late."),
    ] = None,
    etcd: Annotated[
        bool, typer.Option("--etcd", help="Serve clients of Aviso 1 too: the routes of etcd's gateway that they use.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Serve notifications of commits, and of anything that is sent, until Ctrl-C.

    ECMWF's client pyaviso finds what it knows of aviso-server. With --json, one line says when the server is ready.
    """
    from dtedask.notify.completeness import completeness_types, telling
    from dtedask.notify.event_types import load_event_types
    from dtedask.notify.streams import open_streams

    load_access, run = _serving()
    place = root_or_setting(root)
    _refuse_several(place)
    allowed = load_access(access)
    expected = _expected(expect)
    # Completeness may be told by other processes too, such as those that commit.
    streams = open_streams(place, completeness_types() | load_event_types(schema), backend=backend)

    def tell(address: str) -> None:
        if as_json:
            emit_json({"url": address, "root": place, "event_types": list(streams.types)})
        else:
            say(f"Serving notifications of {place} at {address}; Ctrl-C ends it.")

    with nullcontext() if expected is None else telling(streams, place, expected):
        run(
            streams,
            root=place,
            host=host,
            port=port,
            url=url,
            access=allowed,
            insecure=insecure,
            extend=_etcd_of(place) if etcd else None,
            on_ready=tell,
        )


def _expected(file: str | None) -> ExpectationsDocument | None:
    from dtedask.notify.completeness import configured_document, load_expectations

    return configured_document() if file is None else load_expectations(file)


def _etcd_of(root: str) -> Callable[..., object]:
    from dtedask.serve.etcd import add_etcd

    return partial(add_etcd, root=root)


def _serving() -> tuple[Callable[..., Access], Callable[..., None]]:
    try:
        from dtedask.serve.access import load_access
        from dtedask.serve.notify import serve as run
    except ImportError as error:
        raise MissingExtraError(
            f"The server needs {error.name}, which is not installed.", hint="pip install 'dtedask[serve]'"
        ) from error
    return load_access, run


def _refuse_several(root: str) -> None:
    from dtedask.store.location import is_roots_document

    if is_roots_document(root):
        hint = f"Run one server for each; `dtedask store roots --root {root}` names them."
        raise SeveralRootsError(f"A server tells of one root, and {root!r} names several.", hint=hint)
