"""An event type: what its notifications are about, and who may read and write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from dtedask.core.errors import NotificationError
from dtedask.core.nearest import did_you_mean
from dtedask.notify.event_types.geometry import PolygonKey
from dtedask.notify.event_types.keys import Key, ValueProblem
from dtedask.notify.filters import Condition, Filter
from dtedask.notify.notification import Draft

__all__ = ["POINT", "EventType", "Retention", "Roles"]

Roles = Mapping[str, tuple[str, ...]]
"""Roles by realm; ``*`` stands for any realm, and for any role."""

POINT = "point"
"""What a filter names to find the polygons around a point; no key of a type can have this name."""

_CLOUD = "point_cloud"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long notifications are kept; without an age and a count for ever.

    Parameters
    ----------
    age : timedelta, optional
        Older ones are removed.
    count : int, optional
        All but so many of the newest are removed.
    """

    age: timedelta | None = None
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class EventType:
    """A type of notifications.

    Parameters
    ----------
    name : str
        Its name.
    description : str
        What it tells of, for people.
    keys : mapping of str to Key
        Keys of its identifiers.
    payload_required : bool
        Whether notifications must have a payload.
    payload_types : tuple of str
        JSON types that a payload may have; all where it is empty.
    retention : Retention
        How long notifications are kept.
    cubes : tuple of str
        Patterns of the names of cubes whose commits it tells of, such as ``od/*/*``; none for notifications that are
        sent.
    read_roles, write_roles : mapping of str to tuple of str, optional
        Roles by realm that may read and write; None where nothing is said of it.
    requires_login : bool, optional
        Whether one must say who one is; None where nothing is said of it.
    max_historical : int, optional
        The most notifications of the past that one request may get.
    topic : tuple of str
        Its place in a tree of topics, and its keys in their order there; empty where nothing is said of it.
    """

    name: str
    description: str = ""
    keys: Mapping[str, Key] = field(default_factory=dict)
    payload_required: bool = False
    payload_types: tuple[str, ...] = ()
    retention: Retention = Retention()
    cubes: tuple[str, ...] = ()
    read_roles: Roles | None = None
    write_roles: Roles | None = None
    requires_login: bool | None = None
    max_historical: int | None = None
    topic: tuple[str, ...] = ()

    @property
    def is_of_commits(self) -> bool:
        """Whether it tells of commits, so that nobody can send its notifications."""
        return bool(self.cubes)

    @property
    def is_one_cube(self) -> bool:
        """Whether it tells of the commits of exactly one cube."""
        return len(self.cubes) == 1 and not any(sign in self.cubes[0] for sign in "*?[")

    @property
    def geometry(self) -> str | None:
        """Name of the key that holds a polygon or points."""
        return next((name for name in ("polygon", _CLOUD) if name in self.keys), None)

    @property
    def required(self) -> tuple[str, ...]:
        """Keys that notifications, and requests to watch or replay, must name."""
        return () if self.is_of_commits else tuple(name for name, key in self.keys.items() if key.required)

    def draft(self, identifier: Mapping[str, Any], payload: Any = None) -> Draft:
        """Make a notification that can be appended to a log.

        Parameters
        ----------
        identifier : mapping of str to value
            What it is about. Keys with a default may be left out, and those that are not required.
        payload : object
            Anything that JSON can hold; None for nothing.

        Returns
        -------
        Draft
            In canonical form, with the keys in the order of the type.

        Raises
        ------
        NotificationError
            Naming the key and the value that the type does not allow.
        """
        if self.is_of_commits:
            raise NotificationError(
                f"Notifications of event type {self.name!r} are written by commits, and cannot be sent.",
                hint="Send one of an event type of your own.",
            )
        self._refuse_unknown(identifier)
        found = {}
        for name, key in self.keys.items():
            value = self._checked(name, key, identifier[name]) if name in identifier else key.initial()
            if value is not None:
                found[name] = value
            elif key.required:
                raise NotificationError(
                    f"A notification of event type {self.name!r} needs the key {name!r}.",
                    hint=f"Its keys are {', '.join(self.keys)}.",
                )
        self._check_payload(payload)
        return Draft(self.name, found, payload)

    def filter(
        self, identifier: Mapping[str, Any] | None = None, *, point: Any = None, partial: bool = False
    ) -> Filter:
        """Compile which notifications are wanted.

        Parameters
        ----------
        identifier : mapping of str to value, optional
            A value, a list of values, or a mapping of one operator to its operand, by key; the reference lists them.
            Keys that are left out stand for all values. ``point`` is the same as the argument.
        point : str or pair of float, optional
            Latitude and longitude that the polygon of a notification must hold.
        partial : bool
            Whether required keys may be left out too, as in the filters of roles.

        Raises
        ------
        NotificationError
            Naming the key and what cannot be asked of it, or a required key that is missing.
        """
        wanted = dict(identifier or {})
        inner = wanted.pop(POINT, None)
        if inner is not None and point is not None:
            raise NotificationError("The point of a filter is given twice.", hint="Give one of them.")
        wanted = self._named(wanted)
        conditions = list(self._spatial(wanted, inner if point is None else point))
        self._refuse_unknown(wanted)
        conditions += [self._condition(name, self.keys[name], value) for name, value in wanted.items()]
        given = {condition.key for condition in conditions}
        missing = [name for name in self.required if name not in given]
        if missing and not partial:
            raise NotificationError(
                f"Who watches or replays event type {self.name!r} must name the key {missing[0]!r}.",
                hint=f"Required are {', '.join(self.required)}.",
            )
        return Filter(self.name, (tuple(conditions),))

    def schema(self) -> dict[str, Any]:
        """Describe payload and keys, ready for JSON, as aviso-server does."""
        payload: dict[str, Any] = {"required": self.payload_required}
        if self.payload_types:
            payload["type"] = list(self.payload_types)
        told = {"description": self.description} if self.description else {}
        return {**told, "payload": payload, "identifier": {name: key.described() for name, key in self.keys.items()}}

    def _named(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Give a filter's keys the names that they have in identifiers."""
        return wanted

    def _spatial(self, wanted: dict[str, Any], point: Any) -> Iterable[Condition]:
        """Take what a filter asks of places out of it."""
        geometry = self.geometry
        key = self.keys[geometry] if geometry else None
        polygon = wanted.pop("polygon", None) if geometry else None
        if geometry == _CLOUD and _CLOUD in wanted:
            raise NotificationError(
                f"A filter of event type {self.name!r} cannot name {_CLOUD!r}.",
                hint="Give a 'polygon': it takes the notifications with a point in it.",
            )
        if point is not None and not isinstance(key, PolygonKey):
            raise NotificationError(
                f"Event type {self.name!r} has no polygons that could hold the point.",
                hint="Give a 'polygon'." if geometry else "Leave the point out.",
            )
        if point is not None and polygon is not None:
            raise NotificationError(
                "A filter cannot have a polygon and a point.",
                hint="Give 'polygon' for what meets it, or 'point' for what holds it.",
            )
        if geometry and key and polygon is not None:
            yield self._condition(geometry, key, polygon)
        elif geometry and isinstance(key, PolygonKey) and point is not None:
            try:
                yield key.contains(geometry, point)
            except ValueProblem as problem:
                raise self._problem(POINT, point, problem) from problem

    def _condition(self, name: str, key: Key, value: Any) -> Condition:
        try:
            return key.condition(name, value)
        except ValueProblem as problem:
            raise self._problem(name, value, problem) from problem

    def _checked(self, name: str, key: Key, value: Any) -> Any:
        try:
            return key.canonical(value)
        except ValueProblem as problem:
            raise self._problem(name, value, problem) from problem

    def _problem(self, name: str, value: Any, problem: ValueProblem) -> NotificationError:
        text = _shown(value)
        return NotificationError(
            f"Key {name!r} of event type {self.name!r} cannot be {text}: {problem}.", hint=problem.hint
        )

    def _refuse_unknown(self, identifier: Mapping[str, Any]) -> None:
        for name in identifier:
            if name not in self.keys:
                hint = did_you_mean(str(name), self.keys)
                raise NotificationError(f"Event type {self.name!r} has no key {name!r}.", hint=hint)

    def _check_payload(self, payload: Any) -> None:
        if payload is None and self.payload_required:
            raise NotificationError(
                f"A notification of event type {self.name!r} needs a payload.", hint="Give any JSON value but null."
            )
        try:
            json.dumps(payload, allow_nan=False, ensure_ascii=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise NotificationError(
                f"The payload of a notification of event type {self.name!r} is nothing that JSON can hold: {error}."
            ) from error
        kinds = _json_types(payload)
        if payload is not None and self.payload_types and not kinds & set(self.payload_types):
            raise NotificationError(
                f"The payload of a notification of event type {self.name!r} is of JSON's type {min(kinds)!r}.",
                hint=f"It must be of type {' or '.join(self.payload_types)}.",
            )


def _shown(value: Any) -> str:
    try:
        shown = repr(value)
    except (ValueError, RecursionError):  # integers of thousands of digits, lists in thousands of lists
        return f"this {type(value).__name__}"
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _json_types(value: Any) -> set[str]:
    """JSON types of a value: whole numbers have two."""
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int):
        return {"integer", "number"}
    if isinstance(value, float):
        return {"number"}
    if isinstance(value, str):
        return {"string"}
    return {"object"} if isinstance(value, Mapping) else {"array"}
