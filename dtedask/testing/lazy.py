"""Proof that code builds a graph and runs none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask.config


@contextmanager
def raise_if_computes() -> Iterator[None]:
    """Raise an AssertionError as soon as Dask is asked to compute something.

    Examples
    --------
    >>> import dask.array
    >>> with raise_if_computes():
    ...     lazy = dask.array.ones(3) + 1
    """

    def refuse(_graph: Any, keys: Any, **_: Any) -> Any:
        raise AssertionError(f"Something was computed that was to stay lazy: {keys!r}.")

    with dask.config.set(scheduler=refuse):
        yield
