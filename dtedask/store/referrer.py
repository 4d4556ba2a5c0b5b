"""Files of others as a part of the cubes of a root."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from dtedask.store.mover import Mover

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.store.location import Location
    from dtedask.store.root_handle import RequestLike
    from dtedask.store.store import Store
    from dtedask.store.virtual.given import Given
    from dtedask.store.virtual.placed import Placed
    from dtedask.store.virtual.report import Virtualized
    from dtedask.store.virtual.sources import OnError


class Referrer(Mover):
    """The cubes of one root, with what lets them refer to fields that lie elsewhere."""

    def virtualize(
        self,
        sources: Given | Iterable[Given],
        *,
        on_error: OnError = "raise",
        checked: bool = True,
        dry_run: bool = False,
        message: str = "",
    ) -> Virtualized:
        """Make the messages of GRIB files fields of the cubes, and leave the files where they are.

        Only the heads of the messages are read. All fields of a cube become visible at once. They are decoded from the
        files when they are read; a file that has changed since is refused then. The same call again adds what is new.

        Parameters
        ----------
        sources : str, path, mapping, Dataset or iterable of them
            Files, patterns and folders on local disk; files on ``http(s)://``; files, patterns and prefixes that end in
            ``/`` on ``s3://``. References of kerchunk in JSON or parquet, or as a mapping, and virtual datasets of
            VirtualiZarr stand for the messages that they point to.
        on_error : {"raise", "skip"}
            What a bad message does: refuse everything, or only be counted and listed.
        checked : bool
            Whether to refuse servers that would not tell of a change of their files.
        dry_run : bool
            Whether only to check and count.
        message : str
            What the history says of the commits.

        Returns
        -------
        Virtualized
            Counts and commits.

        Raises
        ------
        NotFoundError
            If a source names nothing.
        GribError
            If a file is no good; nothing is written then.
        FieldError
            If a field does not fit, or its variable holds encoded fields; nothing is written then.
        StoreError
            If a file cannot be referred to, or fields wait in this handle for `flush`.
        """
        from dtedask.store.moving.fitting import Fitting
        from dtedask.store.virtual.given import scanned_of
        from dtedask.store.virtual.virtualize import virtualize

        scanned = scanned_of(sources, on_error, is_checked=checked)
        store, fitting = cast("Store", self), Fitting(self._location, self._branch)
        return virtualize(store, fitting, scanned, on_error=on_error, message=message, dry_run=dry_run)

    def to_kerchunk(self, request: RequestLike, *, allow_missing: bool = False) -> dict[str, Any]:
        """References of kerchunk (version 1) to the messages of the fields of one group.

        ``xarray.open_dataset(references, engine="kerchunk")`` opens them without dtedask, as `retrieve` would. What
        refers to a file that changes later is not noticed there. A value that equals the missing value of its message,
        9999 for most, becomes NaN there.

        Parameters
        ----------
        request : Request, str or mapping
            Which fields.
        allow_missing : bool
            Whether values that the request names may be absent.

        Raises
        ------
        NoMatchError, MissingFieldsError, SeveralGroupsError, ControlledError
            As `retrieve`.
        FieldError
            If fields are no messages, or their points do not stand in the order of their grid.
        SourceChangedError, SourceMissingError
            If a file is not what it was.
        """
        from dtedask.store.virtual.writing_kerchunk import references_of

        return references_of(*self._placed(self._location, request, allow_missing))

    def to_virtualizarr(self, request: RequestLike, *, allow_missing: bool = False) -> xr.Dataset:
        """A dataset of VirtualiZarr whose fields are manifests of the messages of one group.

        Its chunks are decoded by the Zarr codec of dtedask, in whatever order their points stand.

        Parameters
        ----------
        request, allow_missing
            As `to_kerchunk`.

        Raises
        ------
        MissingExtraError
            If VirtualiZarr is not installed.
        NoMatchError, MissingFieldsError, SeveralGroupsError, ControlledError, FieldError, SourceChangedError
            As `to_kerchunk`.
        """
        from dtedask.store.virtual.manifests import dataset_of_manifests

        return dataset_of_manifests(*self._placed(self._location, request, allow_missing))

    def _placed(
        self, location: Location, request: RequestLike, allow_missing: bool
    ) -> tuple[xr.Dataset, dict[str, list[Placed]]]:
        from dtedask.store import ranks, retrieval
        from dtedask.store.virtual.placed import placed

        parsed = self._parse(request)
        selections = retrieval.single_group(self._checked(parsed, allow_missing))
        return placed(
            location,
            ranks.by_param(parsed, selections),
            used=ranks.used_slots_of(selections),
            orders=ranks.axis_orders(parsed, selections),
        )
