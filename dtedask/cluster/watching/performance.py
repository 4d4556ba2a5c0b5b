"""Dask's own report of how a cluster performed: a page with the task stream, profile and memory of workers."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import PlanError

if TYPE_CHECKING:
    from distributed import Client

logger = logging.getLogger(__name__)


@contextmanager
def performance_report(client: Client | None, file: str | os.PathLike[str] | None) -> Iterator[None]:
    """Write Dask's performance report of what runs inside, after an error too.

    Parameters
    ----------
    client : distributed.Client, optional
        Where it runs.
    file : str or path, optional
        Where to; None writes none.

    Raises
    ------
    PlanError
        If there is no client, or the file could not be written. A report that fails at the end only warns.
    """
    if file is None:
        yield
        return
    path = _checked(client, Path(file).expanduser().absolute())
    from distributed import performance_report as report_of_dask

    assert client is not None
    with client.as_current():
        report = report_of_dask(filename=str(path))
        report.__enter__()
        try:
            yield
        finally:
            try:
                report.__exit__(None, None, None)
            except Exception as error:  # noqa: BLE001 - the scheduler may be gone: the run has its own end
                logger.warning("Dask's performance report could not be written into %s: %s", path, error)


def _checked(client: Client | None, path: Path) -> Path:
    if client is None:
        raise PlanError(
            "Dask's performance report needs a cluster; threads of this process have none.",
            hint="Choose a profile such as --cluster local-cluster, or look at the run report.",
        )
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise PlanError(f"Dask's performance report cannot be written to {str(path)!r}.", hint="Name a file.")
    return path
