"""Who may do what: locks on fields, kept in the root and honoured by every process."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from dtedask.core.errors import (
    ControlledError,
    DamagedError,
    InvalidValueError,
    LockedError,
    NoMatchError,
    NotFoundError,
    StoreError,
)
from dtedask.core.nearest import did_you_mean
from dtedask.core.settings import setting
from dtedask.request import Language, Request, format_step, parse_step
from dtedask.store.author import author
from dtedask.store.lock import cube_lock
from dtedask.store.retrieval import cube_may_match
from dtedask.store.root_files import RootFiles
from dtedask.store.roots import FILE as ROOT_FILE
from dtedask.store.roots import RootDocument
from dtedask.store.selection import select_group, select_variable, touched
from dtedask.store.shared_file import change_file
from dtedask.store.views.overlays import Overlay

if TYPE_CHECKING:
    from dtedask.store.group import Group
    from dtedask.store.location import Location
    from dtedask.store.selection import Selection
    from dtedask.store.snapshot import Snapshot
    from dtedask.store.writing import Entry

logger = logging.getLogger(__name__)
FILE = ".dtedask/control.json"
Verb = Literal["list", "retrieve", "archive", "wipe"]
VERBS: tuple[Verb, ...] = get_args(Verb)
HIDE = ("hide", "archive", "wipe")  # what is hidden is kept as it is
_FORMAT = 1
_DOING = {"list": "Listing", "retrieve": "Retrieving", "archive": "Archiving", "wipe": "Wiping"}


@dataclass(frozen=True, slots=True)
class Lock:
    """What somebody locked, for what, and why.

    Parameters
    ----------
    id : str
        What to call it when it is taken away.
    verbs : tuple of str
        What nobody may do: ``list``, ``retrieve``, ``archive`` or ``wipe``.
    request : Request
        The fields, those that exist and those to come; an empty one stands for all of the root.
    reason : str
        Why.
    author : str
        Who: user and host.
    time : datetime
        Since when, UTC.
    """

    id: str
    verbs: tuple[str, ...]
    request: Request
    reason: str
    author: str
    time: datetime

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        since = self.time.strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"{self.id} ({'/'.join(self.verbs)} of {self.fields}, by {self.author} since {since}{why})"

    @property
    def fields(self) -> str:
        """The request for people."""
        return str(self.request) or "everything"

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "id": self.id,
            "verbs": list(self.verbs),
            "request": {key: list(values) for key, values in self.request.items()},
            "reason": self.reason,
            "author": self.author,
            "time": self.time.isoformat(),
        }


class Control:
    """The locks of a root.

    Parameters
    ----------
    location : Location
        The root.
    """

    def __init__(self, location: Location) -> None:
        self._location = location
        self._read: list[bytes | None] = []  # what `once` read

    def once(self) -> Control:
        """The same, which reads the file at most once: for several questions at one time."""
        found = Control(self._location)
        found._read.append(self._data())
        return found

    def _data(self) -> bytes | None:
        return self._read[0] if self._read else RootFiles(self._location).read(FILE)

    def _language(self) -> Language | None:
        return RootDocument(self._location).schema().language

    def locks(self, request: Request | None = None) -> tuple[Lock, ...]:
        """Locks, oldest first: all, or those that can be on fields of a request.

        Raises
        ------
        DamagedError
            If they cannot be read: then nothing is allowed.
        """
        data = self._data()
        found = _decoded(data, self._location.url, self._language()) if data else ()
        return tuple(lock for lock in found if request is None or _can_meet(lock.request, request))

    def hidden(self, request: Request | None = None) -> tuple[Lock, ...]:
        """What is hidden, oldest first: all, or what can be on fields of a request."""
        return tuple(lock for lock in self.locks(request) if "hide" in lock.verbs)

    def named_hidden(self, named: Request | str) -> tuple[Lock, ...]:
        """What hides fields and has an identifier, or exactly this request.

        Raises
        ------
        NoMatchError
            If there is none.
        """
        found = tuple(lock for lock in self.hidden() if _is_named(lock, named))
        if not found:
            have = "; ".join(map(str, self.hidden()))
            raise NoMatchError(
                f"The root {self._location.url!r} hides nothing by {str(named) or 'everything'!r}.",
                hint=f"What is hidden: {have}." if have else "Nothing is hidden.",
            )
        return found

    def hide(self, request: Request, reason: str, *, name: str = "") -> Lock:
        """Hide fields, those that exist and those to come; they can be neither archived nor wiped until it is undone.

        Raises
        ------
        NotFoundError
            If there is no root.
        """
        return self._set(request, HIDE, reason, name)

    def overlays(self) -> tuple[Overlay, ...]:
        """Cubes that are seen under other keys too, oldest first.

        Raises
        ------
        DamagedError
            If they cannot be read.
        """
        return _overlays(self._data(), self._location.url)

    def add_overlay(self, overlay: Overlay) -> None:
        """Show a cube under other keys, in every process.

        Raises
        ------
        StoreError
            If another cube is seen under these keys already, or the source is itself only seen.
        """

        def edit(overlays: tuple[Overlay, ...]) -> tuple[Overlay, ...]:
            for one in overlays:
                if one.target in (overlay.target, overlay.source) or overlay.target == one.source:
                    raise StoreError(
                        f"The root {self._location.url!r} has the overlay {one} already; {overlay.source} as "
                        f"{overlay.target} does not go with it.",
                        hint=f"`dtedask store overlay --undo {one.id}` takes it away.",
                    )
            return (*overlays, overlay)

        self._change_overlays(edit)

    def remove_overlay(self, named: str) -> Overlay:
        """Take an overlay away, by its identifier or the name of its target.

        Raises
        ------
        NoMatchError
            If there is none.
        """
        removed: list[Overlay] = []

        def edit(overlays: tuple[Overlay, ...]) -> tuple[Overlay, ...]:
            removed[:] = [one for one in overlays if named in (one.id, one.target)]
            if not removed:
                have = "; ".join(map(str, overlays)) or "none"
                raise NoMatchError(f"The root {self._location.url!r} has no overlay {named!r}.", hint=f"It has {have}.")
            return tuple(one for one in overlays if one not in removed)

        self._change_overlays(edit)
        return removed[0]

    def _change_overlays(self, edit: Callable[[tuple[Overlay, ...]], tuple[Overlay, ...]]) -> None:
        url, language = self._location.url, self._language()
        change_file(
            self._location, FILE, lambda data: _encoded(_decoded(data, url, language), edit(_overlays(data, url)))
        )

    def add(self, request: Request, verbs: Iterable[str], reason: str, *, name: str = "") -> Lock:
        """Lock fields; from then on every process refuses to touch them.

        On local disk, a commit that is being published is waited for: it looked for locks before. Nothing that is
        locked changes any more when this returns.

        Parameters
        ----------
        request : Request
            The fields.
        verbs : iterable of str
            What is refused.
        reason : str
            Why.
        name : str
            Its identifier, where several roots are to have one lock; else it gets one of its own.

        Raises
        ------
        NotFoundError
            If there is no root.
        InvalidValueError
            If a verb is unknown.
        """
        return self._set(request, _checked_verbs(verbs), reason, name)

    def _set(self, request: Request, named: tuple[str, ...], reason: str, name: str) -> Lock:
        if RootFiles(self._location).read(ROOT_FILE) is None:
            raise NotFoundError(f"There is no root at {self._location.url!r}.", hint="Archive something into it first.")
        now = datetime.now(UTC).replace(microsecond=0)
        fields = Request({key: list(values) for key, values in request.items()}, language=self._language())
        lock = Lock(name or uuid.uuid4().hex[:8], named, fields, reason, author(), now)
        self._change(lambda locks: (*locks, lock))
        if self._location.is_local and {"archive", "wipe"} & set(named):
            self._wait_for_commits(fields)
        return lock

    def _wait_for_commits(self, fields: Request) -> None:
        limit = setting("store.lock-timeout")
        for cube in RootFiles(self._location).cubes():
            if cube_may_match(cube, fields):
                try:
                    with cube_lock(self._location, cube, limit):
                        pass
                except LockedError:
                    logger.warning(
                        "%s has been in use for more than %g s: what was checked before the lock may still appear",
                        self._location.cube_url(cube),
                        limit,
                    )

    def remove(self, named: Request | str) -> tuple[Lock, ...]:
        """Take away the lock of an identifier, or those of exactly this request.

        Raises
        ------
        NoMatchError
            If there is none.
        """
        removed: list[Lock] = []

        def edit(locks: tuple[Lock, ...]) -> tuple[Lock, ...]:
            removed[:] = [lock for lock in locks if _is_named(lock, named)]
            if not removed:
                have = "; ".join(map(str, locks))
                raise NoMatchError(
                    f"The root {self._location.url!r} has no lock {str(named) or 'on everything'!r}.",
                    hint=f"What is locked: {have}." if have else "Nothing is locked.",
                )
            return tuple(lock for lock in locks if lock not in removed)

        self._change(edit)
        return tuple(removed)

    def check_selections(self, verb: Verb, selections: Iterable[Selection]) -> None:
        """Refuse to go on if a field that exists is locked.

        Raises
        ------
        ControlledError
            Naming the lock, one of its fields, who locked it and why.
        """
        locks = self._of(verb)
        for selection in selections if locks else ():
            for lock in locks:
                slots = touched(selection, lock.request)
                if len(slots):
                    raise self._refusal(verb, lock, selection.keys_of(tuple(slots[0].tolist())))

    def check_group(self, verb: Verb, snapshot: Snapshot, cube: str, group: Group) -> None:
        """Refuse to go on if a field of a group is locked.

        Raises
        ------
        ControlledError
            Naming the lock, one of its fields, who locked it and why.
        """
        for lock in self._of(verb):
            self.check_selections(verb, select_group(snapshot, cube, group, lock.request))

    def check_fields(
        self, verb: Verb, snapshot: Snapshot, cube: str, fields: Mapping[tuple[str, str], np.ndarray]
    ) -> None:
        """Refuse to go on if one of some fields, given by group, variable and slots, is locked.

        Raises
        ------
        ControlledError
            Naming the lock, one of its fields, who locked it and why.
        """
        for lock in self._of(verb):
            for (name, variable), wanted in fields.items():
                group = snapshot.group(name)
                selection = select_variable(snapshot, cube, group, group.variables[variable], Request({}))
                locked = set(map(tuple, touched(selection, lock.request).tolist())) if selection else set()
                for slots in map(tuple, wanted.tolist()):
                    if selection and slots in locked:
                        raise self._refusal(verb, lock, selection.keys_of(slots))

    def check_entries(self, entries: Iterable[Entry]) -> None:
        """Refuse to go on if a field that is to be archived is locked.

        Raises
        ------
        ControlledError
            Naming the lock, one of its fields, who locked it and why.
        """
        locks = self._of("archive")
        for entry in entries if locks else ():
            for lock in locks:
                if takes(lock.request, entry):
                    raise self._refusal("archive", lock, entry.keys)

    def _of(self, verb: Verb) -> list[Lock]:
        return [lock for lock in self.locks() if verb in lock.verbs]

    def _change(self, edit: Callable[[tuple[Lock, ...]], tuple[Lock, ...]]) -> None:
        url, language = self._location.url, self._language()
        change_file(
            self._location, FILE, lambda data: _encoded(edit(_decoded(data, url, language)), _overlays(data, url))
        )

    def _refusal(self, verb: Verb, lock: Lock, keys: Mapping[str, str]) -> ControlledError:
        field = ",".join(f"{key}={value}" for key, value in keys.items())
        return ControlledError(
            f"{_DOING[verb]} {field} is refused in {self._location.url!r} by the lock {lock}.",
            hint=f"Ask {lock.author}; `dtedask store {_undo(lock)} --root {self._location.url}` takes it away.",
        )


def takes(request: Request, entry: Entry) -> bool:
    """Whether a request takes a field that is to be archived: as it will, once it is there."""
    return request.matches({**entry.keys, "grid": entry.address.grid.label}, aliases=_aliases(entry))


def _undo(lock: Lock) -> str:
    return f"hide --undo {lock.id} --doit" if "hide" in lock.verbs else f"unlock {lock.id}"


def _checked_verbs(verbs: Iterable[str]) -> tuple[str, ...]:
    named = {verbs} if isinstance(verbs, str) else set(verbs)
    for verb in sorted(named - set(VERBS)) or ([] if named else [""]):
        raise InvalidValueError(f"Cannot lock {verb!r}.", hint=did_you_mean(verb, VERBS))
    return tuple(verb for verb in VERBS if verb in named)


def _is_named(lock: Lock, named: Request | str) -> bool:
    if isinstance(named, str):
        return lock.id == named
    return {key: set(values) for key, values in lock.request.items()} == {
        key: set(values) for key, values in named.items()
    }


def _can_meet(one: Request, other: Request) -> bool:
    """Whether a field can be asked for by both requests; keys that only one of them names do not matter."""
    shared = [key for key in one if not one.is_all(key) and not other.is_all(key)]
    return all(one.select(key, other.named(key)) or other.select(key, one.named(key)) for key in shared)


def _aliases(entry: Entry) -> dict[str, tuple[str, ...]]:
    """The other form of a step over an interval, as `Selection` has it: ``24`` answers to ``0-24`` too."""
    attributes = dict(entry.address.variable.attributes)
    if "interval_s" not in attributes or "step" not in entry.keys:
        return {}
    end, length = parse_step(entry.keys["step"]).end_s, int(attributes["interval_s"])
    return {"step": (format_step(end), format_step(end, end - length if length else 0))}


def _encoded(locks: Iterable[Lock], overlays: Iterable[Overlay]) -> bytes:
    document: dict[str, Any] = {"format": _FORMAT, "locks": [lock.to_dict() for lock in locks]}
    if shown := [overlay.to_dict() for overlay in overlays]:
        document["overlays"] = shown
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


@lru_cache(maxsize=64)
def _overlays(data: bytes | None, root: str) -> tuple[Overlay, ...]:
    if data is None:
        return ()
    try:
        return tuple(Overlay.of(found) for found in json.loads(data).get("overlays", []))
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(root, error) from error


def _unreadable(root: str, error: Exception) -> DamagedError:
    return DamagedError(
        f"The locks of the root {root!r} cannot be read from {FILE!r}: {error}.",
        hint="Until that file is repaired or removed, fields are neither read nor written.",
    )


@lru_cache(maxsize=64)
def _decoded(data: bytes | None, root: str, language: Language | None) -> tuple[Lock, ...]:
    if data is None:
        return ()
    try:
        found = json.loads(data)["locks"]
        return tuple(
            Lock(
                id=lock["id"],
                verbs=tuple(lock["verbs"]),
                request=Request(lock["request"], language=language),
                reason=lock["reason"],
                author=lock["author"],
                time=datetime.fromisoformat(lock["time"]),
            )
            for lock in found
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(root, error) from error
