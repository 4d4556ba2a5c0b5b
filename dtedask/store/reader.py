"""Reading a root: which fields exist, and the fields themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, overload

from dtedask.core.errors import NotFoundError
from dtedask.request import Request
from dtedask.store import missing, ranks, retrieval
from dtedask.store.control import Verb
from dtedask.store.listing import Listing, Place, places
from dtedask.store.masked import masked_selections
from dtedask.store.opaque import check_fields
from dtedask.store.root_handle import Names, RequestLike, RootHandle
from dtedask.store.selection import Record, Selection, select
from dtedask.store.several.repeats import without_repeats
from dtedask.store.several.scattered import is_scattered, scattered_dataset
from dtedask.store.views.hidden import without

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from dtedask.store.explain import Explanation
    from dtedask.store.views.overlays import Overlay

# `Reader.list` hides the built-in name inside the class.
Selections = list[Selection]
Views = list[tuple[str, Selections]]


class Reader(RootHandle):
    """The cubes of one root, as readers see them.

    Which state of them that is stands in `RootHandle`; here is what reads it.
    """

    def select(self, request: RequestLike = None, *, verb: Verb = "list") -> Iterator[Selection]:
        """Fields that a request takes, one selection a variable.

        Parameters
        ----------
        request : Request, str or mapping, optional
            What to select.
        verb : {"list", "retrieve", "wipe"}
            What for.

        Raises
        ------
        RequestError
            If a short name in the request stands for several parameters that exist.
        ControlledError
            If one of the fields is locked for that.
        """
        parsed = self._parse(request)
        control = self._control().once()
        overlays = () if verb == "wipe" else control.overlays()
        found = without(self._matching(parsed, overlays), control.hidden())
        retrieval.check_ambiguous(parsed, found)
        retrieval.warn_dropped(parsed, found)
        control.check_selections(verb, found)
        return iter(found)

    @overload
    def list(self, request: RequestLike = None, *, masked: bool = False, depth: Literal[3] = 3) -> Listing[Record]: ...
    @overload
    def list(self, request: RequestLike = None, *, masked: bool = False, depth: Literal[1, 2]) -> Listing[Place]: ...
    def list(
        self, request: RequestLike = None, *, masked: bool = False, depth: Literal[1, 2, 3] = 3
    ) -> Listing[Record] | Listing[Place]:
        """Fields that exist, cube by cube, each variable sorted by its axes; nothing where nothing matches.

        Keys that the request leaves out stand for all of their values.

        Parameters
        ----------
        request : Request, str or mapping, optional
            Which fields; all by default.
        masked : bool
            Whether to add, behind those of each cube, the fields of older snapshots that were replaced or wiped since.
        depth : {1, 2, 3}
            3 for fields, 2 for the groups that hold them, 1 for the cubes.

        Returns
        -------
        Listing of Record, or of Place
            An iterator, read as it goes on. `to_dataframe`, `to_json_lines` and `compact` make something else of it.
        """
        parsed = self._parse(request)
        what = f"{str(parsed) or 'everything'} in {self.root}"
        if depth < 3:
            return Listing(places(self._selected(parsed, masked), depth), what)
        return Listing(self._listed(parsed, masked), what, parsed.language)

    def inspect(self, request: RequestLike) -> Listing[Record]:
        """Fields that a full request names, in its order.

        Parameters
        ----------
        request : Request, str or mapping
            Names every key that its fields have, each with one or several values.

        Returns
        -------
        Listing of Record
            Nested in MARS' order of keys, the last key runs fastest; values stand in the order of the request.

        Raises
        ------
        RequestError
            If the request leaves a key out; `list` takes such requests.
        MissingFieldsError
            If one of the fields does not exist; it lists all that do not.
        """
        parsed = self._parse(request)
        selections = list(self.select(parsed))
        missing.check_full(parsed, selections, self)
        return Listing(ranks.in_order(parsed, selections), f"{parsed} in {self.root}", parsed.language)

    def explain(self, request: RequestLike) -> Explanation:
        """Say what a request takes, and of each key what exists, what does not, and what is nearest.

        Nothing is read of the fields. What may not be listed is not told.

        Examples
        --------
        >>> import dtedask
        >>> store = dtedask.open("memory://explained")
        >>> store.explain("class=od,step=18").fields
        0
        """
        from dtedask.store.explain import explain

        return explain(self._parse(request), self, self._schema_now())

    def axes(self, request: RequestLike = None) -> dict[str, Names]:
        """Values of every key over the fields that a request takes, sorted."""
        return retrieval.axes_of(self.select(request))

    def retrieve(self, request: RequestLike, allow_missing: bool = False) -> xr.Dataset:
        """Fields of one group as a lazy dataset.

        Parameters
        ----------
        request : Request, str or mapping
            What to retrieve.
        allow_missing : bool
            Whether values that the request names may be absent.

        Raises
        ------
        NoMatchError
            If nothing matches; it names the key without a match.
        MissingFieldsError
            If a value that is named does not exist and `allow_missing` is False.
        SeveralGroupsError
            If the fields stand in several groups: add keys, or use `retrieve_tree`.
        ControlledError
            If one of the fields is locked for reading.
        """
        parsed = self._parse(request)
        return self._dataset(parsed, retrieval.single_group(self._checked(parsed, allow_missing)))

    def retrieve_tree(self, request: RequestLike = None, allow_missing: bool = False) -> xr.DataTree:
        """Fields of any number of groups as a tree: cube, then group."""
        import xarray as xr

        parsed = self._parse(request)
        parts = retrieval.by_group(self._checked(parsed, allow_missing))
        datasets = {f"{cube}/{group}": self._dataset(parsed, found) for (cube, group), found in parts.items()}
        return xr.DataTree.from_dict(datasets)

    def to_grib(self, request: RequestLike = None, allow_missing: bool = False) -> Iterator[bytes]:
        """Fields as GRIB, as they came where messages are kept, else as GRIB2; in the order of the request."""
        from dtedask.store.encoding import encode_record

        for record in self.fields(request, allow_missing):
            yield encode_record(record)

    def fields(self, request: RequestLike = None, allow_missing: bool = False) -> Iterator[Record]:
        """What `to_grib` gives, not read yet: records of fields, in the order of the request.

        Raises
        ------
        NoMatchError
            If nothing matches.
        MissingFieldsError
            If a value that is named does not exist and `allow_missing` is False.
        ControlledError
            If one of the fields is locked for reading.
        """
        parsed = self._parse(request)
        selections = self._checked(parsed, allow_missing)
        check_fields(selections)
        return ranks.in_order(parsed, selections)

    def read(self, request: RequestLike = None, allow_missing: bool = False) -> Iterator[tuple[Record, bytes]]:
        """What was archived, as bytes: opaque bytes and kept messages as they came, other fields as GRIB2.

        Yields
        ------
        tuple of (Record, bytes)
            In the order of the request, as `inspect` has it.

        Raises
        ------
        NoMatchError
            If nothing matches.
        MissingFieldsError
            If a value that is named does not exist and `allow_missing` is False.
        """
        from dtedask.store.read import read

        parsed = self._parse(request)
        return read(ranks.in_order(parsed, self._checked(parsed, allow_missing)))

    def values(self, request: RequestLike, allow_missing: bool = False) -> Iterator[tuple[Record, np.ndarray]]:
        """Values of fields as NumPy arrays, one at a time: the shortest way to the numbers.

        Parameters
        ----------
        request : Request, str or mapping
            What to read.
        allow_missing : bool
            Whether values that the request names may be absent.

        Yields
        ------
        tuple of (Record, numpy.ndarray)
            In the order of the request, as `inspect` has it. Arrays have the shape and order of the field's grid;
            missing points are NaN.

        Raises
        ------
        NoMatchError
            If nothing matches.
        MissingFieldsError
            If a value that is named does not exist and `allow_missing` is False.
        OpaqueError
            If some of it is bytes and no field.
        """
        from dtedask.store.encoding import values_of

        parsed = self._parse(request)
        selections = self._checked(parsed, allow_missing)
        check_fields(selections)
        return ((record, values_of(record)) for record in ranks.in_order(parsed, selections))

    def _matching(self, request: Request, overlays: Sequence[Overlay] = ()) -> Selections:
        """Fields that a request takes, whether anybody may see them or not; those of cubes seen under other keys too.

        What a cube itself has comes before what is laid over it.
        """
        views = self._views(request, overlays)
        try:
            snapshots = list(self._snapshots(self._cubes_of(request)))
        except NotFoundError:
            if not views:
                raise
            snapshots = []
        own = [part for cube, snapshot in snapshots for part in select(snapshot, cube, request)]
        return without_repeats([("", own), *views])[0] if views else own

    def _views(self, request: Request, overlays: Sequence[Overlay]) -> Views:
        """Fields of cubes that are seen under other keys, by what is laid over what."""
        found: Views = []
        for overlay in overlays:
            if retrieval.cube_may_match(overlay.target, request):
                with suppress(NotFoundError):  # no such cube then, or not on this branch
                    view = overlay.view(self._snapshot(overlay.source))
                    found.append((overlay.source, list(select(view, overlay.target, request))))
        return found

    def _listed(self, request: Request, masked: bool) -> Iterator[Record]:
        return (one for part in self._selected(request, masked) for one in part.records())

    def _selected(self, request: Request, masked: bool) -> Iterator[Selection]:
        """Selections of a listing; nothing is read before the first is asked for."""
        found = [*self.select(request)]
        if not masked:
            yield from found
            return
        yield from (one for one in found if one.snapshot.seen_as)
        own = [one for one in found if not one.snapshot.seen_as]
        heads = dict(self._snapshots(self._cubes_of(request))) | {one.cube: one.snapshot for one in own}
        hidden = self._control().hidden()
        for cube, snapshot in heads.items():
            yield from (one for one in own if one.cube == cube)
            yield from without(masked_selections(self._location, cube, snapshot, request), hidden)

    def selections(self, request: RequestLike = None, allow_missing: bool = False) -> Selections:
        """Fields that a request takes, one selection a variable; none of them read.

        Raises
        ------
        NoMatchError
            If nothing matches.
        MissingFieldsError
            If a value that is named does not exist and `allow_missing` is False.
        ControlledError
            If one of the fields is locked for reading.
        """
        return self._checked(self._parse(request), allow_missing)

    def _checked(self, request: Request, allow_missing: bool) -> Selections:
        selections = list(self.select(request, verb="retrieve"))
        if not selections:
            raise retrieval.no_match(request, self)
        if not allow_missing:
            missing.check_complete(request, selections, self)
        return selections

    def _dataset(self, request: Request, selections: Sequence[Selection]) -> xr.Dataset:
        """A lazy dataset of fields of one group, its axes and variables in the order of the request."""
        from dtedask.store.dataset import dataset_of

        if is_scattered(selections):
            return scattered_dataset(request, selections)
        return dataset_of(
            self._location,
            ranks.by_param(request, selections),
            used=ranks.used_slots_of(selections),
            orders=ranks.axis_orders(request, selections),
        )
