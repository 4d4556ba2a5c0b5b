"""Whether fields of one root stand in another with every bit of their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError
from dtedask.store.moving.compare import Pair, are_equal, cut, memory_of, with_data
from dtedask.store.moving.sides import SideField
from dtedask.store.placement import place
from dtedask.store.repository import snapshot_at
from dtedask.store.write import HELD_BYTES, StoredField, task_bytes

if TYPE_CHECKING:
    from dtedask.store.execute import Execution
    from dtedask.store.location import Location
    from dtedask.store.progress import Tracker
    from dtedask.store.snapshot import Snapshot
    from dtedask.store.writing import Entry


class Verifier:
    """Reads fields back from a root, as it is now, and compares them with where they came from.

    Parameters
    ----------
    location : Location
        The root.
    branch : str
        Its branch.
    execution : Execution
        Where the tasks run.
    batch_bytes : int
        Bytes of decoded fields that one task compares at most.
    tracker : Tracker
        Hears of what was compared.
    """

    def __init__(
        self, location: Location, branch: str, execution: Execution, batch_bytes: int, tracker: Tracker
    ) -> None:
        self._location = location
        self._branch = branch
        self._execution = replace(execution, on_done=lambda done: tracker.add(len(done[0]), done[1]))
        self._batch_bytes = batch_bytes

    def check(self, entries: Sequence[Entry]) -> list[str]:
        """Say of each field what is wrong with it in the root; empty where nothing is."""
        found = self._copies(entries)
        pairs = [
            Pair(_side(entry.source, entry), _side(copy, entry), ())
            for entry, copy in zip(entries, found, strict=True)
            if copy is not None
        ]
        execution, total = self._execution, sum(pair.left.size_bytes for pair in pairs)
        batches = cut(pairs, task_bytes(total, execution.width, execution.at_most(self._batch_bytes)))
        done = execution.map(_equal_batch, batches, "verify", memory=memory_of, about=str) if pairs else ()
        answers = chain.from_iterable(equal for equal, _ in done)
        return ["it is not there" if copy is None else "" if next(answers) else "it differs" for copy in found]

    def _copies(self, entries: Sequence[Entry]) -> list[StoredField | None]:
        """The fields as the root has them; None where it does not."""
        found: list[StoredField | None] = [None] * len(entries)
        by_cube: dict[str, list[int]] = {}
        for number, entry in enumerate(entries):
            by_cube.setdefault(entry.address.cube, []).append(number)
        for cube, numbers in by_cube.items():
            snapshot = self._snapshot(cube)
            if snapshot is None:
                continue
            placed = place(snapshot, (entries[number].address for number in numbers))
            for number, key, codec, exists in zip(numbers, placed.keys, placed.codecs, placed.existing(), strict=True):
                if exists:
                    shape = entries[number].address.grid.shape
                    found[number] = StoredField(self._location, cube, snapshot.id, key, codec, shape)
        return found

    def _snapshot(self, cube: str) -> Snapshot | None:
        try:
            return snapshot_at(self._location, cube, None, self._branch)
        except NotFoundError:
            return None


def _side(source: object, entry: Entry) -> SideField:
    assert isinstance(source, StoredField)
    return SideField(entry.keys, entry.address.grid.label, source, None, {}, entry.size_bytes)


def _equal_batch(pairs: Sequence[Pair]) -> tuple[list[bool], int]:
    """Whether both sides of each pair have the same values, and the bytes of them; a task."""
    equal = [are_equal(pair) for part in cut(pairs, HELD_BYTES) for pair in with_data(part)]
    return equal, sum(pair.left.size_bytes for pair in pairs)
