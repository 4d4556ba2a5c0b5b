"""What tasks of the store need, loaded by a worker while it waits for the first of them; a plug-in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dtedask.plugins import hookimpl


@hookimpl
def worker_starts() -> Sequence[Callable[[], object]]:
    """See `dtedask.plugins.hooks`."""
    return (warm_store, warm_grib)


def warm_store() -> None:
    """Load Icechunk, the codecs of Zarr and what writes chunks, and make one chunk."""
    import icechunk
    import numpy as np

    from dtedask.store import write  # noqa: F401 - with all that it imports
    from dtedask.store.layouts.map import ChunkCodec
    from dtedask.store.schema import Values

    icechunk.in_memory_storage()
    ChunkCodec.from_values(Values()).encode(np.zeros((8, 8), "float32"))


def warm_grib() -> None:
    """Load ecCodes with its definitions, and decode one message."""
    from dtedask.grib.warming import decode_a_message

    decode_a_message()
