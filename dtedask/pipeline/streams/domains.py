"""Domains: which points of a global field each part of a model holds.

As in MultIO, a domain is described by integers: the global indices of its points (unstructured), or eleven numbers that
place a rectangle, with the halo around it, in a global rectangle (structured).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dtedask.core.errors import FieldError

__all__ = ["DomainMap", "Gather", "Part", "read_part"]

_STRUCTURED = (
    *("ni_global", "nj_global", "ibegin", "ni", "jbegin", "nj", "data_dim"),
    *("data_ibegin", "data_ni", "data_jbegin", "data_nj"),
)
_SHOWN = 8


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one source holds of a field.

    Parameters
    ----------
    source : str
        Who sends it.
    representation : str
        ``unstructured`` or ``structured``.
    definition : numpy.ndarray of int64
        As it was sent.
    global_size : int
        Points of the whole field.
    held_size : int
        How many of them all sources hold together.
    size : int
        Values that the source sends of each field, halo included.
    targets : numpy.ndarray of int64
        Global indices of the values that count.
    origins : numpy.ndarray of int64, optional
        Places of those among the values that are sent; None if all count.
    """

    source: str
    representation: str
    definition: np.ndarray
    global_size: int
    held_size: int
    size: int
    targets: np.ndarray
    origins: np.ndarray | None = None

    def says_the_same(self, other: Part) -> bool:
        """Whether two descriptions are equal."""
        mine, theirs = ((one.representation, one.global_size, one.definition.tolist()) for one in (self, other))
        return mine == theirs

    def check_size(self, values: Any) -> None:
        """Fail if the source sends another number of values than its domain has.

        Raises
        ------
        FieldError
            Naming both.
        """
        size = getattr(values, "size", self.size)
        if size != self.size:
            raise FieldError(
                f"The source {self.source} sends {_points(size)} of a field; its domain has {_points(self.size)}"
                + (", halo included." if self.representation == "structured" else ".")
            )


@dataclass(frozen=True, slots=True)
class Gather:
    """Makes a whole field of its parts: a picklable function, given the values in the order of `parts`.

    Parameters
    ----------
    parts : tuple of Part
        Which points each array holds.
    shape : tuple of int
        Of the whole field.
    fill : object
        Value of points that no part holds.
    """

    parts: tuple[Part, ...]
    shape: tuple[int, ...]
    fill: Any = np.nan

    def __call__(self, *arrays: np.ndarray) -> np.ndarray:
        """Return the whole field."""
        whole = np.full(self.parts[0].global_size, self.fill, np.result_type(*arrays))
        for part, values in zip(self.parts, arrays, strict=True):
            part.check_size(values)
            flat = np.ravel(values)
            whole[part.targets] = flat if part.origins is None else flat[part.origins]
        return whole.reshape(self.shape)


@dataclass(slots=True)
class DomainMap:
    """The domains of one name, as they become known.

    Parameters
    ----------
    name : str
        What fields call it.
    expected : int
        How many there are; 0 if nobody said so, then they are complete once they cover every point.
    may_have_holes : bool
        Whether points without a source are allowed, where the number of domains is known.
    parts : dict of str to Part
        By source.
    """

    name: str
    expected: int = 0
    may_have_holes: bool = False
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether all domains are known."""
        if self.expected and len(self.parts) < self.expected:
            return False
        return bool(self.parts) and (self._is_covered or bool(self.expected and self.may_have_holes))

    def ordered(self) -> tuple[Part, ...]:
        """All parts, in an order that does not depend on when they came."""
        return tuple(self.parts[source] for source in sorted(self.parts, key=_natural))

    def add(self, part: Part, expected: int = 0) -> None:
        """Take the domain of a source. The same domain again changes nothing.

        Raises
        ------
        FieldError
            If it contradicts what is known, naming domains and indices.
        """
        known = self.parts.get(part.source)
        if known is not None and not known.says_the_same(part):
            raise FieldError(
                f"The source {part.source} gives another domain {self.name!r} than before.",
                hint="A domain is described once; a changed decomposition needs a domain of another name.",
            )
        self._check_numbers(part, expected)
        if not len(part.targets) and not (expected or self.expected):
            raise FieldError(
                f"The source {part.source} holds no point of the domain {self.name!r}, and nobody says how many "
                "sources there are.",
                hint="Say it: by the key domainCount of each domain, or by `parts` in the plan.",
            )
        if known is None:
            self._check_overlap(part)
            self.parts[part.source] = part
        self.expected = expected or self.expected

    def holes(self) -> np.ndarray:
        """Global indices that no known part holds, in ascending order."""
        owned = np.zeros(self._global_size, bool)
        for part in self.parts.values():
            owned[part.targets] = True
        return np.flatnonzero(~owned)

    def check_covered(self) -> None:
        """Fail if the domains leave holes.

        Raises
        ------
        FieldError
            Naming the indices.
        """
        if self._is_covered or not self.parts:
            return
        holes = self.holes()
        known = ", ".join(part.source for part in self.ordered())
        may_be = self._global_size - self._held_size
        raise FieldError(
            f"The domains {self.name!r} of the sources {known} leave {_points(len(holes))} of {self._global_size} to "
            f"nobody{f', where {may_be} may be' if may_be else ''}: {_ranges(holes)}.",
            hint="Say how many sources there are, by domainCount or `parts`: then these points are missing."
            if self.may_have_holes
            else "Send the domain that is missing, or, where a field has no values there, say `holes: missing`.",
        )

    @property
    def has_all_parts(self) -> bool:
        """Whether as many domains are known as there are said to be."""
        return bool(self.expected) and len(self.parts) >= self.expected

    @property
    def _is_covered(self) -> bool:
        return sum(len(part.targets) for part in self.parts.values()) == self._held_size

    @property
    def _global_size(self) -> int:
        return next(iter(self.parts.values())).global_size

    @property
    def _held_size(self) -> int:
        return next(iter(self.parts.values())).held_size

    def _check_numbers(self, part: Part, expected: int) -> None:
        if self.parts and part.global_size != self._global_size:
            raise FieldError(
                f"The source {part.source} gives the domain {self.name!r} {part.global_size} points in all; others say "
                f"{self._global_size}."
            )
        if expected and self.expected and expected != self.expected:
            raise FieldError(
                f"The source {part.source} says that the domain {self.name!r} has {expected} parts; others, or the "
                f"plan, say {self.expected}."
            )
        if self.parts and part.held_size != self._held_size:
            raise FieldError(
                f"The source {part.source} says that all sources hold {_points(part.held_size)} of the domain "
                f"{self.name!r}; others say {self._held_size}."
            )
        said = expected or self.expected
        if said and part.source not in self.parts and len(self.parts) >= said:
            raise FieldError(
                f"The domain {self.name!r} has {said} parts, those of {', '.join(sorted(self.parts))}; the source "
                f"{part.source} sends one more."
            )

    def _check_overlap(self, part: Part) -> None:
        if not self.parts:
            return
        mine = np.zeros(part.global_size, bool)
        mine[part.targets] = True
        for other in self.ordered():
            both = np.sort(other.targets[mine[other.targets]])
            if len(both):
                raise FieldError(
                    f"The domains {self.name!r} of the sources {other.source} and {part.source} overlap in "
                    f"{_points(len(both))}: {_ranges(both)}.",
                    hint="Every point belongs to one source; halos of a structured domain lie outside its ni x nj.",
                )


def read_part(name: str, keys: Mapping[str, Any], definition: Sequence[int] | np.ndarray) -> Part:
    """Read a domain as a model sends it.

    Parameters
    ----------
    name : str
        What it is called, for errors.
    keys : mapping
        ``source``, ``representation`` (or ``category``, if that says it), and for unstructured ones ``globalSize``.
    definition : sequence of int
        As MultIO has it.

    Raises
    ------
    FieldError
        Naming source, domain and what is wrong.
    """
    source = str(keys.get("source", "0"))
    representation = str(keys.get("representation", keys.get("category", "")))
    numbers = np.asarray(definition, dtype=np.int64).ravel()
    if representation not in _READERS:
        raise FieldError(
            f"The source {source} sends a domain {name!r} of the representation {representation!r}.",
            hint="There are 'structured' and 'unstructured'.",
        )
    return _READERS[representation](f"domain {name!r} of the source {source}", source, keys, numbers)


def _unstructured(what: str, source: str, keys: Mapping[str, Any], indices: np.ndarray) -> Part:
    size = _global_size(what, keys)
    outside = indices[(indices < 0) | (indices >= size)]
    if len(outside):
        raise FieldError(f"The {what} names points outside of 0 to {size - 1}: {_ranges(np.unique(outside))}.")
    unique, counts = np.unique(indices, return_counts=True)
    if len(unique) < len(indices):
        twice = unique[counts > 1]
        raise FieldError(f"The {what} names {_points(len(twice))} more than once: {_ranges(twice)}.")
    return Part(source, "unstructured", indices, size, size, len(indices), indices)


def _structured(what: str, source: str, keys: Mapping[str, Any], numbers: np.ndarray) -> Part:
    if len(numbers) not in (len(_STRUCTURED), len(_STRUCTURED) + 1):
        raise FieldError(
            f"The {what} has {len(numbers)} numbers; a structured one has {len(_STRUCTURED)}: {', '.join(_STRUCTURED)}."
        )
    has = dict(zip(_STRUCTURED, (int(one) for one in numbers), strict=False))
    _check_inside(what, has)
    rows, columns = (
        np.arange(
            max(has[f"data_{axis}begin"], 0), min(has[f"data_{axis}begin"] + has[f"data_n{axis}"], has[f"n{axis}"])
        )
        for axis in "ji"
    )
    targets = (has["jbegin"] + rows)[:, None] * has["ni_global"] + has["ibegin"] + columns
    origins = (rows - has["data_jbegin"])[:, None] * has["data_ni"] + columns - has["data_ibegin"]
    size, whole = has["data_ni"] * has["data_nj"], has["ni_global"] * has["nj_global"]
    if "globalSize" in keys and _global_size(what, keys) != whole:
        raise FieldError(f"The {what} is part of {whole} points, but its globalSize is {keys['globalSize']}.")
    held = int(numbers[len(_STRUCTURED)]) if len(numbers) > len(_STRUCTURED) else whole
    if not 0 < held <= whole:
        raise FieldError(f"The {what} says that all sources together hold {held} of {_points(whole)}.")
    every = None if origins.size == size else origins.ravel()
    return Part(source, "structured", numbers, whole, held, size, targets.ravel(), every)


_READERS: dict[str, Callable[[str, str, Mapping[str, Any], np.ndarray], Part]] = {
    "unstructured": _unstructured,
    "structured": _structured,
}


def _inner(count: int, first: int, data_count: int) -> np.ndarray:
    """Places of an axis that both belong to the domain and have data; what else the data hold is halo."""
    return np.arange(max(first, 0), max(min(first + data_count, count), 0))


def _check_inside(what: str, has: Mapping[str, int]) -> None:
    sizes = ("ni_global", "nj_global", "ni", "nj", "data_ni", "data_nj")
    negative = [key for key in (*sizes, "ibegin", "jbegin") if has[key] < 0]
    if negative:
        raise FieldError(f"The {what} has a negative {negative[0]}: {has[negative[0]]}.")
    for axis in "ij":
        end = has[f"{axis}begin"] + has[f"n{axis}"]
        if end > has[f"n{axis}_global"]:
            raise FieldError(
                f"The {what} ends at {axis} = {end}, outside of n{axis}_global = {has[f'n{axis}_global']}."
            )


def _global_size(what: str, keys: Mapping[str, Any]) -> int:
    try:
        size = int(keys["globalSize"])
    except KeyError:
        raise FieldError(f"The {what} does not say how many points there are.", hint="Give globalSize.") from None
    except ValueError:
        raise FieldError(f"The {what} has the globalSize {keys['globalSize']!r}, which is no number.") from None
    if size <= 0:
        raise FieldError(f"The {what} has the globalSize {size}; there must be a point.")
    return size


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"


def _ranges(indices: np.ndarray) -> str:
    """Ascending indices as people write them: ``3, 7-12, 20``; the first few of many."""
    breaks = np.flatnonzero(np.diff(indices) != 1) + 1
    runs = [(run[0], run[-1]) for run in np.split(indices, breaks[:_SHOWN])]
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:_SHOWN]]
    return ", ".join(shown) + (", ..." if len(breaks) >= _SHOWN else "")


def _natural(source: str) -> tuple[int, int, str]:
    return (0, int(source), "") if source.isdecimal() else (1, 0, source)


def sources_in_order(sources: Iterable[str]) -> list[str]:
    """Names of sources, numbers first and by value."""
    return sorted(sources, key=_natural)
