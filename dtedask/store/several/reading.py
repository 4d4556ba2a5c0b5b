"""The handle of several roots: it reads like the handle of one."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, cast

from dtedask.core.commit import Commit
from dtedask.core.errors import FieldError, NotFoundError, ReadOnlyError, SchemaError, SeveralRootsError
from dtedask.core.settings import setting
from dtedask.request import Request
from dtedask.store import ranks, retrieval
from dtedask.store.control import Verb
from dtedask.store.group import group_named
from dtedask.store.handles import in_order
from dtedask.store.location import Location
from dtedask.store.masked import masked_selections
from dtedask.store.repository import BRANCH
from dtedask.store.roots import schema_in
from dtedask.store.schema import CUBE_KEYS, default_schema, load_schema
from dtedask.store.several.document import RootsDocument, Unavailable
from dtedask.store.several.members import Member, ask, members_of
from dtedask.store.several.repeats import Found, without_repeats
from dtedask.store.several.scattered import is_scattered, scattered_dataset
from dtedask.store.several.standing import UNKNOWN, RootUnavailableWarning, Standing, look, unavailable
from dtedask.store.store import Store
from dtedask.store.views.hidden import without

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.store.dataset import Time
    from dtedask.store.explain import Explanation
    from dtedask.store.root_handle import Names, RequestLike
    from dtedask.store.schema import Schema
    from dtedask.store.selection import Record, Selection

Answer = TypeVar("Answer")
Commits = list[Commit]
Selections = list["Selection"]


class RootsReader(Store):
    """Several roots behind one handle, as readers see them.

    What can only be done with one root asks for it by `SeveralRootsError`.

    Parameters
    ----------
    document : RootsDocument
        The roots and their spaces.
    name : str
        What to call them: the file of the document.
    schema : Schema, str or path, optional
        Schema of roots that do not exist yet; that of the document where it is left out.
    at : str or datetime, optional
        Read cubes as they were.
    branch : str
        The branch that is read, and written.
    on_unavailable : {"raise", "warn"}, optional
        What reading does where a root does not answer.
    is_pinned : bool
        Whether the handle keeps to what it has seen.
    stores : sequence of Store, optional
        Handles of the roots; opened where they are left out.
    """

    def __init__(
        self,
        document: RootsDocument,
        *,
        name: str = "<roots>",
        schema: Schema | str | os.PathLike[str] | None = None,
        at: str | datetime | None = None,
        branch: str = BRANCH,
        on_unavailable: Unavailable | None = None,
        is_pinned: bool = False,
        stores: Sequence[Store] | None = None,
    ) -> None:
        self._document = document
        self._name = name
        self._schema = document.schema_ if schema is None else schema
        self._at, self._branch, self._is_pinned = at, branch, is_pinned
        self._on_unavailable = on_unavailable
        self._archive = None
        self._lock = threading.RLock()
        self.hook_failures = []
        options = {"schema": self._schema, "at": at, "branch": branch}
        opened = iter(stores or ())
        self._members = members_of(document, lambda location: next(opened, None) or Store(location, **options))

    @property
    def _location(self) -> Location:
        """What works on one root alone comes here, whatever it is, and is told by the name of its method."""
        caller = sys._getframe(1)  # noqa: SLF001 - there is no other way to know who asks
        while caller.f_code.co_name.startswith(("_", "<")) and caller.f_back is not None:
            caller = caller.f_back
        self._needs_one(f"{caller.f_code.co_name}()")

    @_location.setter
    def _location(self, _location: Location) -> None:
        raise AssertionError("a handle of several roots has no location")

    def _needs_one(self, what: str) -> NoReturn:
        have = ", ".join(repr(member.location.url) for member in self._members)
        raise SeveralRootsError(
            f"{what} works on one root, and {self._name!r} names {len(self._members)}.", hint=f"Name one of {have}."
        )

    def _state(self) -> dict[str, Any]:
        if self.dirty:
            raise TypeError("A store with fields that wait for flush() cannot be pickled.")
        return {
            "document": self._document,
            "name": self._name,
            "schema": self._schema,
            "at": self._at,
            "branch": self._branch,
            "on_unavailable": self._on_unavailable,
            "is_pinned": self._is_pinned,
            "stores": [member.store for member in self._members],
        }

    def __getstate__(self) -> dict[str, Any]:
        return self._state()

    def _with(self, **changes: Any) -> Self:
        """Another handle of the same roots, without what waits in this one."""
        stores = [member.store._with(**changes) for member in self._members]  # noqa: SLF001 - of the same class
        return self._like(stores, at=changes.get("at", self._at), is_pinned=changes.get("is_pinned", self._is_pinned))

    def _like(self, stores: Sequence[Store], *, at: str | datetime | None, is_pinned: bool) -> Self:
        return type(self)(
            self._document,
            name=self._name,
            schema=self._schema,
            at=at,
            branch=self._branch,
            on_unavailable=self._on_unavailable,
            is_pinned=is_pinned,
            stores=stores,
        )

    def __repr__(self) -> str:
        branch = f" branch {self._branch}" if self._branch != BRANCH else ""
        at = f" at {self._at}" if self._at else ""
        return f"<dtedask.Store {self._name} of {len(self._members)} roots{branch}{at}>"

    def _repr_html_(self) -> str:
        from dtedask.store.html import table_html

        return table_html(repr(self).strip("<>"), self.standing())

    @property
    def root(self) -> str:
        """File of the roots document."""
        return self._name

    @property
    def roots(self) -> tuple[str, ...]:
        """Paths and URLs of the roots, in their order."""
        return tuple(member.location.url for member in self._members)

    def apart(self) -> tuple[Store, ...]:
        """Return a handle for each root alone, in their order."""
        return tuple(member.store for member in self._members)

    def standing(self) -> list[dict[str, str]]:
        """A row for each root and space: what the space takes, and whether the root answers."""
        found = self._look(self._members)
        rows = []
        for number, space in enumerate(self._document.spaces):
            for root in space.roots:
                member = next(one for one in self._members if one.location == Location.parse(root.path))
                state = found[member.location]
                rows.append(
                    {
                        "space": str(number + 1),
                        "select": str(member.choices[member.spaces.index(number)]),
                        "policy": space.policy,
                        "root": member.location.url,
                        "writable": "yes" if member.writable else "no",
                        "state": "there" if state.is_there else state.problem or "new or not mounted",
                    }
                )
        return rows

    def pinned(self) -> Self:
        """Return a handle that keeps to the newest commits of now; see `RootHandle.pinned`."""
        if self._at is not None:
            return self
        self._ready(self._members)
        return self._like([member.store.pinned() for member in self._members], at=None, is_pinned=True)

    def refresh(self) -> Commits:
        """Look at the newest commits of all roots, and return those that came since; see `RootHandle.refresh`."""
        with self._lock:
            return in_order([member.store.refresh() for member in self._members])

    def cubes(self) -> Names:
        """Names of the cubes, sorted; one that is in several roots comes once."""
        found = self._ask(Request({}), lambda member: member.store.cubes())
        return sorted({name for _, names in found for name in names})

    def groups(self, cube: str) -> Names:
        """Names of the groups of a cube over all roots, sorted."""
        found = self._ask(Request({}), lambda member: member.store.groups(cube))
        return sorted({name for _, names in found for name in names})

    def select(self, request: RequestLike = None, *, verb: Verb = "list") -> Iterator[Selection]:
        """Fields that a request takes, one selection a variable and root; see `Reader.select`.

        Of a field that several roots have, the one of the first root is taken.
        """
        parsed = self._parse(request)
        found, _ = self._seen(parsed, verb)
        retrieval.check_ambiguous(parsed, found)
        retrieval.warn_dropped(parsed, found)
        return iter(found)

    def explain(self, request: RequestLike) -> Explanation:
        """Say what a request takes and in which roots; see `Reader.explain`."""
        from dataclasses import replace

        from dtedask.store.explain import RootShare

        parsed = self._parse(request)
        found = super().explain(parsed)
        if found.refused:
            return found
        seen, shadowed = self._seen(parsed, "list")
        shares = []
        for member in self._members:
            url = member.location.url
            fields, behind = (sum(len(p.slots) for p in parts if _is_of(p, member)) for parts in (seen, shadowed))
            shares.append(RootShare(url, fields, behind, member.may_hold(parsed)))
        return replace(found, roots=tuple(shares))

    def _seen(self, request: Request, verb: Verb | None) -> Found:
        """Fields of all roots, and those in the shadow of a root before, both in the order of cubes and variables."""

        def look_into(member: Member) -> Selections:
            control = member.store._control().once()  # noqa: SLF001 - a handle of ours
            found = member.matching(request, () if verb == "wipe" else control.overlays())
            if verb is not None:
                found = without(found, control.hidden())
                control.check_selections(verb, found)
            return found

        answers = [(member.location.url, found) for member, found in self._ask(request, look_into)]
        seen, shadowed = without_repeats(answers)
        return sorted(seen, key=_place), sorted(shadowed, key=_place)

    def _listed(self, request: Request, masked: bool) -> Iterator[Record]:
        """Fields of a listing; those of a variable that several roots have are sorted together."""
        from itertools import groupby

        if masked:
            yield from super()._listed(request, masked)
            return
        for _, parts in groupby(self._selected(request, masked), key=_place):
            yield from _records(list(parts))

    def _selected(self, request: Request, masked: bool) -> Iterator[Selection]:
        seen, shadowed = self._seen(request, "list")
        retrieval.check_ambiguous(request, seen)
        retrieval.warn_dropped(request, seen)
        yield from seen
        if not masked:
            return
        yield from shadowed
        for member, heads in self._ask(request, lambda member: self._heads_of(member, request)):
            for cube, snapshot in heads:
                found = masked_selections(member.location, cube, snapshot, request)
                yield from (part for part in found if member.shows_any(part))

    def _heads_of(self, member: Member, request: Request) -> list[tuple[str, Any]]:
        store = member.store
        return list(store._snapshots(store._cubes_of(request)))  # noqa: SLF001 - a handle of ours

    def open_group(self, cube: str, group: str | None = None, *, time: Time = "reference") -> xr.Dataset:
        """Open all fields of a group, wherever they stand, as `dtedask.open_cube` does of one cube.

        Parameters
        ----------
        cube : str
            Name of the cube, such as ``"ea/enda/0001"``.
        group : str, optional
            Name of the group, or the beginning of it where only one group begins so.
        time : {"reference", "valid"}
            ``"valid"`` joins reference time and step into one sorted axis ``time``.

        Raises
        ------
        NotFoundError
            If no root has such a cube or group.
        SeveralGroupsError
            If several groups begin so.
        """
        name = group_named(group, self.groups(cube), cube)
        keys = dict(zip(CUBE_KEYS, cube.split(",", maxsplit=1)[0].split("/"), strict=True))
        seen, _ = self._seen(Request(dict(keys), language=self._language()), "retrieve")
        return self._dataset(Request({}), [part for part in seen if (part.cube, part.group.name) == (cube, name)], time)

    def _dataset(self, request: Request, selections: Sequence[Selection], time: Time = "reference") -> xr.Dataset:
        """A lazy dataset of fields of one group, wherever they stand."""
        from dtedask.store.dataset import dataset_of
        from dtedask.store.several.fan_in import location_of

        if is_scattered(selections):
            return scattered_dataset(request, selections, time)
        return dataset_of(
            location_of(selections[0]),
            ranks.by_param(request, selections),
            time=time,
            used=ranks.used_slots_of(selections),
            orders=ranks.axis_orders(request, selections),
        )

    def _cubes_of(self, request: Request) -> Names:
        found = self._ask(request, lambda member: member.store._cubes_of(request))  # noqa: SLF001 - a handle of ours
        return sorted({name for _, names in found for name in names})

    def _schema_now(self) -> Schema:
        """Schema of the roots that are there; they may differ in how values are stored, not in their keys."""
        found = self._look(self._members)
        known: tuple[str, Schema] | None = None
        for member in self._members:
            data = found[member.location].document
            if data is None:
                continue
            schema = schema_in(data, member.location.url)
            known = known or (member.location.url, schema)
            if schema.language != known[1].language:
                raise SchemaError(
                    f"The roots {known[0]!r} and {member.location.url!r} of {self._name!r} have other keys, or other "
                    "types of keys.",
                    hint="Give both the same: `dtedask store schema update`; or read them one by one.",
                )
        if known is not None:
            return known[1]
        return default_schema() if self._schema is None else load_schema(self._schema)

    def schema(self, version: int | None = None) -> Schema:
        """Schema of the first root that is there; what new ones would get where none is."""
        if version is not None:
            self._needs_one("An earlier version of a schema")
        return self._schema_now()

    def _ask(self, request: Request, do: Callable[[Member], Answer]) -> list[tuple[Member, Answer]]:
        """Ask the roots that can hold fields of a request, side by side.

        Raises
        ------
        RootUnavailableError
            If one does not answer and that is not to be warned of, or none does.
        NotFoundError
            If there is none of the roots, or none has the state that is asked for.
        """
        members = [member for member in self._members if member.may_hold(request)]
        ready = self._ready(members)
        answers = ask(ready, do)
        self._complain(answers.problems, is_last=len(answers.problems) == len(ready))
        if answers.absent and not any(answer for _, answer in answers.found):
            raise answers.absent[0]
        return cast("list[tuple[Member, Answer]]", answers.found)

    def _ready(self, members: Sequence[Member], *, strict: bool = False) -> list[Member]:
        """Those of some roots that answer; of the others an error tells, or a warning."""
        found = self._look(members)
        if members and all(state.is_new for state in found.values()) and self._are_all_new(found):
            raise NotFoundError(
                f"There is no root of {self._name!r} yet: {', '.join(self.roots)}.",
                hint="Check the paths, or archive something into them.",
            )
        problems = {location.url: state.problem or UNKNOWN for location, state in found.items() if not state.is_there}
        self._complain(problems, is_last=strict or len(problems) == len(found))
        return [member for member in members if found[member.location].is_there]

    def _are_all_new(self, known: Mapping[Location, Standing]) -> bool:
        others = [member for member in self._members if member.location not in known]
        return all(state.is_new for state in self._look(others).values())

    def _look(self, members: Sequence[Member]) -> dict[Location, Standing]:
        return look([member.location for member in members], setting("store.root-timeout"))

    def _complain(self, problems: Mapping[str, str], *, is_last: bool) -> None:
        if not problems:
            return
        error = unavailable(problems, self._name)
        wanted = self._on_unavailable or self._document.on_unavailable or setting("store.on-unavailable")
        if is_last or wanted == "raise":
            raise error
        warnings.warn(f"{error.message} Reading goes on without.", RootUnavailableWarning, stacklevel=4)

    def _check_one_state(self) -> None:
        if self._at is not None or self._is_pinned:
            raise ReadOnlyError(f"{self!r} shows what was; it cannot be written.")


def _place(part: Selection) -> tuple[str, str, str]:
    return (part.cube, part.group.name, part.variable.name)


def _is_of(part: Selection, member: Member) -> bool:
    return part.snapshot.url == member.location.cube_url(part.snapshot.cube)


def _records(parts: Selections) -> Iterator[Record]:
    """Fields of one variable, sorted over all roots where these agree on its axes."""
    from dtedask.store.several.merge import merge

    if len(parts) > 1:
        try:
            (merged,) = merge(parts)
        except FieldError:
            pass
        else:
            yield from merged.records()
            return
    for part in parts:
        yield from part.records()
