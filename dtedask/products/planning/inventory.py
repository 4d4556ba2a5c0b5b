"""Which fields exist, found by their keys."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from dtedask.pipeline.sources.choose import parse_input
from dtedask.pipeline.sources.files import FileSource
from dtedask.products.planning.canonical import cycles_of
from dtedask.products.planning.cycle_fields import CycleFields
from dtedask.products.planning.supply import AtHand, Supply, field_at_hand, unread_field
from dtedask.products.requirement import Cycle

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.grib import Field
    from dtedask.pipeline.sources.source import DType
    from dtedask.products.planning.available import Available

__all__ = ["Inventory"]


class Inventory:
    """Fields that exist, cycle by cycle. A parameter of a cycle is listed when it is first asked for.

    Parameters
    ----------
    supplies : sequence of Supply
        What has fields; of a field that several have, the first one's is taken.
    like_before : bool
        Whether a cycle is expected to have what the one before it of the same time of day has: while a model runs,
        ``all`` members or steps are more than those that have come.
    """

    def __init__(self, supplies: Sequence[Supply], *, like_before: bool = False) -> None:
        self._supplies = tuple(supplies)
        self._like_before = like_before
        self._of: dict[Cycle, CycleFields] = {}
        self._cycles: tuple[Cycle, ...] | None = None

    @classmethod
    def open(
        cls,
        names: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        *,
        dtype: DType = "float32",
        like_before: bool = False,
    ) -> Inventory:
        """Look at inputs.

        Parameters
        ----------
        names : str, path or iterable of them
            Roots and cubes, with or without a request behind them, GRIB files, patterns and folders; as
            `dtedask.pipeline.sources.open_source` takes them.
        dtype : {"float32", "float64"}
            What values of GRIB files are rounded to when they are decoded.
        like_before : bool
            See `Inventory`.

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
        return cls(supplies, like_before=like_before)

    @classmethod
    def of(cls, fields: Iterable[Field], *, like_before: bool = False) -> Inventory:
        """Fields in memory."""
        return cls([AtHand(map(field_at_hand, fields))], like_before=like_before)

    def while_it_runs(self) -> Inventory:
        """The same inputs, each cycle expected to have what the one before it has."""
        return self if self._like_before else type(self)(self._supplies, like_before=True)

    @property
    def cycles(self) -> tuple[Cycle, ...]:
        """Cycles of which there are fields, the oldest first."""
        if self._cycles is None:
            self._cycles = tuple(sorted({cycle for supply in self._supplies for cycle in supply.cycles()}))
        return self._cycles

    def at(self, cycle: Cycle) -> CycleFields:
        """Fields of a cycle; none where there are none."""
        if cycle not in self._of:
            self._of[cycle] = CycleFields(cycle, self._supplies, partial(self._earlier, cycle))
        return self._of[cycle]

    def _earlier(self, cycle: Cycle) -> Iterator[CycleFields]:
        """Cycles that one is expected to be like, the newest first."""
        if not self._like_before:
            return
        for one in reversed(self.cycles):
            if one < cycle and one.keys["time"] == cycle.keys["time"]:
                yield self.at(one)

    def find(self, keys: Mapping[str, str]) -> Available | None:
        """The field of some keys, ``date`` and ``time`` among them; None where there is none."""
        return self.at(Cycle.of(keys)).find(keys)

    def add(self, commit: Commit) -> None:
        """See what a commit wrote and wiped; what it did not touch is not looked at again."""
        touched = [supply for supply in self._supplies if supply.add(commit)]
        if not touched:
            return
        for change in (*commit.changes, *commit.wiped):
            for cycle in cycles_of(change.keys):
                if cycle in self._of:
                    self._of[cycle].forget(change.keys.get("param", ""))
                if self._cycles is not None and cycle not in self._cycles:
                    self._cycles = tuple(sorted((*self._cycles, cycle)))
        if commit.wiped or commit.rolled_back:
            self._cycles = None
        if commit.rolled_back:
            self._of.clear()

    def let_go(self, until: Cycle) -> None:
        """Forget what is known of a cycle and of all before it; what is asked for again is listed again."""
        for cycle in [one for one in self._of if one <= until]:
            del self._of[cycle]

    def __repr__(self) -> str:
        return f"<Inventory of {len(self._supplies)} inputs>"
