"""The Intake driver: an entry of a catalog as a lazy dataset.

Intake 2 reads catalogs of version 1 with the drivers they name; this is one of that kind.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from intake.source.base import DataSource, Schema

import dtedask
from dtedask.catalog.target import Time

if TYPE_CHECKING:
    import xarray as xr


class DtedaskSource(DataSource):  # type: ignore[misc]
    """One group of a cube, as an entry of an Intake catalog.

    Parameters
    ----------
    urlpath : str
        Path or URL of the cube.
    group : str, optional
        Its group, or the beginning of it.
    at : str or datetime, optional
        Read the cube as it was: a moment (UTC), a snapshot's identifier or a tag.
    time : {"reference", "valid"}
        ``"valid"`` joins reference time and step into one sorted axis ``time``.
    chunks : int, mapping or "auto", optional
        Dask chunks of `to_dask`; chunks of many fields by default.
    metadata : mapping, optional
        What the catalog says of the entry.
    storage_options : mapping, optional
        Taken since Intake hands over those of a remote catalog; credentials of a cube come from the environment.
    """

    name = "dtedask"
    version = dtedask.__version__
    container = "xarray"
    partition_access = False

    def __init__(
        self,
        urlpath: str,
        group: str | None = None,
        *,
        at: str | datetime | None = None,
        time: Time = "reference",
        chunks: int | Mapping[str, Any] | str | None = None,
        metadata: Mapping[str, Any] | None = None,
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(storage_options=dict(storage_options or {}), metadata=dict(metadata or {}))
        self.urlpath = urlpath if "://" in urlpath else os.path.normpath(urlpath)
        self.group = group
        self.at = at
        self.time = time
        self.chunks = chunks

    def to_dask(self) -> xr.Dataset:
        """Open the newest snapshot (or that of `at`) in Dask chunks; nothing is read yet."""
        return self._open({} if self.chunks is None else self.chunks)

    def to_xarray(self) -> xr.Dataset:
        """Open the newest snapshot (or that of `at`) lazily, without Dask."""
        return self._open(None)

    def read(self) -> xr.Dataset:
        """Read everything into memory."""
        return self._open(None).load()

    read_chunked = to_dask

    def _open(self, chunks: Any) -> xr.Dataset:
        import xarray as xr

        return xr.open_dataset(
            self.urlpath, engine="dtedask", group=self.group, at=self.at, time=self.time, chunks=chunks
        )

    def _get_schema(self) -> Schema:
        dataset = self.to_xarray()
        return Schema(
            dtype=None,
            shape=None,
            npartitions=None,
            extra_metadata={
                "dims": {str(name): size for name, size in dataset.sizes.items()},
                "data_vars": {str(name): [str(dim) for dim in dataset[name].dims] for name in dataset.data_vars},
                "coords": [str(name) for name in dataset.coords],
            },
        )

    def _close(self) -> None:
        self._schema = None
