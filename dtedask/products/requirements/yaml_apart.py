"""A text that is no YAML for the sake of some requirements: each is read by itself, so that the others are made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from dtedask.core.documents import KeyPath, yaml_error
from dtedask.products.requirements.raw import Item, Mistake
from dtedask.products.requirements.yaml_nodes import item_of, nodes_of

__all__ = ["Apart", "cut_up"]

_BEGIN = re.compile(r"requirements\s*:\s*(#.*)?$")
_NAME = re.compile(r"(?:^|[\s{,])name\s*:\s*['\"]?([^'\"#\n,}]+)")


@dataclass(frozen=True, slots=True)
class Apart:
    """A text in parts.

    Parameters
    ----------
    around : node, optional
        What stands around the requirements; None for nothing.
    items : list of Item
        The requirements, those that are no YAML with their mistake.
    line : int
        Line of the first, counted from 1.
    """

    around: Any
    items: list[Item]
    line: int


@dataclass(frozen=True, slots=True)
class _LinePlace:
    """The line at which a part of a text begins, counted from 0."""

    file: str
    line: int

    def at(self, path: KeyPath = ()) -> str:  # noqa: ARG002 - lines of keys are not known
        """See `Place`."""
        return f"{self.file}:{self.line + 1}"


def cut_up(text: str, place: str) -> Apart | None:
    """Read each requirement of a text by itself.

    Returns
    -------
    Apart or None
        None where it is not clear where requirements begin, or where what is around them is broken.
    """
    lines = text.splitlines(keepends=True)
    found = _cuts(lines)
    if found is None:
        return None
    cuts, last = found
    head = "".join(lines[: cuts[0]])
    try:
        around = next(nodes_of(head + "".join(lines[last:])), None)
    except yaml.YAMLError:
        return None
    ends = [*cuts[1:], last]
    items = [_item("".join(lines[start:end]), start, place, head) for start, end in zip(cuts, ends, strict=True)]
    return Apart(around, items, cuts[0] + 1)


def _cuts(lines: list[str]) -> tuple[list[int], int] | None:
    """Lines at which requirements begin, and the line after the last."""
    head = next((number for number, line in enumerate(lines) if _BEGIN.match(line)), -1)
    start = next((number for number in range(head + 1, len(lines)) if _has_content(lines[number])), -1)
    mark = re.match(r"\s*-(?=\s)", lines[start]) if start >= 0 else None
    if mark is None:
        return None
    last = next((number for number in range(start, len(lines)) if re.match(r"[A-Za-z]", lines[number])), len(lines))
    begin = re.compile(rf"{mark[0]}\s")
    return [number for number in range(start, last) if begin.match(lines[number])], last


def _has_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _item(text: str, start: int, place: str, head: str) -> Item:
    has_aliases = "*" in text and "&" in head  # it may repeat what stands in front
    whole, before = (head + text, start - head.count("\n")) if has_aliases else (text, start)
    try:
        node: Any = next(nodes_of(whole))
    except yaml.YAMLError as error:
        return _broken(text, start, place, yaml_error(error, place, before=before))
    if has_aliases and node.id == "mapping":
        node = next(value for key, value in node.value if key.value == "requirements")
    return item_of(node.value[-1], place, before)


def _broken(text: str, start: int, place: str, error: Any) -> Item:
    where = _LinePlace(place, start)
    match = re.match(rf"({re.escape(place)}:\d+): (.*)", error.message, re.DOTALL)
    at, said = (match[1], match[2]) if match else (where.at(), error.message)
    name = _NAME.search(text)
    return Item({"name": name[1].strip()} if name else {}, where, Mistake(at, said, error.hint))
