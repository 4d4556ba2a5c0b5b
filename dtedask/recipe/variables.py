"""Variables in the paths of a document: ``${NAME}`` and ``${NAME:-otherwise}``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<otherwise>[^}]*))?\}")


def expand(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Replace variables of the environment; an empty one counts as not set.

    Raises
    ------
    ValueError
        If a variable is not set and says nothing for that case.
    """
    known = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        found = known.get(match["name"]) or match["otherwise"]
        if found is None:
            raise ValueError(f"the variable {match['name']} is not set; set it, or write ${{{match['name']}:-PATH}}.")
        return found

    return _VARIABLE.sub(value, text)


def names(text: str) -> tuple[str, ...]:
    """Names of the variables in a text, in order."""
    return tuple(dict.fromkeys(match["name"] for match in _VARIABLE.finditer(text)))


def begins_in_environment(text: str) -> bool:
    """Whether a text begins with a variable that is set."""
    first = _VARIABLE.match(text)
    return first is not None and bool(os.environ.get(first["name"]))
