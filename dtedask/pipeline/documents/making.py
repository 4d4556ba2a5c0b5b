"""Making the actions of a plan: what is wrong with them is told together, each with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from dtedask.core.document_errors import describe, dotted
from dtedask.core.documents import summed_up
from dtedask.core.errors import DtedaskError
from dtedask.pipeline.action import Action, Context, make_action

if TYPE_CHECKING:
    from dtedask.pipeline.documents.document import PlanDocument
    from dtedask.pipeline.runs.routes import Route

__all__ = ["made_actions"]


def made_actions(document: PlanDocument, found: Sequence[Route], context: Context) -> Mapping[str, tuple[Action, ...]]:
    """Make the actions of all pipelines of a plan.

    Parameters
    ----------
    document : PlanDocument
        The plan.
    found : sequence of Route
        Its pipelines.
    context : Context
        What is the same for all of them.

    Returns
    -------
    mapping of str to tuple of Action
        By the name of the pipeline.

    Raises
    ------
    DocumentError
        Naming file, line and key of all that is wrong.
    """
    made: dict[str, list[Action]] = {route.name: [] for route in found}
    wrong: list[tuple[str, str]] = []
    for route in found:
        for position, options in enumerate(route.document.actions):
            try:
                made[route.name].append(make_action(options, replace(context, pipeline=route.name, position=position)))
            except (DtedaskError, ValidationError) as error:
                path = ("actions", position) if document.actions else (*route.path, "actions", position)
                place = f"{document.place(path)}: {dotted(path)}"
                wrong += [(f"{place}: {text}", hint) for text, hint in _said(error)]
    if wrong:
        raise summed_up(wrong, document.title, "plan")
    return {name: tuple(actions) for name, actions in made.items()}


def _said(error: DtedaskError | ValidationError) -> Iterator[tuple[str, str]]:
    if isinstance(error, DtedaskError):
        yield error.message, error.hint
        return
    for item in error.errors(include_url=False):
        finding = describe(dict(item), BaseModel)
        yield finding.text, finding.hint
