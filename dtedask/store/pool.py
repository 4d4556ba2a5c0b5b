"""The threads that decode: one pool a process, as many as cores."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from dtedask.core.cores import cores


def decoding_pool() -> ThreadPoolExecutor:
    """The pool of this process. What runs in it must not wait for it."""
    return _pool(os.getpid(), cores())


@lru_cache(maxsize=1)
def _pool(_process: int, threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="decode")
