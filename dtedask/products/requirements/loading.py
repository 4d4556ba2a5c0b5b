"""All requirements of some files, checked."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dtedask.core.documents import KeyPath, Lines
from dtedask.products.requirement import Requirement
from dtedask.products.requirements.broken import Broken
from dtedask.products.requirements.checking import Checker
from dtedask.products.requirements.parts import digest
from dtedask.products.requirements.raw import Mistake, Source
from dtedask.products.requirements.sources import read_sources

__all__ = ["Requirements", "load_requirements"]

OneSource = str | os.PathLike[str] | Mapping[str, Any]
_SHOWN = 20
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, eq=False)
class Requirements:
    """Requirements that were read.

    Parameters
    ----------
    valid : tuple of Requirement
        Those that can be made, in the order in which they stand.
    broken : tuple of Broken
        Those that are wrong, and why.
    notes : tuple of Mistake
        What one should know of the valid ones: words without effect, ranges without an increment that end early.
    """

    valid: tuple[Requirement, ...]
    broken: tuple[Broken, ...] = ()
    notes: tuple[Mistake, ...] = ()

    @cached_property
    def digest(self) -> str:
        """sha256 over all that the valid ones say, in hexadecimal; their order does not count."""
        return digest(*sorted(repr(_said(one)) for one in self.valid))

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """JSON schema of the documents, for editors."""
        from dtedask.products.requirements.schema import requirements_schema

        return requirements_schema()

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self.valid)

    def __len__(self) -> int:
        return len(self.valid)

    def __repr__(self) -> str:
        return f"<Requirements: {len(self.valid)} valid, {len(self.broken)} broken>"

    def _repr_html_(self) -> str:
        from dtedask.store.html import table_html

        good = [_row(one) for one in self.valid[:_SHOWN]]
        wrong = [{"broken": one.name, "place": one.place, "why": one.message} for one in self.broken[:_SHOWN]]
        tables = [table_html(repr(self).strip("<>"), good), table_html("", wrong) if wrong else ""]
        return "".join(tables)


def load_requirements(
    source: OneSource | Iterable[OneSource],
    *,
    defaults: Mapping[str, Any] | None = None,
    lines: Lines | None = None,
    at: KeyPath = (),
) -> Requirements:
    """Read requirements, and check each by itself.

    Parameters
    ----------
    source : str, path, mapping, or iterable of these
        Files, folders, globs, YAML or MARS-like text, or what YAML would give.
    defaults : mapping, optional
        Keys that all requirements have where neither they nor their document say otherwise.
    lines : Lines, optional
        Where the keys of a mapping stand, for a part of a document that is read already.
    at : tuple of str and int
        Key path of that part.

    Returns
    -------
    Requirements
        The valid ones, and the broken ones with file and line of what is wrong in each.

    Raises
    ------
    DocumentError
        If a file cannot be read, or is no document of requirements.
    """
    sources = [source] if isinstance(source, str | os.PathLike | Mapping) else list(source)
    with _without_collector():
        return _checked(read_sources(sources, lines, at), defaults or _NOTHING)


def _checked(documents: Iterable[Source], defaults: Mapping[str, Any]) -> Requirements:
    valid: dict[str, Requirement] = {}
    broken: list[Broken] = []
    notes: list[Mistake] = []
    for document in documents:
        checker = Checker(document, defaults)
        for item in document.items:
            made = checker.check(item)
            if isinstance(made, Requirement):
                first = valid.setdefault(made.name, made)
                made = made if first is made else _second(made, first)
            if isinstance(made, Broken):
                broken.append(made)
        notes += checker.notes
    return Requirements(tuple(valid.values()), tuple(broken), tuple(dict.fromkeys(notes)))


def _row(one: Requirement) -> dict[str, object]:
    fields = ",".join(f"{key}={'/'.join(values)}" for key, values in one.request.items())
    grid = one.how.grid or "native"
    return {"name": one.name, "owner": one.owner, "fields": fields, "grid": grid, "format": one.format.type}


def _second(made: Requirement, first: Requirement) -> Broken:
    text = f"the name {made.name!r} is that of another requirement, at {first.place}."
    return Broken(made.name, (Mistake(made.place, text, "Give each a name of its own."),))


def _said(one: Requirement) -> tuple[Any, ...]:
    places = [delivery.model_dump_json() for delivery in one.delivery]
    return one.name, one.owner, one.digest, places, one.file_name, one.deadline, one.priority


@contextmanager
def _without_collector() -> Iterator[None]:
    """Leave the collector of cycles off: none is made here, and it would look at the nodes of all documents again."""
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_on:
            gc.enable()
