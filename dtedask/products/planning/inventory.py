"""Which fields exist, found by their keys."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dtedask.pipeline.sources.choose import parse_input
from dtedask.pipeline.sources.files import FileSource
from dtedask.products.planning.available import Available
from dtedask.products.planning.canonical import Place, params_of, place_of
from dtedask.products.planning.supply import AtHand, Supply, field_at_hand, unread_field
from dtedask.products.requirement import Cycle

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.grib import Field
    from dtedask.pipeline.sources.source import DType

__all__ = ["CycleFields", "Inventory"]


class Inventory:
    """Fields that exist, cycle by cycle. A parameter of a cycle is listed when it is first asked for.

    Parameters
    ----------
    supplies : sequence of Supply
        What has fields; of a field that several have, the first one's is taken.
    """

    def __init__(self, supplies: Sequence[Supply]) -> None:
        self._supplies = tuple(supplies)
        self._of: dict[Cycle, CycleFields] = {}
        self._cycles: tuple[Cycle, ...] | None = None

    @classmethod
    def open(
        cls, names: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], *, dtype: DType = "float32"
    ) -> Inventory:
        """Look at inputs.

        Parameters
        ----------
        names : str, path or iterable of them
            Roots and cubes, with or without a request behind them, GRIB files, patterns and folders; as
            `dtedask.pipeline.sources.open_source` takes them.
        dtype : {"float32", "float64"}
            What values of GRIB files are rounded to when they are decoded.

        Raises
        ------
        NotFoundError
            If an input does not exist.
        """
        from dtedask.products.planning.cube import CubeFields

        given = [names] if isinstance(names, str | os.PathLike) else list(names)
        found = [parse_input(os.fspath(name)) for name in given]
        files = [one.place for one in found if not one.is_root]
        supplies: list[Supply] = [CubeFields.open(one.root, one.request) for one in found if one.is_root]
        if files:
            unread = (one for _, fields in FileSource(files, dtype=dtype).steps() for one in fields)
            supplies.append(AtHand(map(unread_field, unread)))
        return cls(supplies)

    @classmethod
    def of(cls, fields: Iterable[Field]) -> Inventory:
        """Fields in memory."""
        return cls([AtHand(map(field_at_hand, fields))])

    @property
    def cycles(self) -> tuple[Cycle, ...]:
        """Cycles of which there are fields, the oldest first."""
        if self._cycles is None:
            self._cycles = tuple(sorted({cycle for supply in self._supplies for cycle in supply.cycles()}))
        return self._cycles

    def at(self, cycle: Cycle) -> CycleFields:
        """Fields of a cycle; none where there are none."""
        if cycle not in self._of:
            self._of[cycle] = CycleFields(cycle, self._supplies)
        return self._of[cycle]

    def find(self, keys: Mapping[str, str]) -> Available | None:
        """The field of some keys, ``date`` and ``time`` among them; None where there is none."""
        return self.at(Cycle.of(keys)).find(keys)

    def add(self, commit: Commit) -> None:
        """See what a commit wrote and wiped; what it did not touch is not looked at again."""
        touched = [supply for supply in self._supplies if supply.add(commit)]
        if not touched:
            return
        self._cycles = None
        for change in (*commit.changes, *commit.wiped):
            keys = change.keys
            for date in keys.get("date", "").split("/"):
                for time in keys.get("time", "0000").split("/"):
                    known = self._of.get(Cycle.of({"date": date, "time": time}))
                    if known is not None:
                        known.forget(keys.get("param", ""))

    def __repr__(self) -> str:
        return f"<Inventory of {len(self._supplies)} inputs>"


class CycleFields:
    """Fields of one cycle.

    Parameters
    ----------
    cycle : Cycle
        Which.
    supplies : sequence of Supply
        What has fields.
    """

    def __init__(self, cycle: Cycle, supplies: Sequence[Supply]) -> None:
        self.cycle = cycle
        self._supplies = supplies
        self._places: dict[str, dict[Place, list[Available]]] = {}
        self._params: frozenset[str] | None = None

    @property
    def params(self) -> frozenset[str]:
        """ParamIds of which there are fields."""
        if self._params is None:
            self._params = frozenset(param for supply in self._supplies for param in supply.params(self.cycle))
        return self._params

    def fields(self, param: str) -> Iterator[Available]:
        """All fields of a parameter, by its paramId."""
        return (one for found in self._of(param).values() for one in found)

    def find(self, keys: Mapping[str, str]) -> Available | None:
        """The field of some keys: of several grids that of the most points; None where there is none."""
        place = place_of(keys)
        for param in params_of(keys["param"]):
            if param in self.params:
                found = [one for one in self._candidates(param, place) if one.answers(keys)]
                if found:
                    return found[0] if len(found) == 1 else _best(found, keys)
        return None

    def matching(self, keys: Mapping[str, str]) -> list[Available]:
        """All fields of some keys, ``param`` among them; those of one step, level and member in the order of grids."""
        place = place_of(keys)
        found = (one for param in params_of(keys["param"]) for one in self._candidates(param, place))
        return [one for one in found if one.answers(keys)]

    def _candidates(self, param: str, place: Place) -> Iterable[Available]:
        found = self._of(param).get(place)
        if found is not None:
            return found
        if all(place):
            return ()
        wanted = [(at, text) for at, text in enumerate(place) if text]
        parts = self._of(param).items()
        return [one for known, all_of in parts if all(known[at] == text for at, text in wanted) for one in all_of]

    def _of(self, param: str) -> dict[Place, list[Available]]:
        if param not in self._places:
            found: dict[Place, list[Available]] = {}
            for supply in self._supplies:
                for one in supply.fields(self.cycle, param):
                    found.setdefault(place_of(one.keys), []).append(one)
            self._places[param] = found
        return self._places[param]

    def forget(self, param: str) -> None:
        """List a parameter anew when it is asked for again."""
        self._params = None
        self._places.pop(param, None)


def _best(found: Sequence[Available], keys: Mapping[str, str]) -> Available:
    """Of several fields the one of the very step that is asked for, then of the most points, then the first."""
    step = keys.get("step")
    return min(enumerate(found), key=lambda one: (one[1].keys.get("step") != step, -one[1].grid.size, one[0]))[1]
