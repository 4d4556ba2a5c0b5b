"""`dtedask store verify`: look for damage."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, plural, say, size
from dtedask.cli.entry import mode
from dtedask.cli.options import At, Json, Root, Words
from dtedask.cli.progress import LOG_INTERVAL_S
from dtedask.cli.requests import parse_words
from dtedask.cli.store.roots import open_root

if TYPE_CHECKING:
    from dtedask.store.upkeep.findings import VerifyProgress


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "verify",
        verify,
        "dtedask store verify --root data",
        "dtedask store verify --root data --quick --all-snapshots",
        "dtedask store verify --root data --json class=ea,levelist=500",
    )


def verify(
    words: Words = None,
    *,
    root: Root = None,
    at: At = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Only see whether every chunk exists and is long enough; finds no flipped bit."),
    ] = False,
    all_snapshots: Annotated[
        bool, typer.Option("--all-snapshots", help="Verify the kept past, all branches and all tags too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look for damage: flipped bits, missing and truncated objects of every kind.

    Names each damaged object, the fields that it is about, and what to do. Exits with 1 if there is any. A request
    limits the fields whose chunks are read; all else of their cubes is verified in any case.
    """
    store = open_root(root, at)
    found = store.verify(
        parse_words(words, store),
        quick=quick,
        all_snapshots=all_snapshots,
        on_progress=None if mode.quiet else _Lines(),
    )
    if as_json:
        emit_json(found.to_dict())
    else:
        for finding in found.findings:
            emit(str(finding))
    say(f"{found}.")
    if not found.is_whole:
        raise typer.Exit(1)


class _Lines:
    """Writes a line now and then; how much there is to verify is not known before."""

    def __init__(self) -> None:
        self._written = time.monotonic()

    def __call__(self, now: VerifyProgress) -> None:
        if time.monotonic() - self._written >= LOG_INTERVAL_S:
            self._written = time.monotonic()
            say(f"{now.cube}: {plural(now.objects, 'object')}, {size(now.size_bytes)}, {now.findings} damaged")
