"""Nodes of YAML: read by libyaml, their values, and the lines in which they stand.

The values are those of `dtedask.core.documents`: ``0600`` and ``0001`` stay texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dtedask.core.documents import KeyPath, yaml_loader
from dtedask.core.errors import DocumentError
from dtedask.products.requirements.raw import Item, Mistake

if TYPE_CHECKING:
    import yaml

__all__ = ["NodePlace", "item_of", "nodes_of", "plain_value", "value_of"]

_TEXT, _PLAIN = "tag:yaml.org,2002:str", "plain"
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class NodePlace:
    """Lines of a part of a YAML document, by its nodes.

    Parameters
    ----------
    file : str
        Name of the document.
    node : yaml.Node
        The part.
    before : int
        Lines before the text that was read.
    """

    file: str
    node: Any
    before: int = 0

    def at(self, path: KeyPath = ()) -> str:
        """See `Place`."""
        node, mark = self.node, self.node.start_mark
        for part in path:
            found = _below(node, part)
            if found is None:
                break
            mark, node = found
        return f"{self.file}:{mark.line + 1 + self.before}"


def nodes_of(text: str) -> Iterator[Any]:
    """Give the node of each document of a text.

    Raises
    ------
    yaml.YAMLError
        If it is no YAML.
    """
    loader = _loader()(text)
    try:
        while loader.check_node():
            yield loader.get_node()
    finally:
        loader.dispose()


@lru_cache(maxsize=1)
def _loader() -> type[yaml.SafeLoader]:
    """A loader that leaves it to `value_of` what a plain text is: most of them are in a document many times."""
    loader: Any = yaml_loader()
    made: type[yaml.SafeLoader] = type(
        "_NodeLoader", (loader,), {"resolve": _no_tag, **dict.fromkeys(_UNUSED, _nothing)}
    )
    return made


_UNUSED = ("descend_resolver", "ascend_resolver")


def _no_tag(_loader: Any, _kind: Any, _value: Any, implicit: Any) -> str:
    return _PLAIN if implicit is True or implicit is False or implicit[0] else _TEXT


def _nothing(_loader: Any, *_arguments: Any) -> None:
    """Do nothing: there are no resolvers of paths."""


@lru_cache(maxsize=1)
def _resolver() -> Callable[[str], str]:
    import yaml

    loader: Any = yaml_loader()("")
    return lambda text: str(loader.resolve(yaml.ScalarNode, text, (True, False)))


def item_of(node: Any, place: str, before: int = 0) -> Item:
    """One requirement of its node; `before` lines stand before the text that was read."""
    where = NodePlace(place, node, before)
    try:
        data = value_of(node, place, before)
    except DocumentError as error:
        return Item({"name": _name_in(node)}, where, Mistake(*_cut(error, where), error.hint))
    if not isinstance(data, Mapping):
        said = "it is empty" if data is None else f"{data!r} is no mapping of keys"
        return Item({}, where, Mistake(where.at(), f"This is no requirement: {said}.", "Write 'key: value' lines."))
    return Item(data, where)


def _cut(error: DocumentError, place: NodePlace) -> tuple[str, str]:
    """Place and message of an error whose message begins with its place."""
    match = re.match(rf"({re.escape(place.file)}:\d+): (.*)", error.message, re.DOTALL)
    return (match[1], match[2]) if match else (place.at(), error.message)


def _name_in(node: Any) -> str:
    if not isinstance(node.value, list):
        return ""
    return next((str(one[1].value) for one in node.value if isinstance(one, tuple) and one[0].value == "name"), "")


# ---- from nodes to values


def value_of(node: Any, place: str, before: int = 0, depth: int = 0) -> Any:
    """Value of a node: mappings, lists and scalars, as `dtedask.core.documents` has them.

    Raises
    ------
    DocumentError
        If a key is there twice, or a value is none of a document.
    """
    kind = node.id
    if kind == "scalar":
        return node.value if node.tag == _TEXT else _scalar(node, place, before)
    if depth > _DEEPEST:
        raise DocumentError(f"{place}:{_line(node, before)}: this goes too deep, or contains itself.")
    if kind == "sequence":
        return [value_of(one, place, before, depth + 1) for one in node.value]
    found: dict[str, Any] = {}
    merged: list[Any] = []
    for key, value in node.value:
        name = key.value
        if name == "<<" and key.tag == _PLAIN:
            merged.append(value_of(value, place, before, depth + 1))
        elif name in found or key.id != "scalar":
            said = "is there twice" if key.id == "scalar" else "is no text"
            raise DocumentError(f"{place}:{_line(key, before)}: the key {name!r} {said}.", hint="Keep one of them.")
        elif value.id == "scalar" and value.tag == _TEXT:
            found[name] = value.value
        else:
            found[name] = value_of(value, place, before, depth + 1)
    return _with(merged, found) if merged else found


def _with(merged: list[Any], found: dict[str, Any]) -> dict[str, Any]:
    """A mapping with what others give it by ``<<``; what it says itself goes first."""
    for other in merged:
        for one in other if isinstance(other, list) else [other]:
            found = {**one, **found} if isinstance(one, Mapping) else found
    return found


def _line(node: Any, before: int) -> int:
    return int(node.start_mark.line) + 1 + before


_KINDS: Mapping[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:str": str,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
    "tag:yaml.org,2002:bool": lambda text: text.lower() == "true",
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:merge": str,
}


def _scalar(node: Any, place: str, before: int) -> Any:
    try:
        return plain_value(node.value) if node.tag == _PLAIN else _KINDS[node.tag](node.value)
    except (KeyError, ValueError):
        raise DocumentError(
            f"{place}:{_line(node, before)}: the value {node.value!r} is none of a document ({node.tag}).",
            hint="Put it into quotes.",
        ) from None


@lru_cache(65536)
def plain_value(text: str) -> Any:
    """Value of a text without quotes: a number, a boolean, nothing, or the text."""
    return _KINDS[_resolver()(text)](text)


def _below(node: Any, part: str | int) -> tuple[Any, Any] | None:
    """Mark and node of a part of a node."""
    if node.id == "mapping":
        for key, value in node.value:
            if key.value == part:
                return key.start_mark, value
    elif node.id == "sequence" and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark, node.value[part]
    return None
