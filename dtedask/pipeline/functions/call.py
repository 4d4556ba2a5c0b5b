"""Calling a user's function: it is loaded where it runs, and what it gives is checked."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import FieldError

if TYPE_CHECKING:
    from dtedask.pipeline.functions.found import Found

__all__ = ["Function"]


class Function:
    """A function of a user with its arguments; it travels by the text of its file, or by the name of its module.

    Parameters
    ----------
    found : Found
        Where it is.
    arguments : mapping
        What it is given beside keys and values.
    results : int, optional
        How many fields it gives; None where it gives one, as an array.
    """

    def __init__(self, found: Found, arguments: Mapping[str, Any], results: int | None = None) -> None:
        self.found = found
        self.arguments = dict(arguments)
        self.results = results

    def __call__(self, keys: Mapping[str, Any], values: np.ndarray) -> Any:
        """Return what the function gives: an array, or a list of them.

        Raises
        ------
        FieldError
            If it fails or gives something else, naming file, function and field.
        """
        given = self.given(keys, values)
        if self.results is None:
            return self._array(given, keys, values)
        if not isinstance(given, Sequence) or len(given) != self.results:
            raise self._error(keys, f"gives {_named(given)}, and the plan expects {self.results} results")
        return [self._array(one, keys, values) for one in given]

    def pairs(self, keys: Mapping[str, Any], values: np.ndarray) -> list[tuple[dict[str, Any], np.ndarray]]:
        """Return pairs of keys and values, as the function gives them."""
        given = self.given(keys, values)
        try:
            taken = [(dict(own), one) for own, one in given]
        except (TypeError, ValueError) as error:
            raise self._error(keys, f"gives {_named(given)}, and the plan expects pairs of keys and values") from error
        return [(own, self._array(one, keys, values)) for own, one in taken]

    def given(self, keys: Mapping[str, Any], values: np.ndarray) -> Any:
        """Call it, with values that it cannot change."""
        frozen = np.asarray(values).view()
        frozen.flags.writeable = False
        function = _loaded(self.found)
        try:
            return function(dict(keys), frozen, **self.arguments)
        except Exception as error:
            line = _line_in(error, self.found)
            raise self._error(keys, f"failed{line}: {type(error).__name__}: {error}") from error

    def _array(self, given: Any, keys: Mapping[str, Any], values: np.ndarray) -> np.ndarray:
        try:
            array: np.ndarray | None = np.asarray(given, dtype="float64")
        except (TypeError, ValueError):
            array = None
        if given is None or array is None:
            raise self._error(keys, f"gives {_named(given)} instead of an array of numbers")
        if array.shape != np.shape(values):
            raise self._error(keys, f"gives an array of shape {array.shape} for a field of {np.shape(values)}")
        return array

    def _error(self, keys: Mapping[str, Any], text: str) -> FieldError:
        field = ",".join(f"{key}={value}" for key, value in keys.items())
        return FieldError(f"{self.found.place}: {self.found.name}() {text}, at the field {field}.")

    def __dask_tokenize__(self) -> Any:
        return (self.found.place, self.found.name, self.found.source, sorted(self.arguments.items()), self.results)


@lru_cache(maxsize=64)
def _loaded(found: Found) -> Callable[..., Any]:
    module = import_module(found.place) if found.source is None else _module(found.place, found.source)
    try:
        function: Callable[..., Any] = getattr(module, found.name)
    except AttributeError as error:
        raise FieldError(f"{found.place} has no function {found.name!r}.") from error
    return function


def _module(place: str, source: str) -> ModuleType:
    """Run the text of a file, once in a process for each text."""
    name = f"dtedask_plan_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    if name not in sys.modules:
        module = ModuleType(name)
        module.__file__ = place
        try:
            exec(compile(source, place, "exec"), module.__dict__)
        except Exception as error:
            raise FieldError(f"The file {place} of the plan cannot be run: {type(error).__name__}: {error}.") from error
        sys.modules[name] = module
    return sys.modules[name]


def _line_in(error: Exception, found: Found) -> str:
    line, trace = "", error.__traceback__
    while trace is not None:
        if found.source is not None and trace.tb_frame.f_code.co_filename == found.place:
            line = f" in line {trace.tb_lineno}"
        trace = trace.tb_next
    return line


def _named(given: Any) -> str:
    return "nothing" if given is None else f"an object of the type {type(given).__name__}"
