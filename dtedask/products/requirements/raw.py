"""Requirements as they are read, before they are checked: keys and values, and where each stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from dtedask.core.documents import KeyPath, Lines

__all__ = ["InnerPlace", "Item", "LinesPlace", "Mistake", "NamedPlace", "Place", "Source"]


class Place(Protocol):
    """Where the keys of a part of a document stand; lines are looked up when something is wrong."""

    def at(self, path: KeyPath = ()) -> str:
        """File and line of a key, or of the nearest key above it."""
        ...


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """The place of what is in no file.

    Parameters
    ----------
    name : str
        What it is called.
    """

    name: str

    def at(self, path: KeyPath = ()) -> str:  # noqa: ARG002 - there are no lines
        """See `Place`."""
        return self.name


@dataclass(frozen=True, slots=True)
class LinesPlace:
    """The place of a part of a document that is read already.

    Parameters
    ----------
    lines : Lines
        Where each of its keys stands.
    before : tuple of str and int
        Key path of the part.
    """

    lines: Lines
    before: KeyPath = ()

    def at(self, path: KeyPath = ()) -> str:
        """See `Place`."""
        return self.lines.at((*self.before, *path))


@dataclass(frozen=True, slots=True)
class InnerPlace:
    """The place of a part of a part.

    Parameters
    ----------
    outer : Place
        That of the whole.
    before : tuple of str and int
        Key path of the part.
    """

    outer: Place
    before: KeyPath

    def at(self, path: KeyPath = ()) -> str:
        """See `Place`."""
        if isinstance(self.outer, NamedPlace):
            return f"{self.outer.name}[{self.before[-1]}]"
        return self.outer.at((*self.before, *path))


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a requirement.

    Parameters
    ----------
    place : str
        File and line.
    message : str
        What is wrong, with key and value.
    hint : str
        What to do about it; may be empty.
    """

    place: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message} {self.hint}".rstrip()


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One requirement as it is written.

    Parameters
    ----------
    data : mapping
        Its keys and values, without those it has from elsewhere.
    place : Place
        Where they stand.
    mistake : Mistake, optional
        Why it could not be read; then `data` may have only its name.
    handed_on : frozenset of str
        Those of its keys that it has from the requirement before it.
    """

    data: Mapping[str, Any]
    place: Place
    mistake: Mistake | None = None
    handed_on: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One document: requirements that share defaults and names of areas.

    Parameters
    ----------
    items : sequence of Item
        The requirements.
    place : Place
        The document.
    defaults : mapping
        Keys that its requirements have where they do not say otherwise.
    areas : mapping
        Names of areas that it has of its own.
    file : Path, optional
        Its file; None for a text.
    """

    items: list[Item]
    place: Place
    defaults: Mapping[str, Any] = field(default_factory=dict)
    areas: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None
