"""``{VAR}`` and ``{~}`` in the texts of a plan, as MultIO replaces them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from dtedask.core.document_errors import dotted
from dtedask.core.errors import DocumentError
from dtedask.request import is_key

if TYPE_CHECKING:
    from dtedask.core.documents import Lines

__all__ = ["Substitution"]

_BRACES = re.compile(r"\{([^{}]*)\}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Substitution:
    """What names in braces stand for.

    ``{~}`` is the folder of the plan. A name in capital letters is a variable of the environment and must be set. Any
    other name is replaced where the environment has it, unless it is a key of MARS: ``{param}`` in the path of a sink
    is filled in there, field by field.

    Parameters
    ----------
    environment : mapping
        Variables; an empty one counts as not set, as in MultIO.
    folder : str
        What ``{~}`` stands for; MULTIO_SERVER_CONFIG_PATH of the environment goes before it.
    """

    environment: Mapping[str, str]
    folder: str

    def apply(self, data: Any, lines: Lines, path: tuple[str | int, ...] = ()) -> Any:
        """Return a document with all its texts replaced; keys stay as they are.

        Raises
        ------
        DocumentError
            Naming line, key and variable of the first that is not set.
        """
        if isinstance(data, str):
            return self._text(data, lines, path)
        if isinstance(data, Mapping):
            return {key: self.apply(value, lines, (*path, str(key))) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.apply(value, lines, (*path, index)) for index, value in enumerate(data)]
        return data

    def _text(self, text: str, lines: Lines, path: tuple[str | int, ...]) -> str:
        if "{" not in text:
            return text
        try:
            return _BRACES.sub(self._value, text)
        except KeyError as error:
            name = str(error.args[0])
            near = get_close_matches(name, [key for key, value in self.environment.items() if value], n=1)
            raise DocumentError(
                f"{lines.at(path)}: {dotted(path)}: the environment variable {name!r} is not set.",
                hint=f"Did you mean {near[0]!r}?" if near else f"Set it: export {name}=...",
            ) from None

    def _value(self, match: re.Match[str]) -> str:
        name = match[1]
        if name == "~":
            return self.environment.get("MULTIO_SERVER_CONFIG_PATH") or self.folder
        if _VARIABLE.fullmatch(name):
            if not self.environment.get(name):
                raise KeyError(name)
            return self.environment[name]
        return match[0] if is_key(name) else self.environment.get(name) or match[0]
