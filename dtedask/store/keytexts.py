"""The MARS keys behind the dimensions of a variable: the value of every slot, and which of them a request takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dtedask.request import Request, format_step
from dtedask.store.labels import DATE_LENGTHS, Dimension

if TYPE_CHECKING:
    from dtedask.store.group import Group, Variable
    from dtedask.store.snapshot import Snapshot


@dataclass(frozen=True)
class KeyTexts:
    """Values of one MARS key along one dimension of a variable, in order of arrival.

    Parameters
    ----------
    key : str
        The key.
    texts : list of str
        Its value at each slot; empty where the fields have none.
    aliases : list of str, optional
        Another value that each slot answers to.
    """

    key: str
    texts: list[str]
    aliases: list[str] | None = None

    def mask(self, request: Request) -> np.ndarray:
        """Which slots the request takes."""
        found = _taken(request, self.key, *self.coded)
        if self.aliases is not None:
            found |= _taken(request, self.key, *self._coded_aliases)
        return found

    @cached_property
    def coded(self) -> tuple[list[str], np.ndarray]:
        """Values without repeats, and the place among them of the value of each slot."""
        return _coded(self.texts)

    @cached_property
    def _coded_aliases(self) -> tuple[list[str], np.ndarray]:
        return _coded(self.aliases or [])


def key_texts(snapshot: Snapshot, group: Group, variable: Variable) -> tuple[tuple[KeyTexts, ...], ...]:
    """Keys of each dimension of a variable; made once a snapshot for all variables that share them."""
    return tuple(_key_texts(snapshot, group, variable, name) for name in variable.dims)


def _key_texts(snapshot: Snapshot, group: Group, variable: Variable, dimension: str) -> tuple[KeyTexts, ...]:
    # All attributes that the texts depend on.
    kind = [variable.attributes.get(name) for name in ("date_text", "time_text", "interval_s", "step_text")]
    place = ("key texts", group.name, dimension, "date" in variable.dims, *kind)
    if place not in snapshot.memory:
        snapshot.memory[place] = texts_of(group, variable, dimension)
    found: tuple[KeyTexts, ...] = snapshot.memory[place]
    return found


def texts_of(group: Group, variable: Variable, dimension: str) -> tuple[KeyTexts, ...]:
    """Keys of one dimension of a variable, made anew."""
    texts = group.axes[dimension].texts
    if dimension == "forecast_reference_time":
        return _reference_texts(variable, texts)
    if dimension == "step" and "interval_s" in variable.attributes:
        return (_interval_texts(group, variable),)
    if dimension == "member" and group.keys.get("type") == "pf":
        return (KeyTexts("number", ["" if text == "0" else text for text in texts], texts),)
    if dimension == "month" and variable.attributes.get("date_text") == "climate-monthly":
        return (KeyTexts("date", texts),)
    return (KeyTexts(Dimension(dimension).key, texts),)


def _reference_texts(variable: Variable, texts: list[str]) -> tuple[KeyTexts, ...]:
    date_text = str(variable.attributes.get("date_text", ""))
    if date_text in ("year-and-month", "year-key"):
        months = [str(int(text[4:6])) for text in texts]
        keys = (KeyTexts("year", [str(int(text[:4])) for text in texts]), KeyTexts("month", months))
        return keys if date_text == "year-and-month" else keys[:1]
    days = [text[: DATE_LENGTHS.get(date_text, 8)] for text in texts]
    dated = KeyTexts("hdate" if "date" in variable.dims else "date", days)
    if variable.attributes.get("time_text") == "none":
        return (dated,)
    return (dated, KeyTexts("time", [text[8:] for text in texts]))


def _interval_texts(group: Group, variable: Variable) -> KeyTexts:
    """Steps of a variable over intervals answer to their end and to the whole interval."""
    length = int(variable.attributes["interval_s"])
    axis = group.axes["step"]
    singles, ends = axis.texts, axis.labels.tolist()
    ranges = [
        format_step(end, end - length if length else 0) if single else ""
        for single, end in zip(singles, ends, strict=True)
    ]
    if variable.attributes.get("step_text") == "range":
        return KeyTexts("step", ranges, None if length else singles)
    return KeyTexts("step", singles, ranges)


def _coded(texts: list[str]) -> tuple[list[str], np.ndarray]:
    places: dict[str, int] = {}
    codes = np.fromiter((places.setdefault(text, len(places)) for text in texts), dtype=np.int64, count=len(texts))
    return list(places), codes


def _taken(request: Request, key: str, values: list[str], codes: np.ndarray) -> np.ndarray:
    taken = set(request.select(key, [value for value in values if value]))
    found: np.ndarray = np.fromiter((value in taken for value in values), dtype=bool, count=len(values))[codes]
    return found
