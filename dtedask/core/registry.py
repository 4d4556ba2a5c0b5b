"""Named kinds of things, ours and those that installed packages bring by entry points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from dtedask.core.errors import DocumentError, DtedaskError
from dtedask.core.nearest import did_you_mean


@dataclass(frozen=True, slots=True, eq=False)
class Registry:
    """Where things of one kind are found; nothing is imported before it is asked for.

    Parameters
    ----------
    what : str
        What one of them is called in errors, such as ``action``.
    group : str
        The group of entry points.
    own : mapping of str to str
        Name and place (``module:attribute``) of those of this package.
    error : type of DtedaskError
        What is raised.
    """

    what: str
    group: str
    own: Mapping[str, str]
    error: type[DtedaskError] = DocumentError

    def places(self) -> dict[str, str]:
        """Names of all of them, and where each is."""
        return dict(self.own) | {entry.name: entry.value for entry in installed(self.group)}

    def load(self, name: str) -> Any:
        """Load one.

        Raises
        ------
        DtedaskError
            If there is none of this name, or an installed package cannot be imported or does not have it.
        """
        places = self.places()
        if name not in places:
            raise self.error(f"There is no {self.what} of the type {name!r}.", hint=did_you_mean(name, places))
        module, _, attribute = places[name].partition(":")
        try:
            return getattr(import_module(module), attribute)
        except Exception as error:
            if module.startswith("dtedask."):
                raise
            raise self.error(
                f"The {self.what} {name!r} of an installed package cannot be loaded from {places[name]!r}: "
                f"{type(error).__name__}: {error}.",
                hint="Update or remove the package.",
            ) from error


@cache
def installed(group: str) -> tuple[EntryPoint, ...]:
    """Entry points of a group, looked up once."""
    return tuple(entry_points(group=group))
