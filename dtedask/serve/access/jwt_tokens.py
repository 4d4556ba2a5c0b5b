"""Tokens that a trusted proxy signs: JSON Web Tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dtedask.core.errors import DocumentError, MissingExtraError, UnauthorizedError
from dtedask.serve.access.document import JwtDocument
from dtedask.serve.access.identity import Identity
from dtedask.serve.access.secret import read_secret

__all__ = ["JwtTokens"]

_SHORTEST = 32
_LONGEST = 16_384


class JwtTokens:
    """Reads tokens and checks their signature, times, issuer and audience.

    Parameters
    ----------
    document : JwtDocument
        What is accepted.
    folder : pathlib.Path
        Folder of the document, to which its paths are relative.
    """

    def __init__(self, document: JwtDocument, folder: Path) -> None:
        self._document = document
        self._jwks = _Jwks(folder / document.jwks) if document.jwks else None
        self._key: Any = None
        if document.secret is not None:
            place = folder / document.secret.file if document.secret.file else None
            secret = read_secret(environment=document.secret.environment, file=place, what="the secret of JWT")
            if len(secret.encode()) < _SHORTEST:
                raise DocumentError(
                    f"The secret of JWT has {len(secret.encode())} bytes, and could be guessed.",
                    hint=f"Take at least {_SHORTEST}.",
                )
            self._key = secret
        elif document.public_key is not None:
            self._key = _public_key(folder / document.public_key)
        usual = ["HS256"] if document.secret is not None else ["RS256", "ES256"]
        self._algorithms: list[str] = list(document.algorithms) or usual
        _jwt()

    def identity(self, token: str) -> Identity:
        """Who is named by a token.

        Raises
        ------
        UnauthorizedError
            If it is not signed by the proxy, has ended or has not begun, or is for others.
        """
        claims = self._claims(token)
        names = self._document.claims
        user = next((found for name in names.user if (found := _at(claims, name)) is not None), None)
        if not isinstance(user, str) or not user or not user.isprintable():
            raise UnauthorizedError(f"The token names no user: it has no claim {' or '.join(names.user)}.")
        realm = _at(claims, names.realm) or self._document.realm or ""
        roles = _at(claims, names.roles) or []
        listed = roles.split() if isinstance(roles, str) else roles
        if (
            not isinstance(realm, str)
            or not isinstance(listed, list)
            or not all(isinstance(one, str) for one in listed)
        ):
            raise UnauthorizedError("The realm of the token is no text, or its roles are no list of texts.")
        return Identity(user, realm, frozenset(listed))

    def _claims(self, token: str) -> Mapping[str, Any]:
        jwt = _jwt()
        if len(token) > _LONGEST:
            raise UnauthorizedError("The token is too long.")
        document = self._document
        try:
            found: Mapping[str, Any] = jwt.decode(
                token,
                self._key if self._jwks is None else self._jwks.key(jwt.get_unverified_header(token)),
                algorithms=self._algorithms,
                issuer=document.issuer,
                audience=document.audience,
                leeway=document.leeway_s,
                options={"require": ["exp"]},
            )
        except jwt.ExpiredSignatureError:
            raise UnauthorizedError("The token has ended.", hint="Get a new one.") from None
        except (jwt.PyJWTError, RecursionError, ValueError) as error:
            # The name of the error says what is wrong, its text may quote the token.
            raise UnauthorizedError(f"The token is not accepted ({type(error).__name__}).") from None
        return found


class _Jwks:
    """Public keys in a file, which is read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser()
        self._modified = 0
        self._keys: dict[str, Any] = {}
        self._read()

    def key(self, header: Mapping[str, Any]) -> Any:
        name = header.get("kid")
        if name is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        if name not in self._keys:
            with suppress(OSError, DocumentError):  # it is being written; the keys that are known stay good
                if self._path.stat().st_mtime_ns != self._modified:
                    self._read()
        if not isinstance(name, str) or name not in self._keys:
            raise UnauthorizedError("The token names a key that is not known here.")
        return self._keys[name]

    def _read(self) -> None:
        jwt = _jwt()
        text = read_secret(environment=None, file=self._path, what="the public keys of JWT")
        try:
            keys = jwt.PyJWKSet.from_dict(json.loads(text)).keys
        except (jwt.PyJWTError, ValueError, AttributeError, TypeError) as error:
            text = f"The file {str(self._path)!r} is no JSON Web Key Set ({type(error).__name__})."
            raise DocumentError(text) from None
        self._modified = self._path.stat().st_mtime_ns
        self._keys = {key.key_id or "": key for key in keys if key.key_type != "oct"}


def _public_key(path: Path) -> str:
    text = read_secret(environment=None, file=path, what="the public key of JWT")
    if "PUBLIC KEY" not in text and "CERTIFICATE" not in text:
        raise DocumentError(
            f"The file {str(path)!r} holds no public key in PEM.", hint="Keep the private one elsewhere."
        )
    return text


def _at(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _jwt() -> Any:
    try:
        import jwt
    except ImportError as error:
        raise MissingExtraError("Tokens of a proxy need pyjwt.", hint="pip install 'dtedask[serve]'") from error
    return jwt
