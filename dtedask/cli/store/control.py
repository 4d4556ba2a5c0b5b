"""`dtedask store lock|unlock|locks`: what nobody may do with which fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table, say
from dtedask.cli.options import DryRun, JsonLines, Root, Words
from dtedask.cli.requests import parse_words
from dtedask.cli.store.roots import open_root

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dtedask.request import Request
    from dtedask.store import Lock, Store

Verbs = Annotated[
    list[str] | None,
    typer.Option("--verb", metavar="VERB", help="list, retrieve, archive or wipe; may be given several times."),
]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "lock",
        lock,
        "dtedask store lock --root data class=ea,date=20170101 --reason 'verified, keep'",
        "dtedask store lock --root data class=ea,param=t --verb retrieve --verb list",
    )
    add(group, "unlock", unlock, "dtedask store unlock --root data class=ea,date=20180101")
    add(group, "locks", locks, "dtedask store locks --root data", "dtedask store locks --root data class=ea --json")


def lock(
    words: Words = None,
    *,
    root: Root = None,
    verb: Verbs = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for those who meet the lock.")] = "",
    dry_run: DryRun = False,
    as_json: JsonLines = False,
) -> None:
    """Lock fields, those that exist and those to come; without a request all of the root.

    Every process then refuses to do with any of them what is locked: archive and wipe, unless --verb says otherwise.
    """
    store = open_root(root, None)
    request = parse_words(words, store)
    verbs = verb or ["archive", "wipe"]
    if dry_run:
        say(f"{'/'.join(verbs)} of {request or 'everything'} would be locked in {store.root}.")
        return
    _show([store.lock(request, verbs, reason)], as_json=as_json)


def unlock(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="Identifier of a lock, or the request it was set with.", metavar="ID|REQUEST"),
    ] = None,
    *,
    root: Root = None,
    dry_run: DryRun = False,
    as_json: JsonLines = False,
) -> None:
    """Take a lock away, by its identifier or by exactly its request, and show it."""
    store = open_root(root, None)
    named = _named(words, store)
    if dry_run:
        found = [one for one in store.locks() if named in (one.id, one.request)]
        say(f"{'; '.join(map(str, found)) or 'Nothing'} would be unlocked in {store.root}.")
        return
    _show(store.unlock(named), as_json=as_json)


def locks(words: Words = None, *, root: Root = None, as_json: JsonLines = False) -> None:
    """List the locks that can be on fields of a request, oldest first; all without one."""
    store = open_root(root, None)
    _show(store.locks(parse_words(words, store)), as_json=as_json)


def _named(words: list[str] | None, store: Store) -> Request | str:
    if words and len(words) == 1 and words[0].isalnum():
        return words[0]
    return parse_words(words, store)


def _show(found: Iterable[Lock], *, as_json: bool) -> None:
    if as_json:
        for one in found:
            emit_json(one.to_dict())
        return
    rows = [(one.id, "/".join(one.verbs), one.fields, one.author, f"{one.time:%F %T}", one.reason) for one in found]
    if rows:
        emit_table(("id", "locked", "fields", "by", "since", "reason"), rows)
    else:
        say("Nothing is locked.")
