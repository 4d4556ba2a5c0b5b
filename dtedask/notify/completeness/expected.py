"""Which fields a run is to have, and which of them a change of a cube is about."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from dtedask.core.errors import RequestError
from dtedask.notify.completeness.document import Expectation
from dtedask.request import Request, parameter, parse_step

__all__ = ["ALL_STEPS", "Expected", "Touched"]

ALL_STEPS = ""
"""The step of requests that name none."""
Shape = Mapping[str, frozenset[int]]
_NOT_IN_FIELD = ("date", "time", "step")


@dataclass(frozen=True, slots=True)
class Touched:
    """Expected fields of one run and step, by their numbers."""

    reference: datetime
    step: str
    fields: frozenset[int]


class Expected:
    """The fields of an expectation, each with a number within its step.

    Parameters
    ----------
    expectation : Expectation
        What is expected.
    """

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation
        self._parts: list[_Part] = []
        for request in expectation.requests:
            first = self._parts[-1].end if self._parts else 0
            self._parts.append(_Part(request, first))
        self._shapes: dict[tuple[int, ...], Shape] = {}

    @property
    def times(self) -> list[timedelta]:
        """Times of day of runs, ascending."""
        return sorted({_time_of_day(time) for part in self._parts for time in part.request["time"]})

    @property
    def days(self) -> list[datetime] | None:
        """Days of runs, ascending; None for every day."""
        named = [part.request.get("date") for part in self._parts]
        if None in named:
            return None
        return sorted({_day(text) for dates in named for text in dates or ()})

    def shape(self, reference: datetime) -> Shape:
        """Numbers of the fields of a run, by step, in the order of steps; none where no run is expected then."""
        parts = tuple(number for number, part in enumerate(self._parts) if part.has_run(reference))
        if parts not in self._shapes:
            found: dict[str, frozenset[int]] = {}
            for part in (self._parts[number] for number in parts):
                for step in part.steps:
                    found[step] = found.get(step, frozenset()) | part.numbers
            self._shapes[parts] = {step: found[step] for step in sorted(found, key=_order)}
        return self._shapes[parts]

    def last_runs(self, now: datetime, count: int) -> list[datetime]:
        """Reference times of the newest runs that have begun, ascending."""
        days = self.days
        if days is None:
            today = now.replace(hour=0, minute=0, second=0, microsecond=0)
            days = [today - timedelta(days=number) for number in range(count, -1, -1)]
        runs = [day + time for day in days for time in self.times]
        return [run for run in sorted(runs) if run <= now and self.shape(run)][-count:]

    def touched(self, keys: Mapping[str, str]) -> Iterator[Touched]:
        """Expected fields that a request is about.

        Parameters
        ----------
        keys : mapping
            MARS keys in canonical form, lists joined by ``/``, as in changes and records.
        """
        for values in _by_type({key: text.split("/") for key, text in keys.items()}):
            for part in self._parts:
                yield from part.touched(values)

    def requests_of(self, missing: Iterable[tuple[str, frozenset[int]]], reference: datetime) -> list[dict[str, str]]:
        """Requests in short form that give exactly some fields of a run.

        Parameters
        ----------
        missing : iterable of (str, frozenset of int)
            Steps, and numbers of fields of each.
        reference : datetime
            The run.
        """
        steps_of: dict[tuple[int, frozenset[int]], list[str]] = {}
        for step, numbers in missing:
            for place, part in enumerate(self._parts):
                own = numbers & part.numbers
                if own:
                    steps_of.setdefault((place, own), []).append(step)
        found = []
        for (place, numbers), steps in steps_of.items():
            part = self._parts[place]
            run = {"date": f"{reference:%Y%m%d}", "time": f"{reference:%H%M}"}
            run |= {} if steps == [ALL_STEPS] else {"step": in_short(steps)}
            values = part.requests_of(numbers)
            found += [{**{key: in_short(_shown(key, some)) for key, some in one.items()}, **run} for one in values]
        return found


@dataclass
class _Part:
    """One request of an expectation."""

    request: Request
    first: int
    keys: tuple[str, ...] = field(init=False)
    steps: tuple[str, ...] = field(init=False)
    numbers: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        self.keys = tuple(key for key in self.request if key not in _NOT_IN_FIELD)
        self.steps = self.request.get("step", (ALL_STEPS,))
        self._values = [self.request[key] for key in self.keys]
        self._places = {key: _Places(key, self.request[key]) for key in (*self.keys, "step") if key in self.request}
        self._times = frozenset(map(_time_of_day, self.request["time"]))
        self._days = frozenset(map(_day, self.request["date"])) if "date" in self.request else None
        self.end = self.first + math.prod(map(len, self._values))
        every = zip(range(self.first, self.end), itertools.product(*self._values), strict=True)
        self.numbers = frozenset(
            number for number, values in every if _is_possible(dict(zip(self.keys, values, strict=True)))
        )

    def has_run(self, reference: datetime) -> bool:
        """Whether there is a run with that reference time."""
        day = reference.replace(hour=0, minute=0, second=0, microsecond=0)
        return reference - day in self._times and (self._days is None or day in self._days)

    def touched(self, values: Mapping[str, list[str]]) -> Iterator[Touched]:
        """Fields of the request that stand in another."""
        numbers = {self.first}
        for key in self.keys:
            places = self._places[key]
            found = [place for text in values.get(key, ()) if (place := places.of(text)) is not None]
            if not found:
                return
            # The first key counts for most: the number of a field is its place in the product of all values.
            numbers = {
                self.first + (number - self.first) * places.count + place for number in numbers for place in found
            }
        numbers &= self.numbers
        steps = self._steps_in(values)
        if numbers and steps:
            for date, time in itertools.product(values.get("date", ()), values.get("time", ())):
                reference = _reference(date, time)
                if reference is not None and self.has_run(reference):
                    for step in steps:
                        yield Touched(reference, step, frozenset(numbers))

    def _steps_in(self, values: Mapping[str, list[str]]) -> list[str]:
        if "step" not in self.request:
            return [ALL_STEPS]
        found = (self._places["step"].of(text) for text in values.get("step", ()))
        return [self.steps[place] for place in found if place is not None]

    def requests_of(self, numbers: frozenset[int]) -> Iterator[dict[str, list[str]]]:
        """Requests of exactly some fields, without run and step."""
        if numbers == self.numbers:
            yield {key: list(values) for key, values in zip(self.keys, self._values, strict=True)}
            return
        rows = [
            row
            for number, row in zip(range(self.first, self.end), itertools.product(*self._values), strict=True)
            if number in numbers
        ]
        yield from _blocks(self.keys, rows)


def _blocks(keys: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[dict[str, list[str]]]:
    """Cut fields into requests of which each has all combinations of its values."""
    values = [list(dict.fromkeys(column)) for column in zip(*rows, strict=True)]
    if math.prod(map(len, values)) == len(rows):
        yield dict(zip(keys, values, strict=True))
        return
    # Values that have the same of all else stand together; where no key tells them apart, all combinations are there.
    groups = [_alike(rows, place) for place in range(len(keys))]
    for part in min((some for some in groups if len(some) > 1), key=len):
        yield from _blocks(keys, part)


def _alike(rows: list[tuple[str, ...]], place: int) -> list[list[tuple[str, ...]]]:
    """Fields by value of a key, those of values with the same combinations of all else together."""
    rests: dict[str, list[tuple[str, ...]]] = {}
    for row in rows:
        rests.setdefault(row[place], []).append((*row[:place], *row[place + 1 :]))
    found: dict[frozenset[tuple[str, ...]], list[tuple[str, ...]]] = {}
    for value, rest in rests.items():
        found.setdefault(frozenset(rest), []).extend((*one[:place], value, *one[place:]) for one in rest)
    return list(found.values())


class _Places:
    """Where values of a key stand among those that are expected."""

    def __init__(self, key: str, values: tuple[str, ...]) -> None:
        self.count = len(values)
        self._key = key
        self._asked = [Request({key: value}) for value in values]
        self._known: dict[str, int | None] = {}

    def of(self, text: str) -> int | None:
        """The place of a value; None where it is not expected."""
        if text not in self._known:
            taking = (place for place, request in enumerate(self._asked) if request.select(self._key, [text]))
            self._known[text] = next(taking, None)
        return self._known[text]


def in_short(values: list[str]) -> str:
    """Values as MARS writes them, ``0/to/24/by/6`` where there are more than three at equal distances."""
    if len(values) > 3 and all(value.isdecimal() for value in values):
        numbers = list(map(int, values))
        by = numbers[1] - numbers[0]
        if by > 0 and numbers == list(range(numbers[0], numbers[-1] + 1, by)) and str(numbers[0]) == values[0]:
            return f"{values[0]}/to/{values[-1]}/by/{by}"
    return "/".join(values)


def _shown(key: str, values: list[str]) -> list[str]:
    """Parameters by their short names, where all of them have one that means nothing else."""
    if key != "param":
        return values
    names = [_name_of(value) for value in values]
    return values if None in names else [name for name in names if name is not None]


@lru_cache(maxsize=1024)
def _name_of(param: str) -> str | None:
    if not param.isdecimal():
        return param
    try:
        name = parameter(param).short_name
        return name if name and Request({"param": name}).select("param", [param]) else None
    except RequestError:
        return None


def _by_type(values: dict[str, list[str]]) -> Iterator[dict[str, list[str]]]:
    """Tell control forecasts, which are member 0 and have no number, from the other members."""
    types = values.get("type", [])
    if "cf" not in types:
        yield values
        return
    yield {**values, "type": ["cf"], "number": ["0"]}
    others, members = [one for one in types if one != "cf"], [one for one in values.get("number", []) if one != "0"]
    if others and members:
        yield {**values, "type": others, "number": members}


def _is_possible(values: Mapping[str, str]) -> bool:
    """Whether there is such a field: control forecasts have no other member than 0, and perturbed ones have none."""
    kind, number = values.get("type"), values.get("number")
    return number is None or kind not in ("cf", "pf") or (kind == "cf") == (number == "0")


def _order(step: str) -> tuple[int, str]:
    return (parse_step(step).end_s if step else -1, step)


@lru_cache(maxsize=4096)
def _reference(date: str, time: str) -> datetime | None:
    try:
        return _day(date) + _time_of_day(time)
    except ValueError:
        return None


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)


def _time_of_day(text: str) -> timedelta:
    return timedelta(hours=int(text[:2]), minutes=int(text[2:4]))
