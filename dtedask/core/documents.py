"""Reading YAML documents into pydantic models, with errors that name file, line, key and the nearest legal key.

YAML is read as people who write MARS requests mean it: ``0600`` and ``0001`` stay texts, ``06:00`` is no number of
seconds, ``no`` is no boolean and ``2024-06-03`` stays a text until a model makes a date of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dtedask.core.errors import DocumentError
from dtedask.core.nearest import did_you_mean

if TYPE_CHECKING:
    import yaml
    from pydantic import BaseModel, ValidationError

__all__ = [
    "KeyPath",
    "Lines",
    "check_document",
    "load_document",
    "read_document",
    "read_yaml",
    "summed_up",
    "yaml_error",
    "yaml_loader",
]

Model = TypeVar("Model", bound="BaseModel")
KeyPath = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)$")
_FLOAT = re.compile(r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf))$")
_NAN = re.compile(r"\.(?:nan|NaN)$")
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Lines:
    """Where each key of a document stands.

    Parameters
    ----------
    place : str
        Name of the file, or what the text is when it is in no file.
    numbers : mapping of key path to int
        Lines, counted from 1, by key path such as ``("listeners", 0, "request")``.
    included : mapping of key path to Lines
        Parts of the document that stand in files of their own, and the lines there.
    """

    place: str
    numbers: Mapping[KeyPath, int] = field(default_factory=dict)
    included: Mapping[KeyPath, Lines] = field(default_factory=dict, kw_only=True)

    def at(self, path: KeyPath) -> str:
        """File and line of a key, or of the nearest key above it."""
        for size in range(len(path), -1, -1):
            if path[:size] in self.included:
                return self.included[path[:size]].at(path[size:])
            if path[:size] in self.numbers:
                return f"{self.place}:{self.numbers[path[:size]]}"
        return self.place


def load_document(
    source: str | os.PathLike[str] | Mapping[str, Any],
    model: type[Model],
    *,
    kind: str,
    context: Mapping[str, Any] | None = None,
) -> Model:
    """Read a YAML document and check it.

    Parameters
    ----------
    source : str, os.PathLike or mapping
        A path, YAML text (a str with a line break or ``": "``), or what YAML would give.
    model : type of pydantic.BaseModel
        What the document must be. Models refuse unknown keys by ``extra="forbid"``.
    kind : str
        What the document is, for messages, such as ``"listeners"``.
    context : mapping, optional
        Handed to the validators of the model (``info.context``) together with ``path``, the file or None.

    Returns
    -------
    BaseModel
        The checked document.

    Raises
    ------
    DocumentError
        Naming file, line, key path and value of everything that is wrong, with the nearest legal key or value.
    """
    data, lines, path = read_document(source, kind)
    return check_document(data, lines, model, kind=kind, context={**(context or {}), "path": path})


def read_document(source: str | os.PathLike[str] | Mapping[str, Any], kind: str) -> tuple[Any, Lines, Path | None]:
    """Read a document and do not check it; as `load_document`.

    Returns
    -------
    data : object
        What YAML gives.
    lines : Lines
        Where each key stands.
    path : Path, optional
        The file.
    """
    path = _path_of(source)
    data, lines = _read(source, path, kind)
    return data, lines, path


def check_document(
    data: object, lines: Lines, model: type[Model], *, kind: str, context: Mapping[str, Any] | None = None
) -> Model:
    """Check a document that is read already; as `load_document`.

    Parameters
    ----------
    data : object
        What `read_yaml` gave, perhaps with values from elsewhere.
    lines : Lines
        Where each key stands.
    """
    from pydantic import ValidationError

    if not isinstance(data, Mapping):
        found = "the document is empty" if data is None else f"{_shown(data)} is no mapping of keys"
        raise DocumentError(f"{lines.at(())}: {found}.", hint=did_you_mean("", model.model_fields))
    try:
        return model.model_validate(data, context=context)
    except ValidationError as error:
        raise _document_error(error, model, data, lines, kind) from error


def summed_up(findings: Iterable[tuple[str, str]], place: str, kind: str) -> DocumentError:
    """Return one error for all that is wrong in a document.

    Parameters
    ----------
    findings : iterable of (str, str)
        At least one: what is wrong, with its line, and what to do about it.
    place : str
        Name of the file, or what the text is when it is in no file.
    kind : str
        What the document is, for messages.
    """
    different = list(dict.fromkeys(findings))
    if len(different) == 1:
        return DocumentError(different[0][0], hint=different[0][1])
    texts = [f"{text} {hint}".rstrip() for text, hint in different[:_SHOWN]]
    more = [f"and {len(different) - _SHOWN} more"] if len(different) > _SHOWN else []
    return DocumentError("\n  ".join([f"{place}: {len(different)} mistakes in the {kind}:", *texts, *more]))


def read_yaml(text: str, place: str) -> tuple[Any, Lines]:
    """Read one YAML document.

    Parameters
    ----------
    text : str
        The document.
    place : str
        Its name in messages.

    Returns
    -------
    data : object
        Mappings, lists, str, int, float, bool and None.
    lines : Lines
        Where each key stands.

    Raises
    ------
    DocumentError
        If the text is no YAML, holds more than one document, or has a key twice.
    """
    import yaml

    loader = yaml_loader()(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, Lines(place)
        numbers = {(): node.start_mark.line + 1, **dict(_positions(node, (), place, set()))}
        return loader.construct_document(node), Lines(place, numbers)
    except yaml.YAMLError as error:
        raise yaml_error(error, place) from error
    finally:
        loader.dispose()


def _path_of(source: object) -> Path | None:
    if isinstance(source, os.PathLike):
        return Path(source)
    if isinstance(source, str) and not _is_text(source):
        return Path(source)
    return None


def _is_text(source: str) -> bool:
    return "\n" in source or ": " in source or source.lstrip().startswith("{")


def _read(source: object, path: Path | None, kind: str) -> tuple[Any, Lines]:
    if path is not None:
        return read_yaml(_read_file(path, kind), str(path))
    if isinstance(source, str):
        return read_yaml(source, f"<{kind}>")
    return source, Lines(f"<{kind}>")


def _read_file(path: Path, kind: str) -> str:
    try:
        return path.expanduser().read_text("utf-8")
    except FileNotFoundError as error:
        there = [file.name for file in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise DocumentError(f"There is no {kind} file {str(path)!r}.", hint=did_you_mean(path.name, there)) from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"The {kind} file {str(path)!r} is not UTF-8 text: {error}.") from error
    except OSError as error:
        raise DocumentError(f"Cannot read the {kind} file {str(path)!r}: {error.strerror}.") from error


@lru_cache(maxsize=1)
def yaml_loader() -> type[yaml.SafeLoader]:
    """Make a safe loader with the scalars of YAML 1.2, and no others: libyaml's where it is there."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: type[yaml.SafeLoader] = type("_Loader", (base,), {"yaml_implicit_resolvers": {}})
    for tag, pattern, first in (
        ("bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
        ("int", _INTEGER, "-+0123456789"),
        ("float", _FLOAT, "-+.0123456789"),
        ("float", _NAN, "."),
        ("null", re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
        ("merge", re.compile(r"<<$"), "<"),
    ):
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", pattern, list(first))
    return loader


def _positions(node: yaml.Node, path: KeyPath, place: str, seen: set[int]) -> Iterator[tuple[KeyPath, int]]:
    import yaml

    if id(node) in seen:  # an alias: what it repeats has its lines already, and it may contain itself
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        _refuse_repeated_keys(node, path, place)
        below = [((*path, str(key.value)), key.start_mark.line, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        below = [((*path, index), value.start_mark.line, value) for index, value in enumerate(node.value)]
    else:
        return
    for inner, line, value in below:
        yield inner, line + 1
        yield from _positions(value, inner, place, seen)


def _refuse_repeated_keys(node: yaml.MappingNode, path: KeyPath, place: str) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen and name != "<<":
            raise DocumentError(
                f"{place}:{line}: key {_dotted((*path, name))!r} is there twice, first in line {seen[name]}.",
                hint="Keep one of them.",
            )
        seen[name] = line


def yaml_error(error: yaml.YAMLError, place: str, *, before: int = 0) -> DocumentError:
    """Say what is no YAML in a text, and in which line; `before` lines stand before it in its file."""
    mark = getattr(error, "problem_mark", None)
    where = f"{place}:{mark.line + 1 + before}" if mark is not None else place
    context = getattr(error, "context", None)
    problem = getattr(error, "problem", None) or str(error)
    text = f"{context}: {problem}" if context else problem
    column = f", in column {mark.column + 1}" if mark is not None else ""
    return DocumentError(
        f"{where}: no valid YAML: {text}{column}.", hint="Look at the indentation, colons and quotes there."
    )


def _document_error(
    error: ValidationError, model: type[BaseModel], data: object, lines: Lines, kind: str
) -> DocumentError:
    items = error.errors(include_url=False)
    return summed_up([_finding(dict(item), model, data, lines) for item in items], lines.place, kind)


def _finding(item: dict[str, Any], model: type[BaseModel], data: object, lines: Lines) -> tuple[str, str]:
    from dtedask.core.document_errors import describe

    found = describe(item, model, data)
    return f"{lines.at(found.path)}: {found.text}", found.hint


def _dotted(path: KeyPath) -> str:
    from dtedask.core.document_errors import dotted

    return dotted(path)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
