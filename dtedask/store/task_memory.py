"""How much memory the tasks of a transaction take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dtedask.store.opaque import Opaque
from dtedask.store.write import HELD_BYTES, FileSlice

if TYPE_CHECKING:
    from dtedask.store.write import WriteItem


def memory_of(items: Sequence[WriteItem]) -> int:
    """Bytes that a task of some fields holds at most.

    These are the chunks that wait to be written, one field while it is decoded and encoded, with its message, and what
    travelled with the task.
    """
    waiting = min(sum(item.work_bytes for item in items), HELD_BYTES)
    return waiting + max((_memory_of(item) for item in items), default=0) + sum(_brought(item) for item in items)


def _memory_of(item: WriteItem) -> int:
    # ecCodes' float64, the values that are kept, and the chunk that is made of them.
    length = item.source.length if isinstance(item.source, FileSlice) else 0
    return (item.work_bytes if item.is_copied else 4 * item.size_bytes) + length


def _brought(item: WriteItem) -> int:
    source = item.source
    if isinstance(source, bytes):
        return len(source)
    return len(source.data) if isinstance(source, Opaque) else getattr(source, "nbytes", 0)
