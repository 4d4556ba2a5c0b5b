"""Calls that must answer in time, on threads that wait for the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")
_MOST_AT_ONCE = 64


def answer_within(limit_s: float, call: Callable[[], Result]) -> Result:
    """What a call returns or raises.

    Raises
    ------
    TimeoutError
        If it has not come back after `limit_s` seconds. It may still run; the thread that it runs on is not used again.
    """
    pool = _pool()
    try:
        return pool.submit(call).result(limit_s)
    except TimeoutError:
        _give_up(pool)
        raise


def _pool() -> ThreadPoolExecutor:
    with _guard:
        if not _pools:
            _pools.append(ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="commit"))
        return _pools[0]


def _give_up(pool: ThreadPoolExecutor) -> None:
    """Let a pool go of which a thread may never come back; the others end when they are done."""
    with _guard:
        if pool in _pools:
            _pools.remove(pool)
    pool.shutdown(wait=False)


_pools: list[ThreadPoolExecutor] = []
_guard = threading.Lock()
