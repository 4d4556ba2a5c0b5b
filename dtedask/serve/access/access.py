"""What somebody may do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import reduce
from operator import or_
from pathlib import Path
from threading import Lock
from typing import Any

from dtedask.core.documents import load_document
from dtedask.core.errors import DocumentError, ForbiddenError, NotificationError, UnauthorizedError
from dtedask.notify.event_types import EventType, EventTypes
from dtedask.notify.filters import Filter
from dtedask.serve.access.document import AccessDocument
from dtedask.serve.access.identity import ANYBODY, Identity
from dtedask.serve.access.jwt_tokens import JwtTokens
from dtedask.serve.access.schemes import Passwords, Tokens

__all__ = ["Access", "load_access"]

_OF_COMMITS = "data"
_REMEMBERED = 4096


class Access:
    """Finds out who makes a request, and what he may do. Safe to use from several threads.

    Parameters
    ----------
    document : AccessDocument, optional
        Who may do what; without it everybody may do everything, and nobody is asked who he is.
    folder : pathlib.Path
        What paths in the document are relative to.
    """

    def __init__(self, document: AccessDocument | None = None, *, folder: Path = Path()) -> None:
        self._tokens = Tokens.of(document.bearer, folder) if document and document.bearer else None
        self._passwords = Passwords.of(document.basic, folder) if document and document.basic else None
        self._jwt = JwtTokens(document.jwt, folder) if document and document.jwt else None
        self._document = document
        given = document.admin_roles if document else {}
        self._admins = {realm: tuple(roles) for realm, roles in given.items()}
        self._filters: dict[tuple[frozenset[str], str], Filter | None] = {}
        self._lock = Lock()

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked who he is."""
        return self._document is None

    @property
    def challenge(self) -> str:
        """What who did not say who he is is asked for: the header ``WWW-Authenticate``."""
        bearer = ["Bearer"] if self._tokens or self._jwt else []
        basic = ['Basic realm="dtedask", charset="UTF-8"'] if self._passwords else []
        return ", ".join([*bearer, *basic])

    def authenticate(self, headers: Mapping[str, str]) -> Identity:
        """Find out who makes a request.

        Parameters
        ----------
        headers : mapping of str to str
            Its headers; the names in lower case.

        Returns
        -------
        Identity
            `ANYBODY` where he does not say who he is.

        Raises
        ------
        UnauthorizedError
            If he says who he is and is not.
        """
        header = headers.get("authorization", "").strip()
        if self.is_open or not header:
            return ANYBODY
        scheme, _, credentials = header.partition(" ")
        if scheme.lower() == "bearer" and (self._tokens or self._jwt):
            return self._bearer(credentials.strip())
        if scheme.lower() == "basic" and self._passwords:
            return self._passwords.identity_of(credentials.strip())
        raise UnauthorizedError("This way to say who you are is not known here.", hint=f"Known is {self.challenge}.")

    def login(self, user: str, password: str) -> Identity:
        """Find out who has a name and password; as `authenticate`."""
        if self.is_open:
            return ANYBODY
        if self._passwords is None:
            raise UnauthorizedError("There are no passwords here.", hint=f"Known is {self.challenge}.")
        return self._passwords.identity(user, password)

    def may_administer(self, identity: Identity) -> bool:
        """Whether somebody may do everything, and delete notifications."""
        return self.is_open or identity.has_role(self._admins)

    def may_read(self, identity: Identity, event_type: EventType) -> bool:
        """Whether somebody may watch and replay an event type, or what `filter_of` leaves of it."""
        return self._may(identity, event_type, event_type.read_roles, otherwise=True)

    def may_write(self, identity: Identity, event_type: EventType) -> bool:
        """Whether somebody may send notifications of an event type, those that `filter_of` takes."""
        return self._may(identity, event_type, event_type.write_roles, otherwise=False)

    def check_read(self, identity: Identity, event_type: EventType) -> Filter | None:
        """Give what somebody may see of an event type; None for everything.

        Raises
        ------
        UnauthorizedError, ForbiddenError
            If he may see nothing of it.
        """
        if not self.may_read(identity, event_type):
            raise _refusal(identity, f"may not read notifications of event type {event_type.name!r}")
        return self.filter_of(identity, event_type)

    def check_write(self, identity: Identity, event_type: EventType, sent: Mapping[str, Any]) -> None:
        """Refuse a notification that somebody may not send.

        Parameters
        ----------
        identity : Identity
            Who sends it.
        event_type : EventType
            Its type.
        sent : mapping
            Its identifier, in canonical form.

        Raises
        ------
        UnauthorizedError, ForbiddenError
            If he may not.
        """
        if not self.may_write(identity, event_type):
            raise _refusal(identity, f"may not send notifications of event type {event_type.name!r}")
        allowed = self.filter_of(identity, event_type)
        if allowed is not None and not allowed.takes(sent):
            raise _refusal(identity, f"may send notifications of event type {event_type.name!r}, but not this one")

    def filter_of(self, identity: Identity, event_type: EventType) -> Filter | None:
        """Give what the roles of somebody leave of an event type; None for everything.

        Who has roles with filters sees what these take together; his other roles add nothing to it. Administrators see
        everything.
        """
        if self._document is None or not self._document.roles or self.may_administer(identity):
            return None
        place = (identity.roles.intersection(self._document.roles), event_type.name)
        with self._lock:
            if place in self._filters:
                return self._filters[place]
        found = [
            one
            for name in sorted(place[0])
            if (one := _compiled(self._document.roles[name].filters, event_type)) is not None
        ]
        allowed = reduce(or_, found) if found else None
        with self._lock:
            if len(self._filters) < _REMEMBERED:
                self._filters[place] = allowed
        return allowed

    def check(self, types: EventTypes) -> None:
        """Refuse what does not go with event types, before anybody is served.

        Raises
        ------
        DocumentError
            If a type asks who somebody is and nobody can say it, or a filter of a role asks for what a type does not
            have.
        """
        for name in types:
            one = types[name]
            if self.is_open and _asks_who(one):
                raise DocumentError(
                    f"The event type {name!r} says who may read and send it, and nobody can say who he is.",
                    hint="Give a document of access, or take auth out of the type.",
                )
            for role in self._document.roles.values() if self._document else ():
                try:
                    _compiled(role.filters, one)
                except NotificationError as error:
                    raise DocumentError(f"A filter of a role is wrong: {error.message}", hint=error.hint) from error

    def _bearer(self, token: str) -> Identity:
        known = self._tokens.identity(token) if self._tokens else None
        if known is not None:
            return known
        if self._jwt is not None:
            return self._jwt.identity(token)
        raise UnauthorizedError("This token is not known.")

    def _may(
        self, identity: Identity, event_type: EventType, roles: Mapping[str, tuple[str, ...]] | None, *, otherwise: bool
    ) -> bool:
        if self.may_administer(identity) or event_type.requires_login is False:
            return True
        if not _asks_who(event_type):
            return not identity.is_anonymous or (self._document is not None and self._document.open_types)
        if roles is None:
            return otherwise and not identity.is_anonymous
        return identity.has_role(roles)

    def __repr__(self) -> str:
        return f"<Access {self.challenge or 'open to everybody'}>"


def load_access(source: str | os.PathLike[str] | Mapping[str, Any] | Access | None = None) -> Access:
    """Read a document of access.

    Parameters
    ----------
    source : str, os.PathLike, mapping, Access or None
        A file, YAML text, or what it would hold; None lets everybody do everything.

    Raises
    ------
    DocumentError
        Naming file, line, key and the nearest legal one; never a secret.
    """
    if isinstance(source, Access):
        return source
    if source is None:
        return Access()
    document = load_document(source, AccessDocument, kind="access")
    is_file = not isinstance(source, Mapping) and not _is_text(source)
    folder = Path(os.fspath(source)).expanduser().absolute().parent if is_file else Path()  # type: ignore[arg-type]
    return Access(document, folder=folder)


def _is_text(source: str | os.PathLike[str]) -> bool:
    return isinstance(source, str) and ("\n" in source or ": " in source or source.lstrip().startswith("{"))


def _asks_who(event_type: EventType) -> bool:
    given = (event_type.read_roles, event_type.write_roles)
    return bool(event_type.requires_login) or (event_type.requires_login is None and given != (None, None))


def _compiled(filters: Mapping[str, Mapping[str, Any]], event_type: EventType) -> Filter | None:
    """Filter of a role for an event type: by its name, else by all patterns that take it."""
    is_named = event_type.name in filters
    names = {event_type.name} if is_named else {name for name in filters if fnmatchcase(event_type.name, name)}
    if event_type.is_of_commits and _OF_COMMITS in filters:
        names.add(_OF_COMMITS)  # the same commits under another name
    found = [event_type.filter(filters[name], partial=True) for name in sorted(names)]
    return reduce(lambda one, another: one & another, found) if found else None


def _refusal(identity: Identity, what: str) -> UnauthorizedError | ForbiddenError:
    if identity.is_anonymous:
        return UnauthorizedError(f"Who does not say who he is {what}.", hint="Send credentials.")
    return ForbiddenError(f"The user {identity.user!r} {what}.", hint="Ask for a role that may.")
