"""`dtedask store hide|overlay|patch`: fields that nobody sees, that are seen under other keys, or that get others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table, plural, say
from dtedask.cli.options import DryRun, Json, Root, Words
from dtedask.cli.requests import parse_words
from dtedask.cli.store.changes import emit_changes
from dtedask.cli.store.removing import Doit, check_either
from dtedask.cli.store.roots import open_root

if TYPE_CHECKING:
    from dtedask.store import Store

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for those who wonder.")]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "hide",
        hide,
        "dtedask store hide --root data class=ea,date=20170101",
        "dtedask store hide --root data class=ea,date=20170101 --reason 'wrong orography' --doit",
        "dtedask store hide --root data --undo class=ea,date=20180101 --doit",
    )
    add(
        group,
        "overlay",
        overlay,
        "dtedask store overlay class=ea,stream=enda,expver=1 class=rd,expver=abcd --root data",
        "dtedask store overlay class=ea,stream=enda,expver=1 class=rd,expver=abcd --root data --doit",
        "dtedask store overlay --root data --json",
        "dtedask store overlay --undo rd/enda/seen --root data --doit",
    )
    add(
        group,
        "patch",
        patch,
        "dtedask store patch class=ea,date=20170101 class=rd,expver=abcd --root data",
        "dtedask store patch class=ea,date=20170101 class=rd,expver=abcd --root data --keep --doit",
    )


def hide(
    words: Words = None,
    *,
    root: Root = None,
    reason: Reason = "",
    undo: Annotated[bool, typer.Option("--undo", help="Show again what was hidden by this request or ID.")] = False,
    doit: Doit = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Hide fields, those that exist and those to come: they are kept, and neither listed nor read; only with --doit.

    What is hidden can be neither archived nor wiped until it is shown again by --undo. `dtedask store locks` lists it,
    with who hid it, when and why.
    """
    check_either(doit=doit, dry_run=dry_run)
    store = open_root(root, None)
    if undo:
        named = words[0] if words and len(words) == 1 and words[0].isalnum() else parse_words(words, store)
        found = store.unhide(named, doit=doit)
    else:
        found = store.hide(parse_words(words, store), reason=reason, doit=doit)
    if as_json:
        emit_json(found.to_dict())
    verb = "shown again" if undo else "hidden"
    what = f"{plural(found.fields, 'field')} of {found.request or 'everything'}"
    say(f"{what} {'are' if doit else 'would be'} {verb}.")
    if not doit:
        say("Nothing was done: --doit does it.")


def overlay(
    source: Annotated[
        str | None, typer.Argument(help="The cube: class=...,stream=...,expver=...", metavar="SOURCE")
    ] = None,
    target: Annotated[
        str | None, typer.Argument(help="Keys that it is seen under: class=...,expver=...", metavar="TARGET")
    ] = None,
    *,
    root: Root = None,
    reason: Reason = "",
    force: Annotated[
        bool, typer.Option("--force", help="Also where a cube has these keys: its own fields come first.")
    ] = False,
    undo: Annotated[
        str | None, typer.Option("--undo", metavar="ID|CUBE", help="Take away an overlay: its ID, or the target cube.")
    ] = None,
    doit: Doit = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Show the fields of a cube under other keys too, without a copy; only with --doit. Without arguments, list them.

    Fields that come into the source are seen at once. What is archived under the new keys goes into a cube of its own,
    whose fields come first.
    """
    check_either(doit=doit, dry_run=dry_run)
    store = open_root(root, None)
    if source is None and undo is None:
        _list_overlays(store, as_json=as_json)
        return
    if undo is not None:
        found = store.remove_overlay(undo, doit=doit)
    elif source is None or target is None:
        raise typer.BadParameter("an overlay needs a source and a target.", param_hint="'TARGET'")
    else:
        requests = (parse_words([words], store) for words in (source, target))
        found = store.overlay(*requests, reason=reason, force=force, doit=doit)
    if as_json:
        emit_json({**found.to_dict(), "done": doit})
    verb = "no more" if undo is not None else "too"
    say(f"{found.source} {'is' if doit else 'would be'} seen as {found.target} {verb}.")
    if not doit:
        say("Nothing was done: --doit does it.")


def patch(
    request: Annotated[str, typer.Argument(help="key=value,key=value; @FILE, or - for standard input.")],
    keys: Annotated[str, typer.Argument(help="New values: key=value,key=value.")],
    *,
    root: Root = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the fields under their old keys too.")] = False,
    message: Annotated[str, typer.Option("--message", "-m", help="What the history says of the commits.")] = "",
    doit: Doit = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give fields other values of some keys; only with --doit.

    One line a variable and step says which, as an exact request. They are archived under the new keys before they leave
    the old ones: stopped in between, the same again goes on.
    """
    check_either(doit=doit, dry_run=dry_run)
    store = open_root(root, None)
    changed = {key: _one(key, values) for key, values in parse_words([keys], store).items()}
    found = store.patch(parse_words([request], store), changed, keep=keep, doit=doit, message=message)
    if as_json:
        emit_json(found.to_dict())
    else:
        emit_changes("+" if keep else ">", found.changes)
    verb = "were" if doit else "would be"
    text = ",".join(f"{key}={value}" for key, value in found.keys.items())
    say(f"{plural(found.fields, 'field')} {verb} given {text}{', and kept as they are' if keep else ''}.")
    if found.replaced:
        say(f"{plural(found.replaced, 'field')} that stood there were replaced.")
    if found.left:
        say(f"{plural(found.left, 'field')} changed meanwhile and stand under the old keys too: run the same again.")
    if not doit:
        say("Nothing was done: --doit does it.")


def _one(key: str, values: tuple[str, ...]) -> str:
    if len(values) != 1:
        raise typer.BadParameter(f"{key} gets one value, not {len(values)}.", param_hint="'KEYS'")
    return values[0]


def _list_overlays(store: Store, *, as_json: bool) -> None:
    found = store.overlays()
    if as_json:
        for one in found:
            emit_json(one.to_dict())
    elif found:
        rows = [(one.id, one.source, one.target, one.author, f"{one.time:%F %T}", one.reason) for one in found]
        emit_table(("id", "source", "seen as", "by", "since", "reason"), rows)
    else:
        say("There are no overlays.")
