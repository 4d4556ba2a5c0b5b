"""`dtedask listen`: run listeners for the commits of any process."""

from __future__ import annotations

from typing import Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import plural, say
from dtedask.cli.options import DryRun, Root, root_or_setting


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "listen",
        listen,
        "dtedask listen listeners.yaml --root data --catchup --once",
        "dtedask listen listeners.yaml --root data --dry-run",
    )


def listen(
    file: Annotated[
        str | None, typer.Argument(help="The listeners, a YAML file.", metavar="FILE", show_default=False)
    ] = None,
    *,
    root: Root = None,
    catchup: Annotated[
        bool, typer.Option("--catchup", help="A listener that never ran begins with the first commit.")
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="Skip everything until now.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Deliver what there is, and end.")] = False,
    forget: Annotated[
        str | None,
        typer.Option("--forget", metavar="NAME", help="Forget a listener that never comes back; purge waits for it."),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Run listeners for every commit in a root, whoever makes it, until Ctrl-C.

    Each listener goes on where it was; one that never ran begins with what comes from now on.
    """
    if forget is not None:
        _forget(forget, root_or_setting(root), dry_run=dry_run)
        return
    if file is None:
        raise typer.BadParameter("name the file of the listeners.", param_hint="'FILE'")
    if catchup and now:
        raise typer.BadParameter("take --catchup or --now, not both.", param_hint="'--now'")
    from dtedask.notify import load_listeners

    documents = load_listeners(file)
    if dry_run:
        for listener in documents.listeners:
            say(f"{listener.name}: {plural(len(listener.triggers), 'trigger')}, request {listener.request or 'all'}")
        return
    _listen(documents, root_or_setting(root), "now" if now else "catchup" if catchup else "new", once)


def _forget(name: str, root: str, *, dry_run: bool) -> None:
    from dtedask.notify import open_log

    log = open_log(root)
    if not log.path.exists() or log.cursors(name) is None:
        raise typer.BadParameter(f"no listener {name!r} is registered in {root}.", param_hint="'--forget'")
    if not dry_run:
        log.forget(name)
    say(f"The listener {name!r} {'would be' if dry_run else 'is'} forgotten; if it runs again, it begins anew.")


def _listen(documents: object, root: str, start: str, once: bool) -> None:
    from dtedask.cli.running import stop_on_signal
    from dtedask.core.errors import SeveralRootsError
    from dtedask.notify import listen as listen_to
    from dtedask.store.location import is_roots_document

    if is_roots_document(root):
        hint = f"Run one for each; `dtedask store roots --root {root}` names them."
        raise SeveralRootsError(f"Listeners hear of one root, and {root!r} names several.", hint=hint)
    with stop_on_signal() as stop:
        if not once:
            say(f"Listening to {root}; Ctrl-C ends it.")
        delivered = listen_to(documents, root, mode=start, stop=stop, once=once)  # type: ignore[arg-type]
    if delivered.failures:
        say(f"{plural(len(delivered.failures), 'trigger')} of {delivered.triggers} failed.")
        raise typer.Exit(1)
