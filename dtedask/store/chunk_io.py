"""Chunks asked of Icechunk side by side, from any thread."""

from __future__ import annotations

import asyncio
import atexit
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import DamagedError, StoreError
from dtedask.store.forks import check_process

if TYPE_CHECKING:
    import icechunk


_EXIT_PAUSE_S = 0.05
_CHUNKS_AT_ONCE = 64
_COORDINATES_AT_ONCE = 500  # with more than 700 objects at once Python looks through all its memory for garbage


def run_async(coroutine: Any) -> Any:
    """Run a coroutine of Icechunk from any thread."""
    from zarr.core.sync import sync

    try:
        check_process()
    except StoreError:
        coroutine.close()
        raise
    _pause_at_exit()
    return sync(coroutine)


@lru_cache(maxsize=1)
def _pause_at_exit() -> None:
    """Let Icechunk's threads let go of what they answered with, before Python ends: else it may abort there."""
    atexit.register(time.sleep, _EXIT_PAUSE_S)


async def chunk_coordinates(session: icechunk.Session, path: str, dims: int) -> np.ndarray:
    """Coordinates of the chunks of an array, in no particular order."""
    # Icechunk's public iterator takes its batches apart, one await a chunk; that is a third of the time of listing.
    batches = session._session.chunk_coordinates(path, _COORDINATES_AT_ONCE)  # noqa: SLF001
    parts = [np.array(batch, dtype=np.int64).reshape(-1, dims) async for batch in batches]
    return np.concatenate(parts) if parts else np.empty((0, dims), dtype=np.int64)


async def fetch(store: Any, keys: list[str], get: Callable[[Any, str], Awaitable[Any]]) -> list[Any]:
    """What is stored; what fails stands in the place of it as an exception."""
    import icechunk

    limit = asyncio.Semaphore(_CHUNKS_AT_ONCE)

    async def one(key: str) -> Any:
        async with limit:
            try:
                return await get(store, key)
            except (icechunk.IcechunkError, ValueError, DamagedError) as error:
                return error

    return list(await asyncio.gather(*(one(key) for key in keys)))


async def whole_chunk(store: Any, key: str) -> bytes | None:
    """Stored bytes of a chunk; None where there is none."""
    from zarr.core.buffer import default_buffer_prototype

    data = await store.get(key, default_buffer_prototype())
    return None if data is None else data.to_bytes()


async def sizes(store: Any, keys: list[str]) -> list[int]:
    """Stored bytes of chunks that exist, as the manifests say."""
    limit = asyncio.Semaphore(_CHUNKS_AT_ONCE)

    async def one(key: str) -> int:
        async with limit:
            return int(await store.getsize(key))

    return list(await asyncio.gather(*(one(key) for key in keys)))
