"""The graph of a plan as a drawing: for notebooks, Mermaid and Graphviz."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from dtedask.core.sizes import size_text

if TYPE_CHECKING:
    from dtedask.pipeline.documents.explain import ExplainedPipeline, Explanation

__all__ = ["dot_of", "html_of", "mermaid_of"]

_BOX = "border:1px solid currentColor;border-radius:4px;padding:.2em .5em;margin:.15em"
_ROW = "display:flex;flex-wrap:wrap;align-items:center;margin:.3em 0"


def mermaid_of(pipelines: Sequence[ExplainedPipeline]) -> str:
    """Write the graph in the language of Mermaid."""
    lines = ["flowchart LR", '  stream(["stream"])']
    for place, pipeline in enumerate(pipelines):
        lines.append(f"  subgraph p{place}[{_quoted(pipeline.name)}]")
        lines += [f"    {name}[{_quoted(text)}]" for name, text in _nodes(place, pipeline)]
        lines.append("  end")
    lines += [f"  {one} --> {other}" for one, other in _edges(pipelines)]
    return "\n".join(lines) + "\n"


def dot_of(name: str, pipelines: Sequence[ExplainedPipeline]) -> str:
    """Write the graph in the language of Graphviz."""
    lines = [f"digraph {_quoted(name)} {{", "  rankdir=LR; node [shape=box];", "  stream [shape=oval];"]
    for place, pipeline in enumerate(pipelines):
        lines.append(f"  subgraph cluster_{place} {{ label={_quoted(pipeline.name)};")
        lines += [f"    {node} [label={_quoted(text)}];" for node, text in _nodes(place, pipeline)]
        lines.append("  }")
    lines += [f"  {one} -> {other};" for one, other in _edges(pipelines)]
    return "\n".join([*lines, "}"]) + "\n"


def html_of(plan: Explanation) -> str:
    """Draw the graph for a notebook, without a network."""
    head = f"<b>plan {escape(plan.name)}</b> <code>{plan.digest[:12]}</code>"
    if plan.memory_bytes is not None:
        head += f", {plan.fields} fields, at most {size_text(plan.memory_bytes)} of states"
    return f"<div><div>{head}</div>{''.join(_pipeline_html(one) for one in plan.pipelines)}</div>"


def _pipeline_html(pipeline: ExplainedPipeline) -> str:
    boxes = [
        f'<span style="{_BOX};border-radius:1em">{escape(" + ".join(pipeline.sources))}</span>',
        *(f'<span style="{_BOX}" title="{escape(one.text)}">{escape(one.type)}</span>' for one in pipeline.actions),
    ]
    chain = '<span aria-hidden="true">&rarr;</span>'.join(boxes)
    rows = "".join(f"<li><b>{escape(one.type)}</b> {escape(one.text)}</li>" for one in pipeline.actions)
    taken = (
        ""
        if pipeline.fields is None
        else f", takes {'' if pipeline.is_certain else 'at most '}{pipeline.fields} fields"
    )
    return (
        f'<details open><summary>{escape(pipeline.name)}{taken}</summary><div style="{_ROW}">{chain}</div>'
        f"<details><summary>actions</summary><ol>{rows}</ol></details></details>"
    )


def _nodes(place: int, pipeline: ExplainedPipeline) -> Iterator[tuple[str, str]]:
    for position, action in enumerate(pipeline.actions):
        yield f"p{place}a{position}", action.type


def _edges(pipelines: Sequence[ExplainedPipeline]) -> Iterator[tuple[str, str]]:
    last = {one.name: f"p{place}a{len(one.actions) - 1}" for place, one in enumerate(pipelines)}
    for place, pipeline in enumerate(pipelines):
        for name in pipeline.upstream:
            yield last[name], f"p{place}a0"
        if not pipeline.upstream:
            yield "stream", f"p{place}a0"
        for position in range(1, len(pipeline.actions)):
            yield f"p{place}a{position - 1}", f"p{place}a{position}"


def _quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', "'").replace("\n", " ")
    return f'"{plain}"'
