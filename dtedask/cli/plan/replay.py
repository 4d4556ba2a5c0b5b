"""`dtedask plan replay`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, plural, say, show_warning
from dtedask.cli.options import DryRun, Json, Words

if TYPE_CHECKING:
    from dtedask.pipeline.runs.dead_letters import DeadLetters
    from dtedask.pipeline.runs.replaying import Replay
    from dtedask.request import Request


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "replay",
        replay,
        "dtedask plan replay data",
        "dtedask plan replay letters step=24 --plan plan.yaml --output data",
    )


def replay(
    where: Annotated[str, typer.Argument(help="Root that the plan wrote to, or a folder of letters.", metavar="WHERE")],
    words: Words = None,
    *,
    file: Annotated[str, typer.Option("--plan", metavar="FILE", help="The plan, by default that of the run.")] = "",
    output: Annotated[
        str, typer.Option("--output", metavar="ROOT", help="Where it writes, by default as the run did.")
    ] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Send dead letters on their way again, all or those of a request, each from the action that failed on it.

    Letters of fields that go through are removed. Exit status 1 if some fail again.
    """
    from dtedask.cli.requests import parse_words

    request = parse_words(words) if words else None
    letters, found_file, found_output = _place(where, file)
    if dry_run:
        _list(letters, request, as_json=as_json)
        return
    from dtedask.pipeline import Plan
    from dtedask.pipeline.runs.replaying import replay as send

    plan = Plan.from_yaml(file or found_file, output=output or found_output)
    done = send(plan, letters, request, on_letter=lambda letter: say(f"{letter.path.name}: {letter.message}"))
    _show(done, as_json=as_json)
    if done.failed:
        raise typer.Exit(1)


def _place(where: str, file: str) -> tuple[DeadLetters, str, str]:
    """The letters, and plan and output of the run that left them."""
    from dtedask.core.errors import NotFoundError
    from dtedask.pipeline.runs.dead_letters import DeadLetters
    from dtedask.pipeline.runs.status import FILE, find_status

    folder = Path(where).expanduser()
    if DeadLetters(folder).paths():
        if not file and not (folder.parent / FILE).is_file():
            raise typer.BadParameter("a folder of letters needs its plan.", param_hint="--plan")
        said = find_status(folder.parent)[0].document if (folder.parent / FILE).is_file() else {}
        return DeadLetters(folder), str(said.get("file", "")), str(said.get("output", ""))
    found = [one for one in find_status(where) if DeadLetters(one.path.parent / "dead-letters").paths()]
    if not found:
        raise NotFoundError(f"There are no dead letters in {where!r}.", hint="Name the folder that they are in.")
    if len(found) > 1:
        names = ", ".join(str(one.path.parent) for one in found)
        raise typer.BadParameter(f"several plans left letters: name one of {names}.", param_hint="WHERE")
    said = found[0].document
    return DeadLetters(found[0].path.parent / "dead-letters"), str(said["file"]), str(said["output"])


def _list(letters: DeadLetters, request: Request | None, *, as_json: bool) -> None:
    chosen = [one for one in letters if request is None or request.matches(_texts(one.message.keys))]
    if as_json:
        emit_json(
            {"letters": [{"file": str(one.path), "field": str(one.message), "error": one.error} for one in chosen]}
        )
        return
    for one in chosen:
        emit(f"{one.path.name}  {one}")
    say(f"Nothing was done: {plural(len(chosen), 'letter')} would be sent.")


def _texts(keys: Any) -> dict[str, str]:
    return {key: str(value) for key, value in keys.items()}


def _show(done: Replay, *, as_json: bool) -> None:
    if as_json:
        emit_json({"done": len(done.done), "failed": done.failed, "left": done.left})
        return
    for name, error in done.failed.items():
        show_warning(f"{name}: {error}")
    emit(f"{plural(len(done.done), 'letter')} went through, {len(done.failed)} failed again, {done.left} left alone.")
