"""The xarray engine: ``xarray.open_dataset("data/ea/enda/0001", engine="dtedask", group="an/pl")``.

xarray imports this module whenever it looks for an engine; what is heavy is imported where it is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

import xarray as xr
from xarray.backends import BackendEntrypoint

from dtedask.catalog.target import Moment, Target, Time, find_target, find_targets, is_ours

Layout = Literal["map", "series"]


class DtedaskBackendEntrypoint(BackendEntrypoint):
    """Opens a cube, a root or a catalog file lazily; with ``chunks={}`` in Dask chunks of many fields."""

    description: ClassVar[str] = "Open cubes, roots and catalogs of dtedask"
    url: ClassVar[str] = "docs/reference/engine.md"
    supports_groups: ClassVar[bool] = True
    open_dataset_parameters: ClassVar[tuple[str, ...]] = (
        "filename_or_obj",
        "drop_variables",
        "group",
        "entry",
        "at",
        "time",
        "layout",
    )

    def open_dataset(  # type: ignore[override]
        self,
        filename_or_obj: str | os.PathLike[str],
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
        entry: str | None = None,
        at: Moment = None,
        time: Time | None = None,
        layout: Layout = "map",
    ) -> xr.Dataset:
        """Open one group.

        Parameters
        ----------
        filename_or_obj : str or path
            A cube (``data/ea/enda/0001``), a root (``data``), a roots document (``roots.yaml``) or a catalog file
            (``data/catalog.yaml``).
        drop_variables : str or iterable of str, optional
            Variables to leave out.
        group : str, optional
            Group of a cube, or the beginning of its name where only one group begins so: ``"an/pl"``. In a root the
            name of the cube stands before it: ``"ea/enda/0001/an/pl"``.
        entry : str, optional
            Name of an entry of a catalog file.
        at : str or datetime, optional
            Read the cube as it was: a moment (UTC), a snapshot's identifier or a tag.
        time : {"reference", "valid"}, optional
            ``"valid"`` joins reference time and step into one sorted axis ``time``. An entry of a catalog says what
            is usual for it; else it is ``"reference"``.
        layout : {"map", "series"}
            How ``chunks={}`` cuts: into many whole fields, or, of variables that have time series, into all steps of
            some points. What is read is the same.

        Raises
        ------
        NotFoundError
            If there is no such cube, group or entry; it names those that exist.
        SeveralGroupsError
            If several are possible; it names them.
        """
        dataset = _open(find_target(filename_or_obj, group=group, entry=entry, at=at, time=time), drop_variables)
        return _cut_along_steps(dataset) if layout == "series" else dataset

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether the path is a cube, a root, or a YAML file with an entry of ours."""
        return is_ours(filename_or_obj)

    def open_groups_as_dict(  # type: ignore[override]
        self,
        filename_or_obj: str | os.PathLike[str],
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
        at: Moment = None,
        time: Time | None = None,
    ) -> dict[str, xr.Dataset]:
        """Open all groups below a cube, a root or in a catalog file, or those that begin with `group`."""
        targets = find_targets(filename_or_obj, group=group, at=at, time=time)
        return {f"/{name}": _open(target, drop_variables) for name, target in targets.items()}

    def open_datatree(  # type: ignore[override]
        self,
        filename_or_obj: str | os.PathLike[str],
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
        at: Moment = None,
        time: Time | None = None,
    ) -> xr.DataTree:
        """Open all groups as a tree; see `open_groups_as_dict`."""
        groups = self.open_groups_as_dict(filename_or_obj, drop_variables=drop_variables, group=group, at=at, time=time)
        return xr.DataTree.from_dict(groups)


def _open(target: Target, drop_variables: str | Iterable[str] | None) -> xr.Dataset:
    dataset = _dataset(target)
    if drop_variables is not None:
        dataset = dataset.drop_vars(drop_variables, errors="ignore")
    dataset.encoding["source"] = target.roots or target.cube
    return dataset


def _cut_along_steps(dataset: xr.Dataset) -> xr.Dataset:
    for variable in dataset.variables.values():
        if "series_chunks" in variable.encoding:
            variable.encoding["preferred_chunks"] = variable.encoding["series_chunks"]
    return dataset


def _dataset(target: Target) -> xr.Dataset:
    from dtedask.store import open as open_store
    from dtedask.store import open_cube

    if target.roots is None:
        return open_cube(target.cube, target.group, at=target.at, time=target.time)
    from dtedask.store.several.reading import RootsReader

    store = open_store(target.roots, at=target.at)
    assert isinstance(store, RootsReader)
    return store.open_group(target.cube, target.group, time=target.time)
