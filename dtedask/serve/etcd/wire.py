"""What etcd's gateway reads and writes: JSON, bytes as base64, whole numbers as texts, and nothing where it is zero."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["GatewayError", "KeyValue", "RangeRequest", "camel_or_snake", "number", "read_body", "text", "to_bytes"]

_HTTP = {3: 400, 5: 404, 7: 403, 9: 412, 11: 400, 12: 501, 13: 500, 14: 503, 16: 401}
_ORDERS = ("NONE", "ASCEND", "DESCEND")
_TARGETS = ("KEY", "VERSION", "CREATE", "MOD", "VALUE")


class GatewayError(Exception):
    """An answer of etcd's gateway that says what is wrong.

    Parameters
    ----------
    code : int
        Code of gRPC, which decides the status of HTTP.
    message : str
        What etcd says then, where it says something.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = _HTTP[code]

    def body(self) -> dict[str, Any]:
        """Give the answer."""
        return {"error": str(self), "message": str(self), "code": self.code}


@dataclass(frozen=True, slots=True)
class RangeRequest:
    """Which keys are asked for.

    Parameters
    ----------
    key : bytes
        The key, or the first one.
    range_end : bytes
        Behind the last one; empty for one key, a zero byte for all that follow.
    revision : int
        As it was then; 0 for now.
    limit : int
        At most so many; 0 for all.
    order, target : str
        How they are sorted, and by what.
    keys_only, count_only : bool
        Whether values, or everything, is left out.
    mod, created : (int, int)
        First and last revision that they were changed and made at; 0 for any.
    """

    key: bytes
    range_end: bytes = b""
    revision: int = 0
    limit: int = 0
    order: str = "NONE"
    target: str = "KEY"
    keys_only: bool = False
    count_only: bool = False
    mod: tuple[int, int] = (0, 0)
    created: tuple[int, int] = (0, 0)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> RangeRequest:
        """Read it out of JSON."""
        return cls(
            key=key_of(body),
            range_end=to_bytes(body, "range_end"),
            revision=number(body, "revision"),
            limit=number(body, "limit"),
            order=_enum(body, "sort_order", _ORDERS, "SortOrder"),
            target=_enum(body, "sort_target", _TARGETS, "SortTarget"),
            keys_only=_flag(body, "keys_only"),
            count_only=_flag(body, "count_only"),
            mod=(number(body, "min_mod_revision"), number(body, "max_mod_revision")),
            created=(number(body, "min_create_revision"), number(body, "max_create_revision")),
        )


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One key and what it holds.

    Parameters
    ----------
    key, value : bytes
        The key and its value.
    created, modified : int
        Revisions at which it was made and changed last.
    version : int
        How often it was written since it was made.
    lease : int
        What it ends with; 0 for nothing.
    """

    key: bytes
    value: bytes
    created: int
    modified: int
    version: int
    lease: int = 0

    def as_dict(self) -> dict[str, str]:
        """Everything about it, ready for JSON."""
        given = {
            "key": base64.b64encode(self.key).decode(),
            "create_revision": text(self.created),
            "mod_revision": text(self.modified),
            "version": text(self.version),
            "value": base64.b64encode(self.value).decode(),
            "lease": text(self.lease),
        }
        return {name: value for name, value in given.items() if value}


def read_body(data: bytes) -> dict[str, Any]:
    """Read a request."""
    try:
        found = json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise GatewayError(3, f"invalid JSON: {error}") from error
    if not isinstance(found, dict):
        raise GatewayError(3, f"json: cannot unmarshal {_kind(found)} into Go value of type map[string]json.RawMessage")
    return found


def camel_or_snake(body: Mapping[str, Any], name: str) -> Any:
    """Give a field by either of its names."""
    first, *others = name.split("_")
    value = body.get(name)
    return value if value is not None else body.get(first + "".join(map(str.capitalize, others)))


def key_of(body: Mapping[str, Any]) -> bytes:
    """Give the key of a request, which must have one."""
    found = to_bytes(body, "key")
    if not found:
        raise GatewayError(3, "etcdserver: key is not provided")
    return found


def to_bytes(body: Mapping[str, Any], name: str) -> bytes:
    """Give bytes, none where the field is missing."""
    value = camel_or_snake(body, name)
    if value is None:
        return b""
    if not isinstance(value, str):
        raise GatewayError(3, f"json: cannot unmarshal {_kind(value)} into Go value of type []uint8")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise GatewayError(3, f"illegal base64 data in {name}: {error}") from error


def number(body: Mapping[str, Any], name: str) -> int:
    """Give a whole number, which may be written as a text; 0 where the field is missing."""
    value = camel_or_snake(body, name)
    if value is None:
        return 0
    try:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise TypeError(type(value).__name__)
        found = int(value)
        if not -(2**63) <= found < 2**63:
            raise OverflowError(found)
    except (ValueError, TypeError, OverflowError) as error:
        raise GatewayError(3, f"json: cannot unmarshal {value!r} into Go value of type int64") from error
    return found


def text(value: int) -> str:
    """Write a whole number as the gateway does; nothing for 0."""
    return str(value) if value else ""


def list_of(body: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """Give a list of mappings, empty where the field is missing."""
    found = camel_or_snake(body, name)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise GatewayError(3, f"json: cannot unmarshal {_kind(found)} into Go value of type []json.RawMessage")
    return found


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = camel_or_snake(body, name)
    if value is not None and not isinstance(value, bool):
        raise GatewayError(3, f"json: cannot unmarshal {_kind(value)} into Go value of type bool")
    return bool(value)


def _enum(body: Mapping[str, Any], name: str, known: Sequence[str], kind: str) -> str:
    value = camel_or_snake(body, name)
    if value is None:
        return known[0]
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(known):
        return known[value]
    if value not in known:
        raise GatewayError(3, f"unknown value {json.dumps(value)} for enum etcdserverpb.RangeRequest_{kind}")
    return str(value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return {str: "string", list: "array", dict: "object", type(None): "null"}[type(value)]
