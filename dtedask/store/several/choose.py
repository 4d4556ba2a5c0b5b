"""Which fields a space takes: regular expressions for the values of keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import NoRuleError, RequestError
from dtedask.request import Request, parameter

if TYPE_CHECKING:
    from dtedask.store.selection import Selection
    from dtedask.store.several.document import RootsDocument, Space

# Keys whose values a request can only name as fields have them; of others, a look at the fields decides.
_PLAIN = frozenset({"class", "stream", "expver", "type", "levtype", "dataset", "model", "experiment", "activity"})


class Choice:
    """The fields of a space.

    A key that a field lacks does not match, as in FDB. Expressions must match the whole value, which FDB's need not.

    Parameters
    ----------
    select : mapping of str to str
        Keys and expressions.
    """

    def __init__(self, select: Mapping[str, str]) -> None:
        self.select = dict(select)
        self._patterns = {key: re.compile(text) for key, text in select.items()}

    def __str__(self) -> str:
        return ",".join(f"{key}={text}" for key, text in self.select.items()) or "everything"

    def takes(self, keys: Mapping[str, str]) -> bool:
        """Whether a field of these keys, in canonical form, belongs to the space."""
        return all(key in keys and self._is_match(key, keys[key]) for key in self._patterns)

    def may_take(self, request: Request) -> bool:
        """Whether the space can hold a field that is asked for; in doubt it can."""
        return all(self._may_be(key, request) for key in self._patterns)

    def rows(self, selection: Selection) -> np.ndarray | None:
        """Which of the selected fields belong to the space, shape (fields,); None for all of them."""
        masks = [found for key in self._patterns if (found := self._mask(key, selection)) is not None]
        return np.logical_and.reduce(masks) if masks else None

    def _is_match(self, key: str, value: str) -> bool:
        return any(self._patterns[key].fullmatch(text) for text in _texts(key, value))

    def _may_be(self, key: str, request: Request) -> bool:
        named = request.named(key)
        if not named or request.language is not None or request.ranged:
            return True
        if key in _PLAIN or (key == "date" and all(len(value) == 8 and value.isdigit() for value in named)):
            return any(self._is_match(key, value) for value in named)
        return True

    def _mask(self, key: str, selection: Selection) -> np.ndarray | None:
        """Fields with a value that matches; None where all have one."""
        if key == "type" and selection.has_control:
            is_control = selection.slots[:, selection.variable.dims.index("member")] == selection.control_slot
            return np.where(is_control, self._is_match(key, "cf"), self._is_match(key, "pf"))
        for position, parts in enumerate(selection.dimensions):
            for part in parts:
                if part.key == key:
                    values, codes = part.coded
                    good = np.array([bool(value) and self._is_match(key, value) for value in values], dtype=bool)
                    found: np.ndarray = good[codes][selection.slots[:, position]]
                    return found
        if key in selection.constants and self._is_match(key, selection.constants[key]):
            return None
        return np.zeros(len(selection.slots), dtype=bool)


@lru_cache(maxsize=64)
def _choice(select: tuple[tuple[str, str], ...]) -> Choice:
    return Choice(dict(select))


def choice_of(space: Space) -> Choice:
    """What a space takes."""
    return _choice(tuple(space.select.items()))


def space_of(document: RootsDocument, keys: Mapping[str, str], name: str) -> int:
    """Number of the first space that takes a field.

    Raises
    ------
    NoRuleError
        If none does.
    """
    for number, space in enumerate(document.spaces):
        if choice_of(space).takes(keys):
            return number
    field = ",".join(f"{key}={value}" for key, value in keys.items())
    have = "; ".join(str(choice_of(space)) for space in document.spaces)
    raise NoRuleError(
        f"No space of {name!r} takes the field {field}.",
        hint=f"They take {have}. A last space without select takes all.",
    )


def visible(selection: Selection, choices: Iterable[Choice]) -> Selection | None:
    """Those of the selected fields that one of several choices takes; None where there are none."""
    masks = []
    for choice in choices:
        mask = choice.rows(selection)
        if mask is None:
            return selection
        masks.append(mask)
    keep = np.logical_or.reduce(masks)
    if keep.all():
        return selection
    return replace(selection, rows=selection.slots[keep]) if keep.any() else None


def _texts(key: str, value: str) -> tuple[str, ...]:
    """Forms of a value that an expression may match: a parameter's short name beside its number."""
    return (value, *_short_names(value)) if key == "param" else (value,)


@lru_cache(maxsize=1024)
def _short_names(param: str) -> tuple[str, ...]:
    try:
        name = parameter(param).short_name
    except RequestError:
        return ()
    return (name,) if name else ()
