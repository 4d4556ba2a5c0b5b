"""The document of access: who is who, and what roles see. Secrets do not stand in it, but their hashes or places."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from dtedask.serve.access.secret import is_password_hash

__all__ = ["AccessDocument", "BasicDocument", "BearerDocument", "JwtDocument", "RoleDocument", "Secret"]

Part = TypeVar("Part", bound=BaseModel)
Algorithm = Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]


def _token_hash(value: Any) -> Any:
    """Check a hash without ever showing it: who mistakes the key may have written the secret itself."""
    is_hash = isinstance(value, str) and len(value) == 64 and set(value.lower()) <= set("0123456789abcdef")
    if value is not None and not is_hash:
        raise ValueError("this is no SHA-256 of 64 hexadecimal digits; `printf %s TOKEN | sha256sum` gives one.")
    return value.lower() if is_hash else None


def _password_hash(value: Any) -> Any:
    if value is not None and not (isinstance(value, str) and is_password_hash(value)):
        raise ValueError("this is no hash of a password; dtedask.serve.access.hash_password makes one.")
    return value


def _name(value: Any) -> Any:
    if not isinstance(value, str) or not value or not value.isprintable() or ":" in value or len(value) > 200:
        raise ValueError("this is no name of a user; take printable characters, and no colon.")
    return value


def _variable(value: Any) -> Any:
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value)):
        raise ValueError("this is no name of a variable of the environment.")
    return value


def _path(value: Any) -> Any:
    if value is not None and not (isinstance(value, str | os.PathLike) and os.fspath(value)):
        raise ValueError("this is no path of a file.")
    return value


def _list(value: Any) -> Any:
    if not isinstance(value, list) or not value:
        raise ValueError("this must be a list of mappings, with at least one.")
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _roles(value: Any) -> Any:
    return {"*": value} if isinstance(value, list) else value


TokenHash = Annotated[
    str | None, BeforeValidator(_token_hash), WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"})
]
PasswordHash = Annotated[str | None, BeforeValidator(_password_hash), WithJsonSchema({"type": "string"})]
UserName = Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "string"})]
VariableName = Annotated[str | None, BeforeValidator(_variable), WithJsonSchema({"type": "string"})]
FilePath = Annotated[Path | None, BeforeValidator(_path), WithJsonSchema({"type": "string"})]
Words = Annotated[list[str], BeforeValidator(_listed)]
RolesByRealm = Annotated[dict[str, list[str]], BeforeValidator(_roles)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping(cls, data: Any) -> Any:
        """Say so without showing what is there instead: it may be a secret."""
        if not isinstance(data, Mapping | BaseModel):
            raise ValueError("this must be a mapping of keys.")
        return data


class Secret(_Part):
    """Where a secret is."""

    environment: VariableName = None
    """Variable of the environment that holds it."""
    file: FilePath = None
    """File that holds it, relative to the document; white space around it is left out."""

    @model_validator(mode="after")
    def _is_one(self) -> Secret:
        return _with_one_of(self, "environment", "file")


class _Person(_Part):
    user: UserName
    """Name of the user."""
    realm: str = "local"
    """Realm of the user."""
    roles: Words = []
    """Roles of the user."""
    environment: VariableName = None
    """Variable of the environment that holds the secret."""
    file: FilePath = None
    """File that holds the secret, relative to the document."""


class TokenDocument(_Person):
    """A token, and whose it is."""

    sha256: TokenHash = Field(None, repr=False)
    """SHA-256 of the token, in hexadecimal digits; the token must be long and random."""

    @model_validator(mode="after")
    def _is_one(self) -> TokenDocument:
        return _with_one_of(self, "sha256", "environment", "file")


class UserDocument(_Person):
    """A user with a password."""

    scrypt: PasswordHash = Field(None, repr=False)
    """Hash of the password, as `dtedask.serve.access.hash_password` makes it."""

    @model_validator(mode="after")
    def _is_one(self) -> UserDocument:
        return _with_one_of(self, "scrypt", "environment", "file")


class BearerDocument(_Part):
    """Tokens that stand in the header `Authorization: Bearer`."""

    tokens: Annotated[list[TokenDocument], BeforeValidator(_list)]
    """The tokens."""


class BasicDocument(_Part):
    """Names and passwords, in the header `Authorization: Basic`."""

    users: Annotated[list[UserDocument], BeforeValidator(_list)]
    """The users."""

    @model_validator(mode="after")
    def _are_different(self) -> BasicDocument:
        names = [user.user for user in self.users]
        if len(set(names)) < len(names):
            raise ValueError(f"the user {next(name for name in names if names.count(name) > 1)!r} is there twice.")
        return self


class ClaimsDocument(_Part):
    """Where a JWT says who it is; a point leads into an object, as in `realm_access.roles`."""

    user: Words = ["username", "sub"]
    """Claims with the name of the user; the first that is there."""
    realm: str = "realm"
    """Claim with the realm."""
    roles: str = "roles"
    """Claim with the roles: a list, or words with spaces between them."""


class JwtDocument(_Part):
    """Tokens that a trusted proxy signs, in the header `Authorization: Bearer`."""

    secret: Secret | None = None
    """Secret that both sides know, for HS256 and so on: at least 32 characters."""
    public_key: FilePath = None
    """File with the public key, PEM."""
    jwks: FilePath = None
    """File with public keys, JSON Web Key Set; it is read again when a token names a key that is not there."""
    algorithms: Annotated[list[Algorithm], BeforeValidator(_listed)] = []
    """Signatures that are accepted; by default HS256 with a secret, RS256 and ES256 with public keys."""
    issuer: str | None = None
    """Who must have made it."""
    audience: str | None = None
    """Whom it must be for; tokens for somebody are refused where this is not given."""
    leeway_s: float = Field(0.0, ge=0, le=300)
    """Seconds by which the clocks may differ."""
    claims: ClaimsDocument = ClaimsDocument()
    """Where it says who it is."""
    realm: str | None = None
    """Realm of all users, where the tokens do not say it."""

    @model_validator(mode="after")
    def _is_one(self) -> JwtDocument:
        _with_one_of(self, "secret", "public_key", "jwks")
        symmetric = [name for name in self.algorithms if name.startswith("HS")]
        if self.secret is None and symmetric:
            raise ValueError(f"{symmetric[0]} needs a secret: with a public key anybody could sign.")
        if self.secret is not None and len(symmetric) < len(self.algorithms):
            raise ValueError("with a secret the algorithms are HS256, HS384 and HS512.")
        return self


class RoleDocument(_Part):
    """What who has a role sees, and may send."""

    filters: dict[str, dict[str, Any]] = {}
    """Filters by event type, or by pattern of event types. `data` also stands for all types of commits."""


class AccessDocument(_Part):
    """Who may read and send which notifications."""

    bearer: BearerDocument | None = None
    """Tokens."""
    basic: BasicDocument | None = None
    """Names and passwords."""
    jwt: JwtDocument | None = None
    """Tokens that a trusted proxy signs."""
    admin_roles: RolesByRealm = {}
    """Roles by realm that may do everything, delete notifications too; a list for any realm."""
    open_types: bool = False
    """Whether everybody may read and send event types that say nothing of access, as in aviso-server."""
    roles: dict[str, RoleDocument] = {}
    """What roles see, by name."""

    @model_validator(mode="after")
    def _has_a_scheme(self) -> AccessDocument:
        if self.bearer is None and self.basic is None and self.jwt is None:
            raise ValueError("nobody can say who he is; give bearer, basic or jwt.")
        return self

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON schema of the document."""
        return cls.model_json_schema()


def _with_one_of(part: Part, *names: str) -> Part:
    given = [name for name in names if getattr(part, name) is not None]
    if len(given) != 1:
        raise ValueError(f"exactly one of {', '.join(names)} is needed, and there are {len(given)}.")
    return part
