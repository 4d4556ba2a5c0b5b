"""The fields of one cycle, found by their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from dtedask.products.planning.canonical import Place, member_of, params_of, place_of
from dtedask.store.ranks import sort_values

if TYPE_CHECKING:
    from dtedask.products.planning.available import Available
    from dtedask.products.planning.supply import Supply
    from dtedask.products.requirement import Cycle

__all__ = ["CycleFields"]

_LAST = 8
_AXES = ("number", "step", "levelist")
Keys = Mapping[str, str]


class CycleFields:
    """Fields of one cycle; those of a parameter are listed when the first of them is asked for.

    Parameters
    ----------
    cycle : Cycle
        Which.
    supplies : sequence of Supply
        What has fields; of a field that several have, the first one's is taken.
    earlier : callable
        Gives the cycles that this one is expected to be like, the newest first.
    """

    def __init__(
        self, cycle: Cycle, supplies: Sequence[Supply], earlier: Callable[[], Iterable[CycleFields]] = tuple
    ) -> None:
        self.cycle = cycle
        self._supplies = supplies
        self._earlier = earlier
        self._places: dict[str, dict[Place, list[Available]]] = {}
        self._params: frozenset[str] | None = None

    @property
    def params(self) -> frozenset[str]:
        """ParamIds of which there are fields."""
        if self._params is None:
            self._params = frozenset(param for supply in self._supplies for param in supply.params(self.cycle))
        return self._params

    @property
    def expected_params(self) -> frozenset[str]:
        """ParamIds of which there are fields, or will be."""
        before = next(iter(self._earlier()), None)
        return self.params if before is None else self.params | before.params

    @property
    def is_like_before(self) -> bool:
        """Whether an earlier cycle is known that this one is expected to be like."""
        return any(True for _ in self._earlier())

    def was_before(self, keys: Keys) -> bool:
        """Whether one of the last cycles that this one is expected to be like had fields of some keys."""
        return any(any(True for _ in before.matching(keys)) for before in islice(self._earlier(), _LAST))

    def find(self, keys: Keys) -> Available | None:
        """The field of some keys: of several grids that of the most points; None where there is none."""
        place = place_of(keys)
        for param in params_of(keys["param"]):
            if param in self.params:
                found = [one for one in self._of(param).get(place, ()) if one.answers(keys)]
                found = found or [one for one in self._around(param, place) if one.answers(keys)]
                if found:
                    return found[0] if len(found) == 1 else _best(found, keys)
        return None

    def matching(self, keys: Keys) -> Iterator[Available]:
        """All fields of some keys, of any parameter where they name none."""
        place = place_of(keys)
        params = params_of(keys["param"]) if "param" in keys else sort_values("param", self.params)
        for param in params:
            if param in self.params:
                yield from (one for one in self._around(param, place) if one.answers(keys))

    def is_kind_known(self, keys: Keys) -> bool:
        """Whether there are fields of some keys, or will be, as far as is known."""
        return any(True for _ in self.matching(keys)) or any(
            any(True for _ in before.matching(keys)) for before in self._earlier()
        )

    def expected(self, keys: Keys) -> list[Keys]:
        """Keys of all fields of some keys: those that exist, and those that will, as far as is known."""
        found = [one.keys for one in self.matching(keys)]
        for before in self._earlier():
            others = [one.keys for one in before.matching(keys)]
            if others:
                return found + [{**one, **self.cycle.keys} for one in others]
        return found

    def axes(self, keys: Keys) -> dict[str, list[str]]:
        """Members, steps and levels of all fields of some keys, each sorted; a control forecast is member 0."""
        found: dict[str, dict[str, None]] = {name: {} for name in _AXES}
        for one in self.expected(keys):
            for name in _AXES:
                value = member_of(one) if name == "number" else one.get(name, "")
                if value:
                    found[name][value] = None
        return {name: sort_values(name, values) for name, values in found.items()}

    def forget(self, param: str) -> None:
        """List a parameter anew when it is asked for again."""
        self._params = None
        self._places.pop(param, None)

    def _around(self, param: str, place: Place) -> Iterable[Available]:
        """Fields at a place; what of it is empty may be anything."""
        known = self._of(param)
        if all(place):
            return known.get(place, ())
        wanted = [(at, text) for at, text in enumerate(place) if text]
        near = (found for there, found in known.items() if all(there[at] == text for at, text in wanted))
        return [one for found in near for one in found]

    def _of(self, param: str) -> dict[Place, list[Available]]:
        if param not in self._places:
            found: dict[Place, list[Available]] = {}
            for supply in self._supplies:
                for one in supply.fields(self.cycle, param):
                    found.setdefault(place_of(one.keys), []).append(one)
            self._places[param] = found
        return self._places[param]


def _best(found: Sequence[Available], keys: Keys) -> Available:
    """Of several fields the one of the very step that is asked for, then of the most points, then the first."""
    step = keys.get("step")
    return min(enumerate(found), key=lambda one: (one[1].keys.get("step") != step, -one[1].grid.size, one[0]))[1]
