"""`dtedask store branch list|create|delete`: branches of a root."""

from __future__ import annotations

from typing import Annotated

import typer

from dtedask.cli.commands import add, new_group
from dtedask.cli.console import emit, emit_json, say
from dtedask.cli.options import At, DryRun, Json, Root
from dtedask.cli.store.roots import open_root

Name = Annotated[str, typer.Argument(help="Name of the branch.", metavar="NAME", show_default=False)]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    branch = new_group(help="Branches, which readers of main do not see.", no_args_is_help=True)
    add(branch, "list", list_branches, "dtedask store branch list --root data")
    add(branch, "create", create, "dtedask store branch create trial --root data")
    add(branch, "delete", delete, "dtedask store branch delete test --root data")
    group.add_typer(branch, name="branch")


def list_branches(*, root: Root = None, as_json: Json = False) -> None:
    """List the branches of a root, one a line."""
    names = open_root(root, None).branches()
    if as_json:
        emit_json(names)
        return
    for name in names:
        emit(name)


def create(name: Name, *, root: Root = None, at: At = None, dry_run: DryRun = False) -> None:
    """Let a branch begin in every cube of a root: with the newest commit of main, or as it was at a time."""
    store = open_root(root, None)
    if not dry_run:
        store.create_branch(name, at=at)
    say(f"The branch {name} {'would begin' if dry_run else 'begins'} in {', '.join(store.cubes())}.")


def delete(name: Name, *, root: Root = None, dry_run: DryRun = False) -> None:
    """Delete a branch; what only it had is collected by a later purge."""
    store = open_root(root, None)
    if not dry_run:
        store.delete_branch(name)
    say(f"The branch {name} {'would be' if dry_run else 'is'} deleted.")
