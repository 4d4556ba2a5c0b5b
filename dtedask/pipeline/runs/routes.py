"""Which pipelines a plan has, which of them see the stream, and which go on with what others hand them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.pipeline.message import Kind

if TYPE_CHECKING:
    from dtedask.pipeline.documents.document import PipelineDocument, PlanDocument
    from dtedask.pipeline.message import Message

__all__ = ["Route", "arriving", "routes"]


@dataclass(frozen=True, slots=True)
class Route:
    """One pipeline of a plan and where its messages come from.

    Parameters
    ----------
    name : str
        Of the pipeline; no other of the plan has it.
    document : PipelineDocument
        What it does.
    section : str
        Section of the plan, empty for none.
    upstream : tuple of str
        Pipelines whose messages it goes on with; empty for the stream itself.
    path : tuple of str and int
        Key path of its document in the plan, for errors.
    """

    name: str
    document: PipelineDocument
    section: str
    upstream: tuple[str, ...] = ()
    path: tuple[str | int, ...] = ()


def routes(document: PlanDocument, section: str = "") -> list[Route]:
    """List the pipelines that run, each after those whose messages it goes on with; those that are off are left out.

    Parameters
    ----------
    document : PlanDocument
        The plan.
    section : str
        The section that the stream comes to first; by default as `PlanDocument.entry` says.
    """
    begin, pipelines = document.entry(section)
    found = _named(begin, pipelines, ())
    done = {begin}
    waiting = _targets(found)
    while waiting:
        target = waiting.pop(0)
        if target in done or target not in document.sections:
            continue
        done.add(target)
        upstream = tuple(route.name for route in found if target in route.document.targets)
        below = _named(target, document.sections[target].plans, upstream, {route.name for route in found})
        found += below
        waiting += _targets(below)
    return found


def arriving(upstream: Sequence[str], message: Message, gone_on: Mapping[str, Sequence[Message]]) -> Iterator[Message]:
    """Give what comes to a pipeline when a message comes to the plan.

    Parameters
    ----------
    upstream : sequence of str
        Pipelines whose messages it goes on with.
    message : Message
        What came to the plan.
    gone_on : mapping of str to sequence of Message
        What came out of the pipelines before it, by name.

    Yields
    ------
    Message
        The message itself where the pipeline has nothing upstream. Else what came out there: a domain or a mask that
        several of them hand on once, and each flush once, after all else.
    """
    if not upstream:
        yield message
        return
    arrived = [out for name in upstream for out in gone_on.get(name, ())]
    seen: set[int] = set()
    for out in arrived:
        if out.kind is Kind.FIELD or (out.kind is not Kind.FLUSH and id(out) not in seen):
            seen.add(id(out))
            yield out
    flushes = {tuple(sorted(out.keys.items())): out for out in arrived if out.kind is Kind.FLUSH}
    yield from flushes.values()


def _named(
    section: str, documents: Sequence[PipelineDocument], upstream: tuple[str, ...], taken: set[str] | None = None
) -> list[Route]:
    found = []
    above = (section, "plans") if section else ("plans",)
    for position, document in enumerate(documents, 1):
        name = document.name or f"plan-{position}"
        if taken and name in taken:
            name = f"{section}/{name}"
        if document.enabled:
            found.append(Route(name, document, section, upstream, (*above, position - 1)))
    return found


def _targets(found: Sequence[Route]) -> list[str]:
    return [target for route in found for target in route.document.targets]
