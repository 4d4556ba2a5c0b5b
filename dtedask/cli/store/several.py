"""`dtedask store roots`: several roots that are read as one."""

from __future__ import annotations

from typing import Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table, say
from dtedask.cli.options import DryRun, JsonLines, Root
from dtedask.cli.store.roots import open_root


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "roots",
        roots,
        "dtedask store roots --root roots.yaml",
        "dtedask store roots --root roots.yaml --create --json",
    )


def roots(
    *,
    root: Root = None,
    create: Annotated[
        bool, typer.Option("--create", help="Make those that can be written and are not there yet.")
    ] = False,
    dry_run: DryRun = False,
    as_json: JsonLines = False,
) -> None:
    """Show the roots of a roots document, what each space selects, and which of them answer.

    A root that joins a document is made with --create: reading never takes a folder that is empty, as one that is not
    mounted, for a new root. The exit status is 1 where a root does not answer.
    """
    from dtedask.core.errors import RequestError
    from dtedask.store.several.keeping import SeveralRoots

    store = open_root(root, None)
    if not isinstance(store, SeveralRoots):
        raise RequestError(f"{store.root!r} is one root and no roots document.", hint="Give --root FILE.yaml.")
    for url in store.create(dry_run=dry_run) if create else ():
        say(f"{url} {'would be' if dry_run else 'was'} made.")
    rows = store.standing()
    if as_json:
        for row in rows:
            emit_json(row)
    else:
        emit_table(list(rows[0]), [list(row.values()) for row in rows])
    if any(row["state"] != "there" for row in rows) and not dry_run:
        raise typer.Exit(1)
