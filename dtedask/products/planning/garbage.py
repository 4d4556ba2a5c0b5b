"""Python's collector of garbage, kept from looking through what is made and kept."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["kept_objects"]


@contextmanager
def kept_objects() -> Iterator[None]:
    """Around the making of very many objects that are all kept: looking for garbage takes half of the time then."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
