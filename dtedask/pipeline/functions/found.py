"""Finding a function that a plan names, and its arguments, by its text: reading a plan runs nothing of it."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dtedask.core.errors import DocumentError
from dtedask.core.nearest import did_you_mean

__all__ = ["Found", "find_function"]

_GIVEN = 2  # keys and values


@dataclass(frozen=True, slots=True)
class Found:
    """Where a function is.

    Parameters
    ----------
    place : str
        Its file as the plan names it, or its module, for messages.
    name : str
        Of the function.
    source : str, optional
        Text of the file, where it is no module.
    """

    place: str
    name: str
    source: str | None = None


def find_function(function: str, file: str, folder: Path, arguments: Collection[str]) -> Found:
    """Find a function and look whether it takes the arguments.

    Parameters
    ----------
    function : str
        ``package.module:name``, or the name of a function in `file`.
    file : str
        A Python file, relative to `folder`; empty for a module.
    folder : Path
        The folder of the plan.
    arguments : collection of str
        What is given beside keys and values.

    Raises
    ------
    DocumentError
        If there is no such file, module or function, or it takes other arguments.
    """
    if file:
        found = Found(file, function, _read(folder / Path(file).expanduser(), file))
        _check(found, found.source or "", arguments)
        return found
    module, colon, name = function.partition(":")
    if not colon or not module or not name:
        raise DocumentError(
            f"{function!r} says not where the function is.",
            hint="Write package.module:name, or name its file beside it: file: functions.py.",
        )
    found = Found(module, name)
    source = _source_of_module(module)
    if source is not None:
        _check(found, source, arguments)
    return found


def _read(path: Path, file: str) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        there = [one.name for one in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise DocumentError(
            f"There is no file {file!r} beside the plan.", hint=did_you_mean(path.name, there)
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"The file {file!r} cannot be read: {error}.") from error


def _source_of_module(module: str) -> str | None:
    """Text of a module, None where it has none."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError) as error:
        raise DocumentError(f"There is no module {module!r}: {error}.", hint="Install its package.") from error
    if spec is None:
        raise DocumentError(f"There is no module {module!r}.", hint="Install its package, or name a file.")
    if spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin).read_text("utf-8")


def _check(found: Found, source: str, arguments: Collection[str]) -> None:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise DocumentError(f"{found.place}:{error.lineno} is no Python: {error.msg}.") from error
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if found.name in defined:
        _check_arguments(found, defined[found.name].args, arguments)
    elif found.name not in _bound(tree):
        raise DocumentError(f"{found.place} has no function {found.name!r}.", hint=did_you_mean(found.name, defined))


def _bound(tree: ast.Module) -> set[str]:
    """Names that a module has otherwise, such as imported ones: what they take is seen when they are called."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ClassDef):
            found.add(node.name)
    return found


def _check_arguments(found: Found, taken: ast.arguments, given: Collection[str]) -> None:
    places = [argument.arg for argument in (*taken.posonlyargs, *taken.args)]
    if len(places) < _GIVEN and taken.vararg is None:
        raise DocumentError(
            f"{found.name}() of {found.place} takes {len(places)} arguments in order.",
            hint=f"It is called with keys and values: def {found.name}(keys, values).",
        )
    named = [*places[_GIVEN:], *(argument.arg for argument in taken.kwonlyargs)]
    unknown = [name for name in given if name not in named]
    if unknown and taken.kwarg is None:
        raise DocumentError(
            f"{found.name}() of {found.place} takes no argument {unknown[0]!r}.",
            hint=did_you_mean(unknown[0], named) or "It takes keys and values only.",
        )
    without_default = places[_GIVEN : len(places) - len(taken.defaults)]
    without_default += [
        argument.arg for argument, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True) if default is None
    ]
    missing = [name for name in without_default if name not in given]
    if missing:
        raise DocumentError(f"{found.name}() of {found.place} needs the argument {missing[0]!r}.")
