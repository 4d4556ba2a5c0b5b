"""The trigger `function`: a Python function is called with the event."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ValidationInfo, WithJsonSchema, field_validator

from dtedask.core.nearest import did_you_mean
from dtedask.notify.triggers.base import BaseTrigger, News
from dtedask.notify.triggers.news import event_of

__all__ = ["FunctionTrigger", "NamedFunction", "find_function"]

NamedFunction = Annotated[
    str | Callable[..., object],
    WithJsonSchema({"type": "string", "pattern": "^[^:]+:[^:]+$"}),
]
"""A function, or where it is: ``module:name``, or ``file.py:name`` with the file relative to the document."""


class FunctionTrigger(BaseTrigger):
    """Call a Python function with the event."""

    type: Literal["function"] = "function"
    function: NamedFunction
    """`module:name`, or `file.py:name` with the file relative to the document. It gets the `Event` of a commit, or the
    `Notification` of anything else."""

    @field_validator("function")
    @classmethod
    def _can_be_called(cls, function: Any, info: ValidationInfo) -> Any:
        return find_function(function, info)

    def run(self, news: News) -> None:
        """Call the function."""
        assert callable(self.function)
        self.function(event_of(news) or news)


def find_function(function: Any, info: ValidationInfo) -> Any:
    """Return the function that a document names.

    Raises
    ------
    ValueError
        If there is none, or it cannot be imported.
    """
    path = (info.context or {}).get("path")
    return function if callable(function) else _find(function, path.parent if path else Path())


def _find(text: str, folder: Path) -> Callable[..., object]:
    place, colon, name = text.rpartition(":")
    if not colon or not place or not name:
        raise ValueError(f"{text!r} names no function; write module:name or file.py:name.")
    try:
        module = (
            _load_file(folder / Path(place).expanduser()) if place.endswith(".py") else importlib.import_module(place)
        )
    except Exception as error:
        raise ValueError(f"{text!r} cannot be imported: {type(error).__name__}: {error}.") from error
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            hint = did_you_mean(part, [known for known in vars(found) if not known.startswith("_")])
            raise ValueError(f"{place!r} has no {name!r}. {hint}".rstrip())
        found = getattr(found, part)
    if not callable(found):
        raise ValueError(f"{text!r} is no function but {type(found).__name__}.")
    return found  # type: ignore[no-any-return]


def _load_file(path: Path) -> Any:
    """Load a module from a file, once for each state of the file."""
    status = path.stat()
    stamp = hashlib.sha256(f"{path.absolute()}:{status.st_mtime_ns}:{status.st_size}".encode()).hexdigest()[:12]
    name = f"_dtedask_listener_{path.stem}_{stamp}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
