"""What pydantic found wrong in a document, in words for the person who wrote it."""

from __future__ import annotations

import collections.abc
import re
import types
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dtedask.core.by_type import BY_TYPE, ByType
from dtedask.core.nearest import did_you_mean

__all__ = ["Finding", "describe", "dotted"]

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in a document.

    Parameters
    ----------
    path : tuple of str and int
        Key path in the document.
    text : str
        What is wrong, with key and value.
    hint : str
        What was probably meant; may be empty.
    """

    path: KeyPath
    text: str
    hint: str = ""


def describe(item: dict[str, Any], model: type[BaseModel], data: object = None) -> Finding:
    """Turn one entry of ``ValidationError.errors()`` into a finding; `data` is the document."""
    path, holder, here = _walk(item["loc"], model, data)
    at = f" in {dotted(path[:-1])}" if path[:-1] else ""
    match item["type"]:
        case "extra_forbidden":
            legal = [name for kind in _models(holder) for name in map(str, _fields(kind))]
            return Finding(path, f"unknown key {path[-1]!r}{at}.", did_you_mean(str(path[-1]), legal))
        case "missing":
            return Finding(path, f"key {path[-1]!r} is missing{at}.")
        case kind if kind == BY_TYPE:
            text = (
                f"{dotted(path[:-1])}: {item['ctx']['text']}"
                if item["ctx"]["text"]
                else f"unknown key {path[-1]!r}{at}."
            )
            return Finding(path, text.removeprefix(": "), item["ctx"]["hint"])
        case "union_tag_not_found" | "union_tag_invalid":
            return _of_tag(path, item, here)
        case "literal_error" | "enum":
            legal = re.findall(r"'([^']*)'", item["ctx"]["expected"])
            return Finding(path, f"{_value(path, item)} is not possible.", did_you_mean(str(item["input"]), legal))
        case "value_error" | "assertion_error":
            return _of_validator(path, item)
    return Finding(path, f"{_value(path, item)} is wrong: {_plain(item['msg'])}.")


def dotted(path: KeyPath) -> str:
    """Write a key path as people do, such as ``listeners[0].request``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _of_tag(path: KeyPath, item: dict[str, Any], here: list[Any]) -> Finding:
    """Say what is wrong with the key that tells the members of a union apart."""
    key = item["ctx"]["discriminator"].strip("'")
    if "tag" in item["ctx"]:
        tag = item["ctx"]["tag"]
        return Finding((*path, key), f"unknown {key} {tag!r} in {dotted(path)}.", did_you_mean(tag, _tags(here)))
    meant = _misspelt(key, item["input"], here)
    if meant:
        return Finding((*path, meant), f"unknown key {meant!r} in {dotted(path)}.", f"Did you mean {key!r}?")
    return Finding(path, f"key {key!r} is missing in {dotted(path)}.", did_you_mean("", _tags(here)))


def _misspelt(key: str, given: object, kinds: list[Any]) -> str:
    """Key of a document that is probably another one that is missing; empty where none is."""
    legal = {name for kind in _models(kinds) for name in _fields(kind)}
    unknown = [str(name) for name in given if name not in legal] if isinstance(given, collections.abc.Mapping) else []
    return next(iter(get_close_matches(key, unknown, n=1)), "")


def _of_validator(path: KeyPath, item: dict[str, Any]) -> Finding:
    error = item["ctx"]["error"]
    text = getattr(error, "message", None) or str(error)
    where = f"{dotted(path)}: " if path else ""
    return Finding(path, f"{where}{text}", getattr(error, "hint", ""))


def _plain(message: str) -> str:
    return message.replace("Input should be", "it must be").replace(
        "a valid dictionary or object to extract fields from", "a mapping of keys"
    )


def _value(path: KeyPath, item: dict[str, Any]) -> str:
    text = repr(item["input"])
    return f"{dotted(path) or 'the document'}: {text if len(text) <= 80 else f'{text[:77]}...'}"


def _walk(loc: tuple[str | int, ...], model: type[BaseModel], data: object) -> tuple[KeyPath, list[Any], list[Any]]:
    """Follow a location of pydantic through the model, and through the document where its types name models.

    Returns
    -------
    path : tuple of str and int
        Place in the document: pydantic's locations also name the members of unions.
    holder, here : list of type
        Types that are legal for what holds the last part, and for the last part itself.
    """
    path: list[str | int] = []
    here: list[Any] = [model]
    holder = here
    for position, part in enumerate(loc):
        tagged = [kind for kind in _models(here) if part in _tags([kind])]
        below = _below(here, part)
        if tagged and len(_models(here)) > 1:
            here = tagged
        elif below or (position == len(loc) - 1 and isinstance(part, str) and _models(here)):
            path.append(part)
            data = _item(data, part)
            holder, here = here, _resolved(below, data)
    return tuple(path), holder, here


def _item(data: object, part: str | int) -> object:
    try:
        return data[part]  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        return None


def _resolved(kinds: list[Any], data: object) -> list[Any]:
    """Put the model that a document names by its type in the place of the mark that says so."""
    return [(kind.model_of(data) or BaseModel) if isinstance(kind, ByType) else kind for kind in kinds]


def _below(kinds: list[Any], part: str | int) -> list[Any]:
    found: list[Any] = []
    for kind in kinds:
        arguments = get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _members(_fields(kind)[part]) if part in _fields(kind) else _extra(kind)
        elif isinstance(part, int) and get_origin(kind) in (list, tuple, collections.abc.Sequence):
            found += _members(arguments[0])
        elif isinstance(part, str) and get_origin(kind) in (dict, collections.abc.Mapping):
            found += _members(arguments[1])
        elif kind is Any:
            found.append(Any)
    return found


def _members(annotation: Any) -> list[Any]:
    """Take unions and annotations apart into plain types."""
    origin = get_origin(annotation)
    if origin is Annotated:
        marks = [mark for mark in get_args(annotation)[1:] if isinstance(mark, ByType)]
        return list(marks) or _members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [kind for member in get_args(annotation) for kind in _members(member)]
    return [annotation]


def _models(kinds: list[Any]) -> list[type[BaseModel]]:
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _fields(model: type[BaseModel]) -> dict[str | int, Any]:
    return {info.alias or name: _annotation(info) for name, info in model.model_fields.items()}


def _annotation(info: FieldInfo) -> Any:
    """What a field is, with the mark of parts that are found by their type, which pydantic keeps apart."""
    marks = [mark for mark in info.metadata if isinstance(mark, ByType)]
    return Annotated[info.annotation, marks[0]] if marks else info.annotation


def _extra(model: type[BaseModel]) -> list[Any]:
    """Types of further keys of a model that takes some."""
    if model.model_config.get("extra") != "allow":
        return []
    annotation = vars(model).get("__annotations__", {}).get("__pydantic_extra__", Any)
    if isinstance(annotation, str):
        annotation = get_type_hints(model, include_extras=True)["__pydantic_extra__"]
    return _members(get_args(annotation)[1]) if get_origin(annotation) is dict else [Any]


def _tags(kinds: list[Any]) -> list[str]:
    """Values of the constant fields of models, by which a union tells them apart."""
    annotations = [annotation for kind in _models(kinds) for annotation in _fields(kind).values()]
    constants = [get_args(annotation) for annotation in annotations if get_origin(annotation) is Literal]
    return [values[0] for values in constants if len(values) == 1]
