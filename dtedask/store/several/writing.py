"""Archiving into several roots: each field goes to the root that has its run, else to the one that the policy names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import NoMatchError, ReadOnlyError, RequestError
from dtedask.request import Request
from dtedask.store import items
from dtedask.store.archive import Messages, Staged, is_other_bytes, messages_of
from dtedask.store.identity import address_of
from dtedask.store.placed import Placed, placed_of
from dtedask.store.retrieval import no_match
from dtedask.store.roots import RootDocument
from dtedask.store.several.choose import space_of
from dtedask.store.several.members import Member, names_of
from dtedask.store.several.placement import Run, place_run, run_of
from dtedask.store.several.reading import Commits, RootsReader
from dtedask.store.store import is_xarray
from dtedask.store.wipe import MINIMUM_KEYS, Wipe, check_minimum

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.grib import Field, FieldDescription
    from dtedask.store.archive import Archive
    from dtedask.store.execute import Execution
    from dtedask.store.root_handle import RequestLike
    from dtedask.store.schema import Schema
    from dtedask.store.store import Failures

Keys = Mapping[str, str]


class RootsWriter(RootsReader):
    """Several roots behind one handle, as writers see them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._router = Router(self)
        self._unchanged = 0

    @property
    def dirty(self) -> bool:
        """Whether fields wait for `flush`."""
        return any(member.store.dirty for member in self._members)

    @property
    def unchanged(self) -> int:
        """Fields of the last flush that stood there already with the same values."""
        return self._unchanged

    def archive(
        self,
        fields: Messages | xr.DataArray | xr.Dataset | np.ndarray,
        key: Mapping[str, object] | Iterable[tuple[str, object]] | None = None,
    ) -> int:
        """Take fields, each for its root; see `Store.archive`.

        A field that a root has goes to that root again. A run that a root has fields of goes there; of a new run the
        policy of its space says where.

        Raises
        ------
        NoRuleError
            If no space takes a field.
        RootUnavailableError
            If a root that could hold the run of a field does not answer.
        ReadOnlyError
            If a field stands in a root that cannot be written and that comes first.
        """
        key = dict(key) if key is not None else {}
        with self._lock:
            self._check_writable()
            schema = self._schema_now()
            if isinstance(fields, np.ndarray):
                from dtedask.store.plain import with_grid

                fields, key = with_grid(fields, key, self._with())
            if is_xarray(fields):
                staged = self._staged_fields(_fields_of(fields, key, schema), schema)
            elif is_other_bytes(fields, key):
                described = items.describe(bytes(fields), key, schema)  # type: ignore[arg-type]
                writer = self._writer_of(described, schema, {}, len(fields))  # type: ignore[arg-type]
                staged = [(writer, writer.stage_messages(fields, key))]
            else:
                staged = self._staged_messages(fields, key, schema)
            return sum(writer.keep(found) for writer, found in staged)

    def archive_fields(self, fields: Iterable[Field], *, ahead: bool = False) -> int:
        """Take fields that are in memory, each for its root; see `Store.archive_fields`."""
        with self._lock:
            self._check_writable()
            staged = self._staged_fields(fields, self._schema_now())
            return sum(writer.keep(found, ahead=ahead) for writer, found in staged)

    def flush(
        self,
        message: str = "",
        *,
        sources: Iterable[str] = (),
        notes: Mapping[str, str] | None = None,
        execution: Execution | None = None,
    ) -> Commits:
        """Commit what was archived, root by root, one snapshot for each cube; see `Store.flush`.

        Where a root fails, those before it have committed, and the rest waits for the next flush.
        """
        with self._lock:
            self._check_writable()
            named = tuple(sources)
            commits: Commits = []
            failures: Failures = []
            self._unchanged = 0
            for member in self._members:
                if member.store.dirty:
                    commits += member.store.flush(message, sources=named, notes=notes, execution=execution)
                    self._unchanged += member.store.unchanged
                    failures += member.store.hook_failures
            self._router.forget()
            self.hook_failures = failures
            return commits

    def placed(self, fields: Iterable[FieldDescription]) -> tuple[Placed, ...]:
        """Say where fields stand, in whichever root; see `Store.placed`."""
        requests = [{**field.keys, "grid": field.grid.label} for field in fields]
        return tuple(placed_of(next(iter(self.inspect(request)))) for request in requests)

    def discard(self) -> None:
        """Forget what was archived and not flushed."""
        with self._lock:
            for member in self._members:
                member.store.discard()
            self._router.forget()

    def wipe(self, request: RequestLike, *, doit: bool = False, minimum_keys: Sequence[str] = MINIMUM_KEYS) -> Wipe:
        """Take fields away from all roots that have them; a dry run unless `doit`; see `Store.wipe`.

        Fields in the shadow of a root before go too: they would appear in its place.

        Raises
        ------
        RootUnavailableError
            If a root that can have the fields does not answer.
        ReadOnlyError
            If a root that has some of them cannot be written. Nothing is wiped then.
        RequestError
            If the request takes fields of a root that belong to none of its spaces.
        """
        parsed = self._parse(request)
        check_minimum(parsed, minimum_keys)
        if doit:
            self._check_writable()
        members = self._ready([one for one in self._members if one.may_hold(parsed)], strict=True)
        holders = [member for member in members if _has_fields(member, parsed)]
        fixed = [member for member in holders if not member.writable]
        if doit and fixed:
            raise ReadOnlyError(
                f"Fields of {parsed} stand in {names_of(fixed)}, which {self._name!r} says cannot be written.",
                hint="Nothing was wiped. Name fewer fields, or let the document say writable: true.",
            )
        with self._lock:
            found = [part for one in holders if (part := _wiped(one, parsed, doit, minimum_keys)) is not None]
            self.hook_failures = (
                [failure for member in holders for failure in member.store.hook_failures] if doit else []
            )
        if not found:
            raise no_match(parsed, self._with())
        return Wipe(
            request=parsed,
            is_done=doit,
            fields=sum(one.fields for one in found),
            size_bytes=sum(one.size_bytes for one in found),
            cubes=tuple(dict.fromkeys(cube for one in found for cube in one.cubes)),
            changes=tuple(change for one in found for change in one.changes),
            commits=tuple(commit for one in found for commit in one.commits),
        )

    def _waiting(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for member in self._members:
            for cube, count in member.store._waiting().items():  # noqa: SLF001 - a handle of ours
                found[cube] = found.get(cube, 0) + count
        return found

    def _staged_messages(
        self, fields: Messages, key: Mapping[str, object], schema: Schema
    ) -> list[tuple[Archive, Staged]]:
        own = _own_keys(key, schema)
        batches: dict[int, tuple[Archive, list[Any]]] = {}
        for message in messages_of(fields):
            writer = self._writer_of(message.field, schema, own, message.length)
            batches.setdefault(id(writer), (writer, []))[1].append(message)
        return [(writer, writer.stage_messages(batch, key)) for writer, batch in batches.values()]

    def _staged_fields(self, fields: Iterable[Field], schema: Schema) -> list[tuple[Archive, Staged]]:
        batches: dict[int, tuple[Archive, list[Field]]] = {}
        for field in fields:
            writer = self._writer_of(field.description, schema, {}, field.values.nbytes)
            batches.setdefault(id(writer), (writer, []))[1].append(field)
        return [(writer, writer.stage_arrays(batch)) for writer, batch in batches.values()]

    def _writer_of(self, described: FieldDescription, schema: Schema, own: Keys, size_bytes: int) -> Archive:
        """What takes a field: the archive of the root that it goes to."""
        keys = {**described.keys, **own}
        if schema.language is not None or schema.rules:
            from dataclasses import replace

            keys = dict(address_of(replace(described, keys=keys), schema).keys)
        return self._router.root_of(keys, size_bytes).store._writer()  # noqa: SLF001 - a handle of ours

    def _create_all(self) -> bool:
        """Make the roots that are written, if there is none of them yet."""
        found = self._look(self._members)
        if not all(state.is_new for state in found.values()):
            return False
        for member in self._members:
            if member.writable:
                RootDocument(member.location).create(self._schema)
        return True

    def create(self, *, dry_run: bool = False) -> list[str]:
        """Make those roots that can be written and that are not there yet.

        Parameters
        ----------
        dry_run : bool
            Only say which.

        Returns
        -------
        list of str
            Their paths and URLs.

        Raises
        ------
        ReadOnlyError
            If one cannot be written.
        """
        found = self._look(self._members)
        new = [member for member in self._members if member.writable and found[member.location].is_new]
        for member in () if dry_run else new:
            RootDocument(member.location).create(self._schema)
        return [member.location.url for member in new]


class Router:
    """Finds the root of each field that is archived; what it has found for a run holds until the flush.

    Parameters
    ----------
    roots : RootsWriter
        The roots.
    """

    def __init__(self, roots: RootsWriter) -> None:
        self._roots = roots
        self._known: dict[tuple[object, ...], _Place] = {}

    def forget(self) -> None:
        """Look anew at where runs are."""
        self._known.clear()

    def root_of(self, keys: Keys, size_bytes: int) -> Member:
        """Root that a field goes to.

        Raises
        ------
        NoRuleError
            If no space takes it.
        RootUnavailableError
            If a root that could hold its run does not answer.
        ReadOnlyError
            If it stands in a root that cannot be written and that comes first, or no root of its space can.
        """
        roots = self._roots
        space = space_of(roots._document, keys, roots.root)  # noqa: SLF001 - its other half
        shown = tuple(number for number, one in enumerate(roots._members) if one.shows(keys))  # noqa: SLF001
        run = run_of(keys)
        place = self._known.get((space, shown, *run.items()))
        if place is None:
            place = self._known[(space, shown, *run.items())] = self._look_for(space, shown, run)
        return place.root_of(keys, size_bytes)

    def _look_for(self, space: int, shown: Sequence[int], run: Run) -> _Place:
        roots = self._roots
        members = [roots._members[number] for number in shown]  # noqa: SLF001
        if not roots._create_all():  # noqa: SLF001
            roots._ready(members, strict=True)  # noqa: SLF001
        holders = [member for member in members if member.holds(run)]
        own = [member for member in members if space in member.spaces]
        return _Place(roots, space, run, members, own, holders)


class _Place:
    """Where the fields of one run go.

    Parameters
    ----------
    roots : RootsWriter
        The roots.
    space : int
        Number of the space.
    run : mapping
        Keys of the run.
    shown, own, holders : list of Member
        Roots in which its fields would be seen, those of the space among them, and those that have some.
    """

    def __init__(
        self, roots: RootsWriter, space: int, run: Run, shown: list[Member], own: list[Member], holders: list[Member]
    ) -> None:
        self._roots, self._space, self._run = roots, space, run
        self._shown, self._own, self._holders = shown, own, holders
        self._placed: Member | None = None

    def root_of(self, keys: Keys, size_bytes: int) -> Member:
        """Root of one field of the run."""
        if len(self._holders) == 1 and self._can_take(self._holders[0]):
            return self._holders[0]
        held_by = next((member for member in self._holders if member.holds(_field(keys))), None)
        if held_by is not None and self._can_take(held_by):
            return held_by
        target = next((member for member in self._holders if self._can_take(member)), None) or self._new(size_bytes)
        if held_by is not None and self._shown.index(held_by) < self._shown.index(target):
            field = ",".join(f"{key}={value}" for key, value in keys.items())
            raise ReadOnlyError(
                f"{field} stands in {held_by.location.url!r}, which is not written for it and comes before "
                f"{target.location.url!r}: what is archived would not be seen.",
                hint=f"Put {target.location.url!r} in front in {self._roots.root!r}, or archive it under other keys.",
            )
        return target

    def _can_take(self, member: Member) -> bool:
        return member.writable and self._space in member.spaces

    def _new(self, size_bytes: int) -> Member:
        """Root that the policy gives to the run."""
        if self._placed is None:
            space = self._roots._document.spaces[self._space]  # noqa: SLF001 - its other half
            able = [member for member in self._own if member.writable]
            if not able:
                raise ReadOnlyError(
                    f"No root of spaces[{self._space}] of {self._roots.root!r} can be written: {names_of(self._own)}.",
                    hint="Add one that can, or let the document say writable: true.",
                )
            chosen = place_run(self._run, space.policy, [member.location for member in able], size_bytes)
            self._placed = next(member for member in able if member.location == chosen)
        return self._placed


def _field(keys: Keys) -> dict[str, str]:
    """The request of one field; where a key is implied, the field answers to it."""
    return {key: value for key, value in keys.items() if value}


def _own_keys(key: Mapping[str, object], schema: Schema) -> dict[str, str]:
    """Keys of the roots' own, which no message has."""
    language = schema.language
    if language is None or not key:
        return {}
    wanted = Request({name: value for name, value in key.items() if name[:1] != "_"}, language=language)
    return {name: values[0] for name, values in wanted.items() if name in language.keys}


def _fields_of(fields: xr.DataArray | xr.Dataset, key: Mapping[str, object], schema: Schema) -> Iterator[Field]:
    from dtedask.store.arrays import arrays_of, fields_of_array

    for array in arrays_of(fields):
        yield from fields_of_array(array, key, schema.language)


def _has_fields(member: Member, request: Request) -> bool:
    """Whether a root has fields of a request that can be seen.

    Raises
    ------
    RequestError
        If it has others too, which belong to no space and would be wiped with them.
    """
    published = member.store._with()  # noqa: SLF001 - a handle of ours
    everything = list(published.select(request, verb="wipe"))
    seen = member.matching(request) if everything else []
    counts = [sum(len(part.slots) for part in parts) for parts in (everything, seen)]
    if counts[1] and counts[0] != counts[1]:
        raise RequestError(
            f"{counts[0] - counts[1]} of the fields that {request} takes in {member.location.url!r} belong to no space "
            "of the document.",
            hint="Name more keys, or wipe in that root alone.",
        )
    return counts[1] > 0


def _wiped(member: Member, request: Request, doit: bool, minimum_keys: Sequence[str]) -> Wipe | None:
    try:
        return member.store.wipe(request, doit=doit, minimum_keys=minimum_keys)
    except NoMatchError:  # gone since we looked
        return None
