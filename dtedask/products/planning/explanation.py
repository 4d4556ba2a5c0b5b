"""What a plan takes and gives, in numbers and words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from dtedask.core.sizes import size_text

__all__ = ["Explanation", "Missing", "OwnerShare", "Problem", "WeightsWork", "Work"]

_SHOWN = 12
_UNITS = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3))


@dataclass(frozen=True, slots=True)
class Work:
    """Work of one kind: in this plan, and if every field of every product was made by itself.

    Parameters
    ----------
    name : str
        Of the operation, such as ``read`` or ``regrid``.
    count, alone : int
        How often it is done.
    points, points_alone : int
        Points that come out.
    flops, flops_alone : float
        Floating-point operations.
    """

    name: str
    count: int = 0
    alone: int = 0
    points: int = 0
    points_alone: int = 0
    flops: float = 0.0
    flops_alone: float = 0.0

    def __str__(self) -> str:
        less = f", {self.alone / self.count:.1f} times less than one by one" if self.alone > self.count > 0 else ""
        flops = f", {number(self.flops)}flop" if self.flops else ""
        return f"{self.name}: {self.count} times, {number(self.points).strip()} points{flops}{less}"


@dataclass(frozen=True, slots=True)
class WeightsWork:
    """Weights that are used.

    Parameters
    ----------
    name : str
        The two grids and the method.
    points : int
        Points of the target.
    is_kept : bool
        Whether they are in the cache already.
    """

    name: str
    points: int
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """Fields that are waited for.

    Parameters
    ----------
    request : str
        A MARS request that names them.
    fields : int
        How many.
    products : int
        Products that wait for some of them.
    """

    request: str
    fields: int
    products: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What cannot be made.

    Parameters
    ----------
    requirement, place, product : str
        Which requirement, where it stands, and which of its products; "" for all.
    message, hint : str
        Why, and what to do.
    """

    requirement: str
    place: str
    product: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class OwnerShare:
    """What is in a plan for one owner.

    Parameters
    ----------
    owner : str
        Who; "" for nobody.
    products, fields, waiting, broken, skipped : int
        Products that are made, their fields, those that wait, that cannot be made, and that were delivered before.
    """

    owner: str
    products: int = 0
    fields: int = 0
    waiting: int = 0
    broken: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a plan takes and gives; nothing was read for it but what says which fields exist.

    Parameters
    ----------
    requirements, products, makes, waiting, skipped, late : int
        Requirements in it; products that are made, and how many of them are different; products that wait for fields;
        that were delivered before; and those that are made after their deadline.
    fields, fields_alone : int
        Fields that are read, and how many would be if every field of every product was made by itself.
    read_bytes, read_bytes_alone : int
        Their values in memory.
    stored_bytes : int
        Of those that lie in cubes or files, what they take there; 0 where nobody was asked.
    points : int
        Points of all products.
    operations : tuple of Work
        By kind.
    weights : tuple of WeightsWork
        Weights that are used.
    memory_bytes : int
        About what values take together at most.
    seconds, seconds_alone : float
        Estimates by the rates of the settings, on the cores that there are.
    missing : tuple of Missing
        What is waited for.
    problems : tuple of Problem
        What cannot be made.
    owners : tuple of OwnerShare
        For whom.
    """

    requirements: int
    products: int
    makes: int
    waiting: int
    skipped: int
    late: int
    fields: int
    fields_alone: int
    read_bytes: int
    read_bytes_alone: int
    stored_bytes: int
    points: int
    operations: tuple[Work, ...]
    weights: tuple[WeightsWork, ...]
    memory_bytes: int
    seconds: float
    seconds_alone: float
    missing: tuple[Missing, ...]
    problems: tuple[Problem, ...]
    owners: tuple[OwnerShare, ...]

    @property
    def flops(self) -> float:
        """Floating-point operations."""
        return sum(one.flops for one in self.operations)

    @property
    def flops_alone(self) -> float:
        """What they would be if every field of every product was made by itself."""
        return sum(one.flops_alone for one in self.operations)

    def to_dict(self) -> dict[str, Any]:
        """All of it as what JSON can hold."""
        return {**asdict(self), "flops": self.flops, "flops_alone": self.flops_alone}

    @property
    def text(self) -> str:
        """All of it, for people."""
        return "\n".join(self._lines())

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.text)}</pre>"

    def _lines(self) -> Iterator[str]:
        yield (
            f"{counted(self.products, 'product')} ({self.makes} different) of "
            f"{counted(self.requirements, 'requirement')}; "
            f"{self.waiting} wait, {len(self.problems)} cannot be made, {self.skipped} were delivered before"
        )
        if self.late:
            yield f"{self.late} of them are late already"
        yield from self._work()
        yield from _listed("waits for", [f"{one.request} ({counted(one.products, 'product')})" for one in self.missing])
        problems = [
            f"{one.product or one.requirement} ({one.place}): {one.message} {one.hint}" for one in self.problems
        ]
        yield from _listed("cannot be made", problems)
        if len(self.owners) > 1:
            yield from _listed("owners", [_share_text(one) for one in self.owners])

    def _work(self) -> Iterator[str]:
        if not self.products:
            return
        stored = f" ({size_text(self.stored_bytes)} stored)" if self.stored_bytes else ""
        yield (
            f"reads {self.fields} fields, {size_text(self.read_bytes)}{stored}; one by one it would be "
            f"{self.fields_alone} fields, {size_text(self.read_bytes_alone)}"
        )
        yield from (f"  {one}" for one in self.operations)
        to_build = [one for one in self.weights if not one.is_kept]
        yield f"weights: {len(self.weights)}, {len(to_build)} to be made"
        yield from (f"  {one.name}: {number(one.points).strip()} points" for one in to_build[:_SHOWN])
        yield f"computes {number(self.flops)}flop; one by one it would be {number(self.flops_alone)}flop"
        yield (
            f"memory about {size_text(self.memory_bytes)} at most; time about {time_text(self.seconds)}, "
            f"one by one {time_text(self.seconds_alone)}"
        )


def number(count: float) -> str:
    """A number as people read it, ``1.5 M``."""
    for unit, factor in _UNITS:
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} "


def counted(count: int, word: str) -> str:
    """So many of something."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def time_text(seconds: float) -> str:
    """A time as people read it."""
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _listed(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from (f"  {line}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"  and {len(lines) - _SHOWN} more"


def _share_text(one: OwnerShare) -> str:
    counts = {"wait": one.waiting, "cannot be made": one.broken, "were delivered before": one.skipped}
    others = "".join(f", {count} {words}" for words, count in counts.items() if count)
    made = f"{counted(one.products, 'product')}, {counted(one.fields, 'field')}"
    return f"{one.owner or 'nobody'}: {made}{others}"


def _problem_text(one: Problem) -> str:
    place = f" ({one.place})" if one.place else ""
    return f"{one.product or one.requirement}{place}: {one.message} {one.hint}".rstrip()
