"""Processes that are forked: Icechunk's threads do not live on in them, and any call would wait for ever."""

from __future__ import annotations

import os

from dtedask.core.errors import StoreError


class _Runtime:
    """Whether this process uses the storage, and whether it was forked from one that did."""

    is_used = False
    is_lost = False


def _after_fork() -> None:
    _Runtime.is_lost = _Runtime.is_lost or _Runtime.is_used


os.register_at_fork(after_in_child=_after_fork)


def check_process() -> None:
    """Say that this process uses the storage.

    Raises
    ------
    StoreError
        If it was forked from a process that used it before.
    """
    if _Runtime.is_lost:
        raise StoreError(
            "This process was forked from one that had used a store, whose threads did not come along.",
            hint="Start processes with the method 'spawn' or 'forkserver' "
            "(multiprocessing.get_context('spawn')), or fork before the store is first used.",
        )
    _Runtime.is_used = True
