"""Sending dead letters on their way again, from the action that failed on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dtedask.core.errors import PlanError
from dtedask.pipeline.run import Run
from dtedask.pipeline.runs.policy import OnError
from dtedask.request import Request

if TYPE_CHECKING:
    from dtedask.pipeline.plan import Plan
    from dtedask.pipeline.runs.dead_letters import DeadLetter, DeadLetters
    from dtedask.pipeline.runs.summary import RunSummary

__all__ = ["Replay", "replay"]


@dataclass(slots=True)
class Replay:
    """What became of dead letters.

    Parameters
    ----------
    done : list of str
        Fields that went through; their letters are gone.
    failed : dict of str to str
        Fields that failed again, and why; their letters stay.
    left : int
        Letters that the request did not take.
    summary : RunSummary, optional
        What the run did.
    """

    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    left: int = 0
    summary: RunSummary | None = None


def replay(
    plan: Plan,
    letters: DeadLetters,
    request: Request | None = None,
    *,
    on_letter: Callable[[DeadLetter], None] | None = None,
) -> Replay:
    """Send dead letters through a plan, each from the action that failed on it.

    The actions begin without a state: a statistic sees only what is replayed. Letters of fields that went through are
    removed once the sinks have acknowledged, so that a field may be sent twice, and is never lost.

    Parameters
    ----------
    plan : Plan
        The plan, which may have been changed where it did not fit.
    letters : DeadLetters
        The letters.
    request : Request, optional
        Which of them; all by default.
    on_letter : callable, optional
        Hears of each letter before it is sent.

    Returns
    -------
    Replay
        What became of them.

    Raises
    ------
    PlanError
        If the plan has no such action at such a place.
    DamagedError
        If a letter has changed.
    """
    letters.check()
    done: list[DeadLetter] = []
    found = Replay()
    with Run(plan, policy=OnError(type="skip")) as run:
        found.summary = run.summary
        for letter in _chosen(letters, request, found):
            if on_letter is not None:
                on_letter(letter)
            error = run.feed_at(_position(plan, letter), letter.position, letter.message)
            if error:
                found.failed[str(letter.message)] = error
            else:
                done.append(letter)
    for letter in done:
        letter.path.unlink(missing_ok=True)
        found.done.append(str(letter.message))
    return found


def _chosen(letters: DeadLetters, request: Request | None, found: Replay) -> Iterable[DeadLetter]:
    for letter in letters:
        keys = {key: str(value) for key, value in letter.message.keys.items()}
        if request is None or request.matches(keys):
            yield letter
        else:
            found.left += 1


def _position(plan: Plan, letter: DeadLetter) -> int:
    """Number of the pipeline that a letter belongs to."""
    for number, pipeline in enumerate(plan.pipelines):
        actions = [action.options.type for action in pipeline.actions]
        if pipeline.name == letter.pipeline and actions[letter.position : letter.position + 1] == [letter.action]:
            return number
    raise PlanError(
        f"The dead letter {str(letter.path)!r} belongs to action {letter.position + 1} ({letter.action}) of the "
        f"pipeline {letter.pipeline!r}, which the plan {plan.document.title!r} does not have.",
        hint="Name the plan that wrote it, or one with the same pipelines and actions.",
    )
