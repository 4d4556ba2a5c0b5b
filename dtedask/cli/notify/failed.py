"""`dtedask notify failed` and `dtedask notify retry`: the dead letters of listeners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table, plural, say
from dtedask.cli.notify.options import state_of
from dtedask.cli.options import DryRun, JsonLines, Root

if TYPE_CHECKING:
    from dtedask.notify.delivery import DeadLetter, DeliveryState

Of = Annotated[str | None, typer.Option("--listener", metavar="NAME", help="Only those of one listener.")]
Url = Annotated[str | None, typer.Option("--url", help="Server that was listened to, instead of a root.")]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "failed",
        failed,
        "dtedask notify failed --root data",
        "dtedask notify failed --root data --listener steps --json",
    )
    add(
        group,
        "retry",
        retry,
        "dtedask notify retry --all --root data",
        "dtedask notify retry 1 --root data --dry-run",
    )


def failed(*, root: Root = None, url: Url = None, listener: Of = None, as_json: JsonLines = False) -> None:
    """List the triggers that failed for good: what was delivered to whom, why it failed and how often it was tried.

    Those that are still to be tried again are told of on standard error.
    """
    state = state_of(root, url)
    letters = state.letters(listener)
    if as_json:
        for letter in letters:
            emit_json(letter.as_dict())
        return
    for name, label, news, one in state.waiting():
        if one.due is not None and listener in (None, name):
            say(f"{label} of {name} is to be tried again for {news.id}, at {one.due:%H:%M:%S} UTC: {one.error}")
    if not letters:
        say("Nothing has failed for good.")
        return
    rows = [
        (one.number, one.listener, one.label, one.news.id, one.attempts, f"{one.time:%Y-%m-%d %H:%M:%S}", one.error)
        for one in letters
    ]
    emit_table(
        ("number", "listener", "trigger", "notification", "attempts", "last", "error"),
        rows,
        right=("number", "attempts"),
    )


def retry(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(help="Which, by the numbers of `notify failed`.", metavar="NUMBER...", show_default=False),
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All of them, oldest first.")] = False,
    root: Root = None,
    url: Url = None,
    listener: Of = None,
    listeners: Annotated[
        list[str] | None,
        typer.Option(
            "--listeners", metavar="FILE", help="File of the listeners, or recipe; by default where they were."
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: JsonLines = False,
) -> None:
    """Run triggers that failed once more, each for just the notification that it failed for.

    What succeeds is off the list; what fails stays there with its new error, and the command ends with status 1.
    """
    if bool(numbers) == everything:
        raise typer.BadParameter("name the numbers, or take --all.", param_hint="'NUMBER...'")
    from dtedask.notify.delivery.retrying import find_trigger, retry_letter
    from dtedask.notify.listeners import load_listeners_within

    documents = [load_listeners_within(file) for file in listeners or []]
    state = state_of(root, url)
    letters = _chosen(state, numbers or [], listener)
    failures = 0
    for letter in letters:
        if dry_run:
            find_trigger(letter, documents)
            say(f"Would run {_what(letter)}.")
            continue
        error = retry_letter(state, letter, documents)
        failures += error is not None
        if as_json:
            emit_json({"number": letter.number, "succeeded": error is None, "error": error and error.message})
        else:
            say(f"{_what(letter)}: {'done.' if error is None else 'failed again.'}")
    if not letters:
        say("Nothing has failed.")
    if failures:
        say(f"{plural(failures, 'trigger')} of {len(letters)} failed again.")
        raise typer.Exit(1)


def _chosen(state: DeliveryState, numbers: list[int], listener: str | None) -> list[DeadLetter]:
    letters = {letter.number: letter for letter in state.letters(listener)}
    missing = [number for number in numbers if number not in letters]
    if missing:
        known = ", ".join(map(str, letters)) or "none"
        raise typer.BadParameter(f"nothing that failed has the number {missing[0]}; there are {known}.")
    return [letters[number] for number in numbers] if numbers else list(letters.values())


def _what(letter: DeadLetter) -> str:
    return f"{letter.label} of {letter.listener} for {letter.news.id}"
