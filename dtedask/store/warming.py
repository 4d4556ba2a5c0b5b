"""What tasks of the store need, loaded by a worker while it waits for the first of them; a plug-in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from dtedask.plugins import hookimpl


@hookimpl
def worker_starts() -> Sequence[Callable[[], object]]:
    """See `dtedask.plugins.hooks`."""
    return (warm_store, warm_grib)


def warm_store() -> None:
    """Load Icechunk, the codecs of Zarr and what writes chunks, and make one chunk."""
    # First what tasks name, so that a task which comes meanwhile waits for it. Loaded in another order, each of the two
    # threads could hold a module that the other needs, and Python would hand out one that is not complete.
    import_module("dtedask.store.write")
    import icechunk
    import numpy as np

    from dtedask.store.layouts.map import ChunkCodec
    from dtedask.store.schema import Values

    icechunk.in_memory_storage()
    ChunkCodec.from_values(Values()).encode(np.zeros((8, 8), "float32"))


def warm_grib() -> None:
    """Load ecCodes with its definitions, and decode one message."""
    from dtedask.grib.warming import decode_a_message

    decode_a_message()
