"""Requirements in YAML: one document or several, each with its defaults and its names of areas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtedask.core.documents import yaml_error
from dtedask.core.errors import DocumentError
from dtedask.core.nearest import did_you_mean
from dtedask.products.requirements.raw import NamedPlace, Source
from dtedask.products.requirements.yaml_apart import cut_up
from dtedask.products.requirements.yaml_nodes import NodePlace, item_of, nodes_of, value_of

if TYPE_CHECKING:
    import yaml

__all__ = ["TOP", "read_yaml_text"]

TOP = ("requirements", "defaults", "areas", "description")
"""Keys of a document."""


def read_yaml_text(text: str, place: str, file: Path | None = None) -> list[Source]:
    """Read the requirements of a YAML text, which may hold several documents.

    Parameters
    ----------
    text : str
        What to read.
    place : str
        Its name in messages.
    file : Path, optional
        Its file.

    Raises
    ------
    DocumentError
        If it is no YAML, and not for the sake of single requirements.
    """
    import yaml

    try:
        nodes = list(nodes_of(text))
    except yaml.YAMLError as error:
        documents = _documents(text)
        if len(documents) > 1:
            return [source for document in documents for source in read_yaml_text(document, place, file)]
        parts = cut_up(text, place)
        if parts is None:
            raise yaml_error(error, place) from error
        if parts.around is None:
            return [Source(parts.items, NamedPlace(f"{place}:{parts.line}"), file=file)]
        return [replace(_source(parts.around, place, file), items=parts.items)]
    return [_source(node, place, file) for node in nodes]


def _documents(text: str) -> list[str]:
    """Texts of the documents of a text, each with as many empty lines in front as stand before it."""
    lines = text.splitlines(keepends=True)
    marks = [
        number
        for number, line in enumerate(lines)
        if re.match(r"---(\s|$)", line) and any(map(str.strip, lines[:number]))
    ]
    begins, ends = [0, *(number + 1 for number in marks)], [*marks, len(lines)]
    return ["\n" * begin + "".join(lines[begin:end]) for begin, end in zip(begins, ends, strict=True)]


def _source(node: yaml.Node, place: str, file: Path | None) -> Source:
    import yaml

    top = NodePlace(place, node)
    if isinstance(node, yaml.SequenceNode):
        return Source([item_of(one, place) for one in node.value], top, file=file)
    if not isinstance(node, yaml.MappingNode):
        raise DocumentError(f"{top.at()}: this is no mapping of keys.", hint=did_you_mean("", TOP))
    keys = {str(key.value): value for key, value in node.value}
    if not keys.keys() & set(TOP[:3]):
        return Source([item_of(node, place)], top, file=file)
    for key, _ in node.value:
        if key.value not in TOP:
            where = f"{place}:{key.start_mark.line + 1}"
            raise DocumentError(f"{where}: unknown key {key.value!r}.", hint=did_you_mean(str(key.value), TOP))
    listed = keys.get("requirements")
    if isinstance(listed, yaml.SequenceNode):
        items = [item_of(one, place) for one in listed.value]
    elif listed is None or listed.value == "":
        items = []
    else:
        raise DocumentError(f"{top.at(('requirements',))}: 'requirements' is no list.", hint="Begin each with '- '.")
    return Source(items, top, _mapping(keys, "defaults", place), _mapping(keys, "areas", place), file)


def _mapping(keys: Mapping[str, Any], name: str, place: str) -> Mapping[str, Any]:
    node = keys.get(name)
    if node is None:
        return {}
    found = value_of(node, place)
    if not isinstance(found, Mapping) and found is not None:
        where = f"{place}:{node.start_mark.line + 1}"
        raise DocumentError(f"{where}: {name!r} is no mapping of keys.", hint="Write 'key: value' lines below it.")
    return found or {}
