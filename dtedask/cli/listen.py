"""`dtedask listen`: run listeners for commits, and for what is sent."""

from __future__ import annotations

import json
import sys
import time
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, plural, say
from dtedask.cli.notify.options import Auth, CaBundle, Schema, client_of, refuse_both, state_of
from dtedask.cli.options import DryRun, JsonLines, Root, root_or_setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dtedask.notify import Delivery, Listeners
    from dtedask.notify.delivery import DeliveryState
    from dtedask.notify.listeners import Listener

PROGRESS_S = 10.0


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "listen",
        listen,
        "dtedask listen listeners.yaml --root data --catchup --once",
        "dtedask listen listeners.yaml --root data --from 2024-06-03 --to 2024-06-03T12:00Z",
        "dtedask listen listeners.yaml --url http://127.0.0.1:8765 --catchup --once",
        "dtedask listen listeners.yaml --root data --dry-run",
    )


def listen(  # noqa: PLR0913 - each is an option of the command
    files: Annotated[
        list[str] | None,
        typer.Argument(help="The listeners: YAML files, and folders of them.", metavar="FILES...", show_default=False),
    ] = None,
    *,
    root: Root = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Listen to a server, http://HOST:PORT, and to no root.")
    ] = None,
    schema: Schema = None,
    auth: Auth = None,
    ca_bundle: CaBundle = None,
    catchup: Annotated[
        bool, typer.Option("--catchup", help="A listener that never ran begins with the first commit.")
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="Skip everything until now.")] = False,
    begin: Annotated[
        str | None,
        typer.Option("--from", metavar="WHERE", help="Begin here: a number, an id, a commit (CUBE@3) or a time."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="WHERE", help="End when this was delivered; as --from.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Deliver what there is, and end.")] = False,
    forget: Annotated[
        str | None,
        typer.Option("--forget", metavar="NAME", help="Forget a listener that never comes back; purge waits for it."),
    ] = None,
    dry_run: DryRun = False,
    as_json: JsonLines = False,
) -> None:
    """Run listeners for every commit in a root, whoever makes it, and for what is sent, until Ctrl-C.

    Each listener goes on where it was; one that never ran begins with what comes from now on. A trigger that fails is
    tried again; what still fails is listed by `dtedask notify failed`. With --json, one line for what each listener was
    brought; what triggers write goes to standard error.
    """
    refuse_both(url, root, schema)
    if forget is not None:
        _forget(forget, state_of(root, url), url or root_or_setting(root), dry_run=dry_run)
        return
    if not files:
        raise typer.BadParameter("name the files of the listeners.", param_hint="'FILES...'")
    given = [name for name, value in (("--catchup", catchup), ("--now", now), ("--from", begin)) if value]
    if len(given) > 1:
        raise typer.BadParameter(f"take {' or '.join(given)}, not both.", param_hint=f"'{given[1]}'")
    from dtedask.notify import load_all_listeners

    documents = load_all_listeners(files)
    listeners = [listener for document in documents for listener in document.listeners]
    if dry_run:
        _tell(listeners, as_json=as_json)
        return
    mode = "now" if now else "catchup" if catchup else "new"
    options = {"mode": mode, "begin": begin, "end": end, "once": once}
    if url is None:
        place = root_or_setting(root)
        _refuse_several(place)
        _listen(documents, place, place, {**options, "types": schema}, as_json=as_json)
        return
    with client_of(url, auth, ca_bundle) as client:
        _listen(documents, client, url, options, as_json=as_json)


def _tell(listeners: Sequence[Listener], *, as_json: bool) -> None:
    for one in listeners:
        asked = one.identifiers or one.request
        triggers = [trigger.name for trigger in one.triggers]
        if as_json:
            emit_json({"listener": one.name, "event": one.event, "request": asked, "triggers": triggers})
        else:
            say(f"{one.name}: {plural(len(triggers), 'trigger')} ({', '.join(triggers)}), {_words(one.event, asked)}")


def _words(event: str, asked: Any) -> str:
    return f"event {event}, request {asked or 'all'}"


def _forget(name: str, state: DeliveryState, place: str, *, dry_run: bool) -> None:
    if name not in state.listeners():
        raise typer.BadParameter(f"no listener {name!r} is registered in {place}.", param_hint="'--forget'")
    if not dry_run:
        state.forget(name)
    say(f"The listener {name!r} {'would be' if dry_run else 'is'} forgotten; if it runs again, it begins anew.")


def _refuse_several(root: str) -> None:
    from dtedask.core.errors import SeveralRootsError
    from dtedask.store.location import is_roots_document

    if is_roots_document(root):
        hint = f"Run one for each; `dtedask store roots --root {root}` names them."
        raise SeveralRootsError(f"Listeners hear of one root, and {root!r} names several.", hint=hint)


def _listen(documents: Sequence[Listeners], source: Any, place: str, options: dict[str, Any], *, as_json: bool) -> None:
    from dtedask.cli.running import stop_on_signal
    from dtedask.notify import listen as listen_to

    with stop_on_signal("triggers that run now") as stop:
        if not options["once"]:
            for one in (listener for document in documents for listener in document.listeners):
                say(f"{one.name} listens to {one.event} of {place}: {one.identifiers or one.request or 'all'}")
            say("Ctrl-C ends it.")
        stdout = sys.stdout
        with redirect_stdout(sys.stderr) if as_json else nullcontext():
            told = _Lines(stdout) if as_json else _Progress()
            delivered = listen_to(documents, source, stop=stop, on_delivery=told, **options)
    _conclude(delivered, once=options["once"])


class _Lines:
    """One line of JSON for what each listener was brought."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __call__(self, name: str, delivery: Delivery) -> None:
        if delivery.triggers:
            self._file.write(json.dumps({"listener": name, **delivery.as_dict()}) + "\n")
            self._file.flush()


class _Progress:
    """Now and then a line for people."""

    def __init__(self) -> None:
        self._events: dict[str, int] = {}
        self._told = time.monotonic()

    def __call__(self, name: str, delivery: Delivery) -> None:
        if delivery.events:
            self._events[name] = self._events.get(name, 0) + delivery.events
        if self._events and time.monotonic() - self._told > PROGRESS_S:
            self._told = time.monotonic()
            say(", ".join(f"{name}: {plural(count, 'event')}" for name, count in self._events.items()))


def _conclude(delivered: Delivery, *, once: bool) -> None:
    if not once:
        say(f"{plural(delivered.events, 'event')} delivered by {plural(delivered.triggers, 'run')} of triggers.")
    if delivered.failures:
        say(
            f"{plural(len(delivered.failures), 'trigger')} failed."
            " `dtedask notify failed` lists them, `dtedask notify retry` runs them again."
        )
        raise typer.Exit(1)
