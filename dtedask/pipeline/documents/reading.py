"""Reading plans: what stands in other files is brought in, and shapes that only MultIO writes become ours."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtedask.core.document_errors import dotted
from dtedask.core.documents import KeyPath, Lines, read_document
from dtedask.core.errors import DocumentError
from dtedask.pipeline.documents.substitution import Substitution

if TYPE_CHECKING:
    Source = str | os.PathLike[str] | Mapping[str, Any]

__all__ = ["is_section", "read_source"]


def read_source(source: Source, environment: Mapping[str, str]) -> tuple[Any, Lines, Path | None]:
    """Read the document of a plan, before it is checked.

    Returns
    -------
    data : object
        The document: texts replaced, files of plans brought in, chains of ``next`` written as lists.
    lines : Lines
        Where each key stands.
    path : Path, optional
        Its file.
    """
    data, lines, path = read_document(source, "plan")
    folder = path.expanduser().parent if path is not None else Path.cwd()
    substitution = Substitution(environment, str(folder))
    data = substitution.apply(data, lines)
    for place, plans in _lists_of_plans(data):
        for index, plan in enumerate(plans):
            here = (*place, index)
            if isinstance(plan, Mapping) and isinstance(plan.get("file"), str):
                plans[index], lines = _included(plan, here, lines, folder, substitution)
            if isinstance(plans[index], Mapping):
                lines = _unchained(plans[index], here, lines)
    if isinstance(data, Mapping):
        lines = _unchained(data, (), lines)
    return data, lines, path


def is_section(value: object) -> bool:
    """Whether a key at the top of a document is a section of MultIO: a client or server with plans of its own.

    One that misspells them is a section, too, so that the mistake is found where it is.
    """
    return isinstance(value, Mapping) and any(
        get_close_matches(key, ("plans", "transport"), n=1, cutoff=0.8) for key in value if isinstance(key, str)
    )


def _lists_of_plans(data: Any) -> Iterator[tuple[KeyPath, list[Any]]]:
    if not isinstance(data, Mapping):
        return
    if isinstance(data.get("plans"), list):
        yield ("plans",), data["plans"]
    for key, value in data.items():
        if is_section(value) and isinstance(value.get("plans"), list):
            yield (str(key), "plans"), value["plans"]


def _included(
    plan: Mapping[str, Any], here: KeyPath, lines: Lines, folder: Path, substitution: Substitution
) -> tuple[Any, Lines]:
    """Return a plan that stands in a file of its own; what is said where it is named holds where the file is silent."""
    path = folder / Path(plan["file"]).expanduser()
    try:
        data, inside, _ = read_document(path, "plan")
    except DocumentError as error:
        raise DocumentError(f"{lines.at((*here, 'file'))}: {error.message}", hint=error.hint) from error
    data = substitution.apply(data, inside)
    if not isinstance(data, Mapping):
        raise DocumentError(f"{inside.at(())}: the file of {dotted(here)} is no mapping of keys.")
    outside = {key: value for key, value in plan.items() if key != "file" and key not in data}
    included = {(*here, str(key)): _under(inside, str(key)) for key in data}
    return {**outside, **data}, replace(lines, included={**lines.included, **included})


def _under(lines: Lines, key: str) -> Lines:
    """Return the lines of what stands under a key."""
    numbers = {path[1:]: number for path, number in lines.numbers.items() if path[:1] == (key,)}
    return replace(lines, numbers=numbers)


def _unchained(plan: Any, here: KeyPath, lines: Lines) -> Lines:
    """Write the chain that hangs on the last action by ``next``, as MultIO keeps it inside, as further actions."""
    actions = plan.get("actions")
    if not isinstance(actions, list):
        return lines
    while actions and isinstance(actions[-1], Mapping) and isinstance(actions[-1].get("next"), Mapping):
        old = (*here, "actions", len(actions) - 1, "next")
        lines = _moved(lines, old, (*here, "actions", len(actions)))
        last = dict(actions[-1])
        following = last.pop("next")
        actions[-1:] = [last, following]
    return lines


def _moved(lines: Lines, old: KeyPath, new: KeyPath) -> Lines:
    """Return lines in which a part of the document stands at another place too."""
    for prefix, inside in lines.included.items():
        if old[: len(prefix)] == prefix:
            moved = _moved(inside, old[len(prefix) :], new[len(prefix) :])
            return replace(lines, included={**lines.included, prefix: moved})
    size = len(old)
    found = {(*new, *path[size:]): number for path, number in lines.numbers.items() if path[:size] == old}
    return replace(lines, numbers={**lines.numbers, **found})
