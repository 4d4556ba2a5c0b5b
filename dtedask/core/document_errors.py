"""What pydantic found wrong in a document, in words for the person who wrote it."""

from __future__ import annotations

import collections.abc
import re
import types
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

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


def describe(item: dict[str, Any], model: type[BaseModel]) -> Finding:
    """Turn one entry of ``ValidationError.errors()`` into a finding."""
    path, holder, here = _walk(item["loc"], model)
    at = f" in {dotted(path[:-1])}" if path[:-1] else ""
    match item["type"]:
        case "extra_forbidden":
            legal = [name for kind in _models(holder) for name in map(str, _fields(kind))]
            return Finding(path, f"unknown key {path[-1]!r}{at}.", did_you_mean(str(path[-1]), legal))
        case "missing":
            return Finding(path, f"key {path[-1]!r} is missing{at}.")
        case "union_tag_not_found":
            key = item["ctx"]["discriminator"].strip("'")
            meant = _misspelt(key, item["input"], here)
            if meant:
                return Finding((*path, meant), f"unknown key {meant!r} in {dotted(path)}.", f"Did you mean {key!r}?")
            return Finding(path, f"key {key!r} is missing in {dotted(path)}.", did_you_mean("", _tags(here)))
        case "union_tag_invalid":
            key = item["ctx"]["discriminator"].strip("'")
            tag = item["ctx"]["tag"]
            return Finding((*path, key), f"unknown {key} {tag!r} in {dotted(path)}.", did_you_mean(tag, _tags(here)))
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


def _walk(loc: tuple[str | int, ...], model: type[BaseModel]) -> tuple[KeyPath, list[Any], list[Any]]:
    """Follow a location of pydantic through the model.

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
            holder, here = here, below
    return tuple(path), holder, here


def _below(kinds: list[Any], part: str | int) -> list[Any]:
    found: list[Any] = []
    for kind in kinds:
        arguments = get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _members(_fields(kind)[part]) if part in _fields(kind) else []
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
        return _members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [kind for member in get_args(annotation) for kind in _members(member)]
    return [annotation]


def _models(kinds: list[Any]) -> list[type[BaseModel]]:
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _fields(model: type[BaseModel]) -> dict[str | int, Any]:
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


def _tags(kinds: list[Any]) -> list[str]:
    """Values of the constant fields of models, by which a union tells them apart."""
    annotations = [annotation for kind in _models(kinds) for annotation in _fields(kind).values()]
    constants = [get_args(annotation) for annotation in annotations if get_origin(annotation) is Literal]
    return [values[0] for values in constants if len(values) == 1]
