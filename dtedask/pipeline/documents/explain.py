"""What a plan does, before it runs: its graph, each action, which fields it takes, and how much memory that needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dtedask.core.sizes import size_text
from dtedask.pipeline.compute import Eager
from dtedask.pipeline.documents.drawing import dot_of, html_of, mermaid_of
from dtedask.pipeline.graph import Graph
from dtedask.pipeline.sources import AtRest
from dtedask.request import is_key
from dtedask.store.compact import compact_keys

if TYPE_CHECKING:
    from dtedask.pipeline.action import Action
    from dtedask.pipeline.message import Message
    from dtedask.pipeline.plan import Pipeline, Plan

__all__ = ["ExplainedAction", "ExplainedPipeline", "Explanation", "explain_plan"]

_TIMES = ("date", "time", "step")
_PASSING = ("select", "print", "transport")
_SHOWN = 4
_BYTES = 8


@dataclass(frozen=True, slots=True)
class ExplainedAction:
    """One action of a plan.

    Parameters
    ----------
    type : str
        What it is.
    text : str
        What it does, in one line.
    memory_bytes : int, optional
        What its state takes at most; None without an input.
    """

    type: str
    text: str
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ExplainedPipeline:
    """One pipeline of a plan.

    Parameters
    ----------
    name, section : str
        What it is called, and the section that it stands in; empty for none.
    upstream : tuple of str
        Pipelines whose fields it goes on with; empty for the stream itself.
    actions : tuple of ExplainedAction
        In their order.
    fields : int, optional
        How many fields of the input it takes; None without an input.
    is_certain : bool
        Whether `fields` is exact: pipelines before it may change keys that it selects by.
    requests : tuple of str
        MARS requests that name the fields that it takes, none of them twice.
    """

    name: str
    section: str
    upstream: tuple[str, ...]
    actions: tuple[ExplainedAction, ...]
    fields: int | None = None
    is_certain: bool = True
    requests: tuple[str, ...] = ()

    @property
    def memory_bytes(self) -> int | None:
        """What the states of all its actions take at most."""
        known = [action.memory_bytes for action in self.actions if action.memory_bytes is not None]
        return sum(known) if known else None

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of what its fields come from."""
        return self.upstream or ("stream",)

    @property
    def taken(self) -> str:
        """How many fields it takes, in words."""
        return f"takes {'' if self.is_certain else 'at most '}{self.fields} fields"

    def lines(self) -> Iterator[str]:
        """Say all that in lines of text."""
        where = f" (section {self.section})" if self.section else ""
        yield f"pipeline {self.name}{where}"
        chain = " -> ".join(action.type for action in self.actions)
        yield f"  {' + '.join(self.sources)} -> {chain}"
        width = max(len(action.type) for action in self.actions)
        for place, action in enumerate(self.actions, 1):
            yield f"  {place}. {action.type:<{width}}  {action.text}".rstrip()
        if self.fields is not None:
            yield f"  {self.taken}"
            for request in self.requests[:_SHOWN]:
                yield f"    {request}"
            if len(self.requests) > _SHOWN:
                yield f"    and {len(self.requests) - _SHOWN} more requests"
        if self.memory_bytes:
            yield f"  memory of its states: {size_text(self.memory_bytes)} at most"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a plan does. Printed it is text, in a notebook a drawing.

    Parameters
    ----------
    name : str
        Of the plan.
    digest : str
        sha256 of what it does.
    pipelines : tuple of ExplainedPipeline
        Those that run.
    off : tuple of str
        Names of those that do not.
    ignored : tuple of str
        Keys of MultIO that have no effect here.
    fields : int, optional
        How many fields the input has; None without an input.
    """

    name: str
    digest: str
    pipelines: tuple[ExplainedPipeline, ...]
    off: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    fields: int | None = None

    @property
    def memory_bytes(self) -> int | None:
        """What the states of all pipelines take at most; None without an input."""
        known = [one.memory_bytes for one in self.pipelines if one.memory_bytes is not None]
        return sum(known) if known else None

    @property
    def text(self) -> str:
        """All of it as text."""
        return "\n".join(self._lines())

    @property
    def mermaid(self) -> str:
        """The graph in the language of Mermaid."""
        return mermaid_of(self.pipelines)

    @property
    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        return dot_of(self.name, self.pipelines)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold."""
        return {
            "name": self.name,
            "digest": self.digest,
            "fields": self.fields,
            "memory_bytes": self.memory_bytes,
            "off": list(self.off),
            "ignored": list(self.ignored),
            "pipelines": [_pipeline_json(one) for one in self.pipelines],
            "mermaid": self.mermaid,
        }

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return html_of(self)

    def _lines(self) -> Iterator[str]:
        yield f"plan {self.name} ({self.digest[:12]})"
        if self.fields is not None:
            yield f"input: {self.fields} fields"
        for pipeline in self.pipelines:
            yield from pipeline.lines()
        if self.memory_bytes and len(self.pipelines) > 1:
            yield f"memory of all states: {size_text(self.memory_bytes)} at most"
        if self.off:
            yield f"off: {', '.join(self.off)}"
        if self.ignored:
            yield f"without effect here: {', '.join(self.ignored)}"


@dataclass(slots=True)
class _Taken:
    """Fields that a pipeline takes."""

    fields: int = 0
    keys: list[Mapping[str, str]] = field(default_factory=list)
    different: set[tuple[tuple[str, str], ...]] = field(default_factory=set)
    field_bytes: int = 0

    def add(self, message: Message) -> None:
        self.fields += 1
        keys = {key: str(value) for key, value in message.keys.items() if is_key(key)}
        self.keys.append(keys)
        self.different.add(tuple(item for item in keys.items() if item[0] not in _TIMES))
        if message.description is not None:
            self.field_bytes = max(self.field_bytes, _BYTES * message.description.grid.size)


def explain_plan(plan: Plan, messages: Iterable[Message] | AtRest | None = None) -> Explanation:
    """Say what a plan does.

    Parameters
    ----------
    plan : Plan
        The plan.
    messages : iterable of Message or source, optional
        Fields that would come in; their values are not looked at, and those of a source not read.
    """
    if isinstance(messages, AtRest):
        messages = messages.nodes(Graph())
    total, taken = _taken(plan, messages)
    certain: dict[str, bool] = {}
    for pipeline in plan.pipelines:
        certain[pipeline.name] = all(certain[name] and _keeps_keys(plan, name) for name in pipeline.upstream)
    explained = tuple(
        _explained(one, None if messages is None else taken[one.name], is_certain=certain[one.name])
        for one in plan.pipelines
    )
    document = plan.document
    off = tuple(one.name for _, plans in document.lists_of_plans() for one in plans if not one.enabled)
    return Explanation(document.title, plan.digest, explained, off, document.ignored, total)


def _taken(plan: Plan, messages: Iterable[Message] | None) -> tuple[int | None, dict[str, _Taken]]:
    found = {pipeline.name: _Taken() for pipeline in plan.pipelines}
    if messages is None:
        return None, found
    total = 0
    for message in messages:
        if message.is_field:
            total += 1
            passed: dict[str, bool] = {}
            for pipeline in plan.pipelines:
                comes = not pipeline.upstream or any(passed[name] for name in pipeline.upstream)
                passed[pipeline.name] = comes and _takes(pipeline, message, is_own=_own(plan, pipeline))
                if passed[pipeline.name]:
                    found[pipeline.name].add(message)
    return total, found


def _own(plan: Plan, pipeline: Pipeline) -> bool:
    """Whether fields come to a pipeline with the keys that they have in the input."""
    return all(_keeps_keys(plan, name) for name in pipeline.upstream)


def _keeps_keys(plan: Plan, name: str) -> bool:
    (pipeline,) = (one for one in plan.pipelines if one.name == name)
    keeps = all(action.options.type in _PASSING for action in pipeline.actions)
    return keeps and all(_keeps_keys(plan, before) for before in pipeline.upstream)


def _takes(pipeline: Pipeline, message: Message, *, is_own: bool) -> bool:
    """Whether the selections at the beginning of a pipeline hand a field on."""
    for action in pipeline.actions if is_own else ():
        if action.options.type not in _PASSING:
            break
        if action.options.type == "select" and not list(action.handle(message, None, Eager())):
            return False
    return True


def _explained(pipeline: Pipeline, taken: _Taken | None, *, is_certain: bool) -> ExplainedPipeline:
    actions = tuple(_explained_action(action, taken) for action in pipeline.actions)
    if taken is None:
        return ExplainedPipeline(pipeline.name, pipeline.section, pipeline.upstream, actions)
    requests = tuple(str(request) for request in compact_keys(taken.keys))
    return ExplainedPipeline(
        pipeline.name, pipeline.section, pipeline.upstream, actions, taken.fields, is_certain, requests
    )


def _explained_action(action: Action, taken: _Taken | None) -> ExplainedAction:
    memory = None if taken is None else action.memory_bytes(len(taken.different), taken.field_bytes)
    return ExplainedAction(action.options.type, action.explain(), memory)


def _pipeline_json(pipeline: ExplainedPipeline) -> dict[str, Any]:
    return {
        "name": pipeline.name,
        "section": pipeline.section,
        "upstream": list(pipeline.upstream),
        "fields": pipeline.fields,
        "is_certain": pipeline.is_certain,
        "requests": list(pipeline.requests),
        "memory_bytes": pipeline.memory_bytes,
        "actions": [
            {"type": action.type, "text": action.text, "memory_bytes": action.memory_bytes}
            for action in pipeline.actions
        ],
    }
