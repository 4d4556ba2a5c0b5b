"""All event types that there are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from dtedask.core.documents import load_document
from dtedask.core.errors import UnknownEventTypeError
from dtedask.core.nearest import did_you_mean
from dtedask.notify.event_types.cubes import ALL_CUBES, CommitType, Cubes
from dtedask.notify.event_types.document import EventTypeDocument, EventTypesDocument
from dtedask.notify.event_types.event_type import EventType, Retention, Roles
from dtedask.notify.event_types.ready_made import READY_MADE

__all__ = ["EventTypes", "load_event_types"]


class EventTypes(Mapping[str, EventType]):
    """Event types by name.

    Parameters
    ----------
    types : iterable of EventType
        Those that are declared.
    cubes : Cubes, optional
        The cubes of a root, which are types too.
    usual : iterable of str
        Names of those that nobody declared: types of commits may take them.
    """

    def __init__(
        self, types: Iterable[EventType] = (), *, cubes: Cubes | None = None, usual: Iterable[str] = ()
    ) -> None:
        self._types = {one.name: one for one in types}
        self._cubes = cubes
        self._usual = frozenset(usual)

    def __getitem__(self, name: str) -> EventType:
        found = self._types.get(name)
        if found is None and self._cubes is not None:
            found = self._of_cubes(name, self._cubes)
        if found is None:
            raise UnknownEventTypeError(f"There is no event type {name!r}.", hint=did_you_mean(str(name), self))
        return found

    def __iter__(self) -> Iterator[str]:
        yield from self._types
        if self._cubes is not None:
            names = [*ALL_CUBES, *self._cubes.by_type()]
            yield from (name for name in dict.fromkeys(names) if name not in self._types)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __or__(self, others: Mapping[str, EventType]) -> EventTypes:
        """All types of both; where both have a name, the other one's."""
        return EventTypes({**self._types, **others}.values(), cubes=self._cubes, usual=self._usual - others.keys())

    def with_cubes(self, root: str | os.PathLike[str]) -> EventTypes:
        """Add the types of the commits of a root.

        They are ``data`` and ``mars``, of all cubes, and one for each cube, called as the cube with points in the place
        of slashes. A type that a document declares keeps its name. Types that name patterns of cubes get the keys of
        that root.

        Parameters
        ----------
        root : str or os.PathLike
            Folder or URL of the root, which may come into being later.
        """
        cubes = Cubes(root)
        kept = [one for one in self._types.values() if one.name not in self._usual.intersection(ALL_CUBES)]
        types = (replace(one, root=cubes) if isinstance(one, CommitType) else one for one in kept)
        return EventTypes(types, cubes=cubes)

    def schema(self) -> dict[str, dict[str, Any]]:
        """Schemas of all types, by name, as aviso-server gives them."""
        return {name: one.schema() for name, one in self.items()}

    def _of_cubes(self, name: str, cubes: Cubes) -> EventType | None:
        if name in ALL_CUBES:
            return CommitType(
                name=name, description="Fields that were committed to any cube.", cubes=("*",), root=cubes
            )
        cube = cubes.by_type().get(name) or cubes.by_type(fresh_s=1.0).get(name)
        if cube is None:
            return None
        return CommitType(name=name, description=f"Fields that were committed to {cube}.", cubes=(cube,), root=cubes)

    def __repr__(self) -> str:
        return f"<EventTypes {', '.join(self._types) or 'none'}{' and cubes' if self._cubes else ''}>"


def load_event_types(source: str | os.PathLike[str] | Mapping[str, Any] | EventTypes | None = None) -> EventTypes:
    """Read a document of event types.

    Parameters
    ----------
    source : str, os.PathLike, mapping, EventTypes or None
        A file, YAML text, or what it would hold: event types by name. Without a document there are the ready-made types
        ``mars`` and ``dissemination``.

    Raises
    ------
    DocumentError
        Naming file, line, key and the nearest legal one.
    """
    if isinstance(source, EventTypes):
        return source
    given = {name: {} for name in READY_MADE} if source is None else source
    document = load_document(given, EventTypesDocument, kind="event types")
    usual = READY_MADE if source is None else ()
    return EventTypes((_made(name, one) for name, one in document.types.items()), usual=usual)


def _made(name: str, document: EventTypeDocument) -> EventType:
    kind = CommitType if document.cubes else EventType
    return kind(
        name=name,
        description=document.description,
        keys=document.identifier,
        payload_required=document.payload.required,
        payload_types=tuple(document.payload.type),
        retention=_retention(document),
        cubes=tuple(document.cubes),
        read_roles=_roles(document.auth.read_roles),
        write_roles=_roles(document.auth.write_roles),
        requires_login=document.auth.required,
        max_historical=document.max_historical_notifications,
        topic=(document.topic.base, *document.topic.key_order) if document.topic else (),
    )


def _retention(document: EventTypeDocument) -> Retention:
    if document.retention is not None:
        return Retention(document.retention.age, document.retention.count)
    policy = document.storage_policy
    return Retention(policy.retention_time, policy.max_messages) if policy is not None else Retention()


def _roles(roles: Mapping[str, list[str]] | None) -> Roles | None:
    return None if roles is None else {realm: tuple(names) for realm, names in roles.items()}
