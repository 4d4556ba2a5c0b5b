"""The ways to say who one is: tokens, and names with passwords."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from dtedask.core.errors import UnauthorizedError
from dtedask.serve.access.document import BasicDocument, BearerDocument
from dtedask.serve.access.identity import Identity
from dtedask.serve.access.secret import check_password, digest, hash_password, read_secret

__all__ = ["Passwords", "Tokens"]

_REMEMBERED = 1024
_REFUSED = "These credentials are not known."


class Tokens:
    """Tokens, of which only the hashes are kept.

    Parameters
    ----------
    known : iterable of (bytes, Identity)
        SHA-256 of each, and whose it is.
    """

    def __init__(self, known: Iterable[tuple[bytes, Identity]]) -> None:
        self._known = dict(known)

    @classmethod
    def of(cls, document: BearerDocument, folder: Path) -> Tokens:
        """Read the tokens of a document in a folder."""
        found = []
        for one in document.tokens:
            if one.sha256 is not None:
                hashed = bytes.fromhex(one.sha256)
            else:
                place = folder / one.file if one.file else None
                hashed = digest(read_secret(environment=one.environment, file=place, what=f"the token of {one.user!r}"))
            found.append((hashed, Identity(one.user, one.realm, frozenset(one.roles))))
        return cls(found)

    def identity(self, token: str) -> Identity | None:
        """Whose a token is; None where nobody has it."""
        hashed = digest(token)
        # Who guesses does not choose the hash, so the time of finding it tells nothing of the tokens.
        for known, identity in self._known.items():
            if hmac.compare_digest(known, hashed):
                return identity
        return None


class Passwords:
    """Names with passwords.

    Checking a hash of scrypt takes tens of milliseconds of a core, for names that do not exist too. What was right is
    remembered, by a hash that this process alone can make.

    Parameters
    ----------
    known : iterable of (str, check, Identity)
        Name, what the password is compared with, and who it is.
    """

    def __init__(self, known: Iterable[tuple[str, _Check, Identity]]) -> None:
        self._known = {name: (check, identity) for name, check, identity in known}
        self._nobody = _Check(scrypt=hash_password(secrets.token_hex(16)))
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, Identity] = OrderedDict()
        self._lock = Lock()

    @classmethod
    def of(cls, document: BasicDocument, folder: Path) -> Passwords:
        """Read the users of a document in a folder."""
        found = []
        for one in document.users:
            if one.scrypt is not None:
                check = _Check(scrypt=one.scrypt)
            else:
                place = folder / one.file if one.file else None
                what = f"the password of {one.user!r}"
                check = _Check(plain=digest(read_secret(environment=one.environment, file=place, what=what)))
            found.append((one.user, check, Identity(one.user, one.realm, frozenset(one.roles))))
        return cls(found)

    def identity(self, user: str, password: str) -> Identity:
        """Who has a name and password.

        Raises
        ------
        UnauthorizedError
            If nobody has; it does not say whether there is such a user.
        """
        seal = hmac.digest(self._key, f"{user}\0{password}".encode("utf-8", "surrogatepass"), "sha256")
        with self._lock:
            known = self._right.get(seal)
        if known is not None:
            return known
        check, identity = self._known.get(user, (self._nobody, None))
        if not check.is_right(password) or identity is None:
            raise UnauthorizedError(_REFUSED)
        with self._lock:
            self._right[seal] = identity
            while len(self._right) > _REMEMBERED:
                self._right.popitem(last=False)
        return identity

    def identity_of(self, credentials: str) -> Identity:
        """Who has the credentials of a header; as `identity`."""
        try:
            text = base64.b64decode(credentials, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise UnauthorizedError("The credentials of the header are not written as Basic wants it.") from None
        user, colon, password = text.partition(":")
        if not colon:
            raise UnauthorizedError("The credentials of the header are not written as Basic wants it.")
        return self.identity(user, password)


class _Check:
    """What a password is compared with."""

    __slots__ = ("_plain", "_scrypt")

    def __init__(self, *, scrypt: str = "", plain: bytes = b"") -> None:
        self._scrypt = scrypt
        self._plain = plain

    def is_right(self, password: str) -> bool:
        try:
            if self._scrypt:
                return check_password(password, self._scrypt)
            return hmac.compare_digest(digest(password), self._plain)
        except UnicodeEncodeError:
            return False
