"""Which arguments the constructor of a cluster takes, when much of it goes on to other classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from inspect import Parameter
from typing import Any

Parameters = dict[str, Parameter]

_NOT_FROM_PROFILES = {"self", "loop", "asynchronous"}


def parameters_of(kind: Any) -> tuple[Parameters, bool]:
    """Find the arguments that a class, or a function, can be called with.

    What a class takes by ``**kwargs`` it is assumed to hand on to its base; dask-jobqueue's classes hand it on to
    their jobs, and `distributed.LocalCluster` to its workers.

    Returns
    -------
    known : mapping of str to inspect.Parameter
        Arguments by name.
    is_open : bool
        Whether there may be others, because it is not known who takes them.
    """
    known: Parameters = {}
    is_open = False
    for function in _constructors(kind):
        parameters = inspect.signature(function).parameters.values()
        is_open = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters)
        for parameter in parameters:
            if parameter.kind in {Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD}:
                known.setdefault(parameter.name, parameter)
        if not is_open:
            break
    handed_on, ends = _handed_on(kind)
    for name, parameter in handed_on.items():
        known.setdefault(name, parameter.replace(default=None))
    return {name: found for name, found in known.items() if name not in _NOT_FROM_PROFILES}, is_open and not ends


def _constructors(kind: Any) -> Iterator[Any]:
    """Constructors in the order in which they hand arguments on, down to the last that takes any."""
    if not isinstance(kind, type):
        yield kind
        return
    ends = _classes_that_end()
    for base in kind.__mro__:
        if "__init__" in vars(base) and base is not object:
            yield vars(base)["__init__"]
        if base in ends:
            return


def _classes_that_end() -> dict[type, list[Any]]:
    """Classes whose ``**kwargs`` go to others than their base, and to whom."""
    from distributed import LocalCluster, Nanny, Worker

    return {LocalCluster: [Nanny, Worker]}


def _handed_on(kind: Any) -> tuple[Parameters, bool]:
    """Arguments that a class hands on to its workers or jobs, and whether that is all that it takes by others."""
    if not isinstance(kind, type):
        return {}, False
    job = getattr(kind, "job_cls", None)
    takers = [job] if job is not None else []
    for base, others in _classes_that_end().items():
        if issubclass(kind, base):
            takers = others
    found: Parameters = {}
    for taker in takers:
        for function in _constructors(taker):
            parameters = inspect.signature(function).parameters
            found |= {name: one for name, one in parameters.items() if one.kind is not Parameter.VAR_KEYWORD}
    return {name: one for name, one in found.items() if name != "scheduler" or job is None}, bool(takers)
