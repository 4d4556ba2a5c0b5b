"""Where checkpoints lie: in turns in the cubes of a root of their own."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from dtedask.core.errors import DamagedError, DtedaskError, FormatVersionError, NotFoundError, StoreError
from dtedask.core.settings import setting
from dtedask.pipeline.checkpoint.content import Checkpoint
from dtedask.pipeline.runs.packed import Buffer

__all__ = ["Checkpoints"]
log = logging.getLogger(__name__)
PIECE_BYTES = 32 << 20
_SLOTS = 2
_PRUNE_BYTES = 64 << 20
_PRUNE_EVERY = 16
_KEYS = {"class": "rd", "stream": "oper", "type": "an"}
_PATIENCE = 8  # damaged slots that are left alone before it is an error


class Checkpoints:
    """The checkpoints of a plan. Each is one transaction of a cube; two cubes take turns.

    So the newest checkpoint never replaces the one before, and what damages one cube leaves the other.

    Parameters
    ----------
    url : str
        Folder or URL of the root, made with the first checkpoint.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._serial: int | None = None
        self._slot = 0
        self._damaged: set[int] = set()
        self._replaced = dict.fromkeys(range(_SLOTS), 0)
        self._puts = 0

    def read(self) -> Checkpoint | None:
        """Return the newest checkpoint that is whole; None where there is none.

        Raises
        ------
        DamagedError
            If there are some, and none is whole.
        FormatVersionError
            If a newer dtedask wrote the newest.
        """
        found, failures = self._all()
        newer = [error for error in failures.values() if isinstance(error, FormatVersionError)]
        if newer:
            raise newer[0]
        if not found and failures:
            raise next(iter(failures.values()))
        if not found:
            self._serial = self._serial or 0
            return None
        slot = max(found, key=lambda one: found[one].serial)
        for error in failures.values():
            log.warning("%s The checkpoint of %s is taken instead.", error, found[slot].time)
        self._serial, self._slot = found[slot].serial, slot
        return found[slot]

    def write(self, checkpoint: Checkpoint) -> Checkpoint:
        """Save a checkpoint, all of it or nothing; then the one before the one before is let go.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        if self._serial is None:
            self._look()
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        stamped = replace(checkpoint, serial=(self._serial or 0) + 1, time=now)
        slot = self._next_slot()
        buffers = stamped.to_bytes()
        self._put(slot, buffers, stamped)
        self._serial, self._slot = stamped.serial, slot
        self._prune_if_due(slot, sum(map(len, buffers)))
        return stamped

    def _prune_if_due(self, slot: int, size: int) -> None:
        """Collect at once what is large, and what is small now and then."""
        self._puts += 1
        self._replaced[slot] = self._replaced.get(slot, 0) + size
        if self._replaced[slot] >= _PRUNE_BYTES or self._puts % _PRUNE_EVERY < _SLOTS:
            self._replaced[slot] = 0
            self._prune(slot)

    def _look(self) -> None:
        """Find out which slot is next, whatever is in it."""
        found, _ = self._all()
        self._serial = max((one.serial for one in found.values()), default=0)
        self._slot = max(found, key=lambda one: found[one].serial, default=0)

    def _all(self) -> tuple[dict[int, Checkpoint], dict[int, DtedaskError]]:
        found: dict[int, Checkpoint] = {}
        failures: dict[int, DtedaskError] = {}
        for slot in self._slots():
            try:
                found[slot] = self._get(slot)
            except (DamagedError, FormatVersionError, StoreError) as error:
                failures[slot] = error
                self._damaged.add(slot)
        return found, failures

    def _slots(self) -> Iterator[int]:
        import dtedask

        try:
            names = dtedask.open(self.url).cubes()
        except NotFoundError:
            return
        for name in names:
            number = name.rsplit("/", 1)[-1].removeprefix("ckp")
            if name.startswith("rd/oper/ckp") and number.isdigit():
                yield int(number)

    def _next_slot(self) -> int:
        start = self._slot + 1
        for step in range(_SLOTS + _PATIENCE):
            slot = (start + step) % _SLOTS if step < _SLOTS else step
            if slot not in self._damaged and slot != self._slot:
                return slot
        raise DamagedError(
            f"All places for checkpoints in {self.url} are damaged.", hint="Remove the folder, and begin anew."
        )

    def _put(self, slot: int, buffers: Iterable[Buffer], checkpoint: Checkpoint) -> None:
        import dtedask

        store = dtedask.open(self.url)
        try:
            for number, piece in enumerate(_pieces(buffers)):
                store.archive(piece, key={**_KEYS, "expver": f"ckp{slot}", "iteration": str(number)})
            store.flush(f"checkpoint {checkpoint.serial} of plan {checkpoint.plan_hash[:12]}")
        finally:
            store.discard()

    def _get(self, slot: int) -> Checkpoint:
        import dtedask

        place = f"The checkpoint {self.url}/rd/oper/ckp{slot}"
        pieces = {
            int(record.keys["iteration"]): data
            for record, data in dtedask.open(self.url).read({**_KEYS, "expver": f"ckp{slot}"})
        }
        if sorted(pieces) != list(range(len(pieces))):
            raise DamagedError(f"{place} is damaged: it is not all there.")
        data = b"".join(pieces[number] for number in range(len(pieces)))
        return Checkpoint.from_bytes(data, place)

    def _prune(self, slot: int) -> None:
        """Collect what the slot held before; nobody reads it any more."""
        from dtedask.store.location import Location
        from dtedask.store.upkeep.purge import PurgeOptions, purge_root
        from dtedask.store.upkeep.retention import Retention

        options = PurgeOptions(
            durable=setting("store.durable"),
            lock_timeout_s=setting("store.lock-timeout"),
            longest_reader_s=0.0,
            slack_s=0.0,
        )
        try:
            purge_root(
                Location.parse(self.url),
                [f"rd/oper/ckp{slot}"],
                Retention(keep_commits=1),
                options,
                dry_run=False,
            )
        except StoreError as error:  # the checkpoint stands; what is left is collected the next time
            log.warning("Old checkpoints in %s could not be removed: %s", self.url, error)


def _pieces(buffers: Iterable[Buffer]) -> Iterator[bytes]:
    """Cut one run of bytes into pieces of a size."""
    waiting: list[Buffer] = []
    size = 0
    for buffer in buffers:
        start = 0
        while start < len(buffer):
            part = buffer[start : start + PIECE_BYTES - size]
            waiting.append(part)
            size += len(part)
            start += len(part)
            if size == PIECE_BYTES:
                yield b"".join(waiting)
                waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
