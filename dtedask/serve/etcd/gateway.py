"""The five routes of etcd's gateway that clients of Aviso 1 use."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from dtedask.core.errors import DtedaskError, ForbiddenError, NotificationError, UnauthorizedError
from dtedask.core.settings import setting
from dtedask.serve.access import ANYBODY, Access, Identity
from dtedask.serve.etcd.index import Index
from dtedask.serve.etcd.keyspace import CONFIGURATION, Keyspace, Write
from dtedask.serve.etcd.layouts import NOTHING, layouts_of
from dtedask.serve.etcd.schema import SCHEMA_FOLDER, read_schema, schema_files
from dtedask.serve.etcd.wire import (
    GatewayError,
    RangeRequest,
    camel_or_snake,
    key_of,
    list_of,
    number,
    read_body,
    text,
    to_bytes,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from dtedask.notify.event_types import EventTypes
    from dtedask.notify.filters import Filter
    from dtedask.notify.streams import Streams
    from dtedask.serve.etcd.values import Sees, What

__all__ = ["EtcdGateway"]

_ADMINISTRATION = "/ec/admin/"
_BODY_LIMIT = 4 << 20
_TOKEN_S = 300.0
_TOKENS = 10_000
_KEEP_EACH_S = 1.0

logger = logging.getLogger(__name__)

Handler = Callable[[Identity, Mapping[str, Any]], dict[str, Any]]


class EtcdGateway:
    """Gives a log of notifications to clients of Aviso 1, which believe that they talk to etcd.

    Parameters
    ----------
    streams : Streams
        The log.
    access : Access, optional
        Who may do what; by default everyone may do everything.
    state : Path, optional
        File that remembers revisions, and what clients keep besides notifications; by default it lasts as long as the
        process.
    body_limit : int
        Largest body of a request, in bytes.
    clock : callable () -> float
        Seconds since 1970.
    """

    def __init__(
        self,
        streams: Streams,
        access: Access | None = None,
        *,
        state: Path | None = None,
        body_limit: int = _BODY_LIMIT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        schema_file = setting("notify.etcd.schema")
        given = None if schema_file is None else read_schema(Path(schema_file).expanduser())
        self._types = cast("EventTypes", streams.types)
        self._access = access or Access()
        self._body_limit = body_limit
        self._folder = TemporaryDirectory(prefix="dtedask-etcd-") if state is None else None
        path = Path(self._folder.name, "etcd.sqlite") if self._folder else state
        assert path is not None
        layouts = layouts_of(self._types, given)
        self._keys = Keyspace(streams, Index(path), layouts, clock=clock)
        for key, content in schema_files(self._types, layouts, given).items():
            self._keys.keep_file(key.encode(), content)
        self._tokens = _Tokens()
        self._is_over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="dtedask-etcd", daemon=True)
        name = hashlib.sha256(str(path).encode()).digest()
        self._names = {"cluster_id": _number(name[:8]), "member_id": _number(name[8:16])}

    @property
    def routes(self) -> list[Route]:
        """Routes for an application."""
        handlers: dict[str, Handler] = {
            "kv/range": self._range,
            "kv/txn": self._txn,
            "kv/deleterange": self._delete_range,
            "lease/grant": self._grant,
            "auth/authenticate": self._authenticate,
        }
        return [
            Route(f"/v3/{path}", self._endpoint(handler, path), methods=["POST"], include_in_schema=False)
            for path, handler in handlers.items()
        ]

    def start(self) -> None:
        """Take notice of what is written, and of leases that end, also while nobody asks."""
        self._keeper.start()

    def close(self) -> None:
        """Close the file of revisions."""
        self._is_over.set()
        self._keys.close()
        if self._keeper.is_alive():
            self._keeper.join()
        if self._folder is not None:
            self._folder.cleanup()

    def _keep(self) -> None:
        while not self._is_over.is_set():
            try:
                self._keys.catch_up()
            except DtedaskError as error:
                logger.warning("The keys for clients of Aviso 1 are not up to date: %s", error)
            self._is_over.wait(_KEEP_EACH_S)

    def _endpoint(self, handler: Handler, path: str) -> Callable[[Request], Any]:
        is_login = path == "auth/authenticate"

        async def endpoint(request: Request) -> Response:
            body = bytearray()
            async for chunk in request.stream():
                body += chunk
                if len(body) > self._body_limit:
                    message = f"The body has more than {self._body_limit} bytes."
                    return JSONResponse({"error": message, "message": message, "code": 8}, 413)
            headers = {name.lower(): value for name, value in request.headers.items()}
            answer, status = await run_in_threadpool(self._answer, handler, headers, bytes(body), is_login)
            return JSONResponse(answer, status)

        return endpoint

    def _answer(
        self, handler: Handler, headers: Mapping[str, str], body: bytes, is_login: bool
    ) -> tuple[dict[str, Any], int]:
        try:
            identity = ANYBODY if is_login else self._identify(headers)
            return handler(identity, read_body(body)), 200
        except GatewayError as error:
            problem = error
        except UnauthorizedError:
            problem = GatewayError(3, "etcdserver: user name is empty")
        except ForbiddenError:
            problem = _denied()
        except NotificationError as error:
            problem = GatewayError(3, str(error))
        except DtedaskError as error:
            problem = GatewayError(14, str(error))
        return problem.body(), problem.status

    def _identify(self, headers: Mapping[str, str]) -> Identity:
        shown = headers.get("authorization", "")
        identity = self._tokens.find(shown) if shown and not self._access.is_open else None
        if identity is not None:
            return identity
        try:
            return self._access.authenticate(headers)
        except UnauthorizedError as error:
            raise GatewayError(16, "etcdserver: invalid auth token") from error

    def _authenticate(self, _anybody: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        if self._access.is_open:
            raise GatewayError(9, "etcdserver: authentication is not enabled")
        try:
            identity = self._access.login(str(body.get("name") or ""), str(body.get("password") or ""))
        except UnauthorizedError as error:
            raise GatewayError(3, "etcdserver: authentication failed, invalid user ID or password") from error
        return {"header": self._header(0), "token": self._tokens.make(identity)}

    def _range(self, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        request = RangeRequest.read(body)
        asked = [self._types[name] for name in self._keys.event_types_in(request)]
        if asked and not any(self._access.may_read(identity, event_type) for event_type in asked):
            self._access.check_read(identity, asked[0])
        found = self._keys.range(request, self._sees(identity))
        answer: dict[str, Any] = {"header": self._header(found.revision)}
        if found.keys:
            answer["kvs"] = [one.as_dict() for one in found.keys]
        if found.has_more:
            answer["more"] = True
        if found.count:
            answer["count"] = text(found.count)
        return answer

    def _txn(self, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        if list_of(body, "compare") or list_of(body, "failure"):
            raise GatewayError(12, "transactions with conditions are not served here")
        writes: list[Write] = []
        removals: list[RangeRequest] = []
        kinds: list[str] = []
        for operation in list_of(body, "success"):
            put, removal = (camel_or_snake(operation, f"request_{kind}") for kind in ("put", "delete_range"))
            if isinstance(put, Mapping):
                writes.append(self._write(identity, put))
                kinds.append("response_put")
            elif isinstance(removal, Mapping):
                removals.append(self._removal(identity, removal))
                kinds.append("response_delete_range")
            else:
                raise GatewayError(12, "transactions put and delete keys here, and nothing else")
        if len({write.key for write in writes}) < len(writes) or any(
            _is_in(write.key, removal) for write in writes for removal in removals
        ):
            raise GatewayError(3, "etcdserver: duplicate key given in txn request")
        before, revision, removed = self._keys.write(writes, removals)
        counts = iter(removed)
        responses = []
        seen = before  # what was removed, or not, is told with the revision of that moment
        for kind in kinds:
            count = next(counts) if kind == "response_delete_range" else 0
            seen = revision if count or kind == "response_put" else seen
            deleted = {"deleted": text(count)} if count else {}
            responses.append({kind: {"header": {"revision": text(seen)}, **deleted}})
        answer = {"header": self._header(revision), "succeeded": True}
        return {**answer, "responses": responses} if responses else answer

    def _delete_range(self, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        request = self._removal(identity, body)
        revision, before = self._keys.remove(request, self._sees(identity))
        answer: dict[str, Any] = {"header": self._header(revision)}
        if before:
            answer["deleted"] = text(len(before))
            if camel_or_snake(body, "prev_kv"):
                answer["prev_kvs"] = [one.as_dict() for one in before]
        return answer

    def _grant(self, identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
        if identity.is_anonymous and not self._access.is_open:
            raise UnauthorizedError("Only who says who he is gets a lease.")
        ttl_s = max(number(body, "TTL"), 1)
        lease, revision = self._keys.grant(number(body, "ID"), ttl_s)
        return {"header": self._header(revision), "ID": text(lease), "TTL": text(ttl_s)}

    def _write(self, identity: Identity, put: Mapping[str, Any]) -> Write:
        key, value, lease = key_of(put), to_bytes(put, "value"), number(put, "lease")
        if key.startswith(CONFIGURATION):
            self._check_administers(identity)
            return Write(key, lease, value)
        name = _decoded(key)
        if name.startswith(_ADMINISTRATION):
            return Write(key, lease, None)
        found = self._keys.layout_of(name)
        if found is None:
            folders = ", ".join(layout.base for layout in self._keys.layouts.values())
            raise GatewayError(3, f"The key {name!r} is none of a notification; these have keys below {folders}.")
        layout, identifier = found
        event_type = self._types[layout.event_type]
        if identifier is None:
            return Write(key, lease, None)
        payload = _decoded(value)
        draft = event_type.draft(identifier, None if payload == NOTHING else payload)
        self._access.check_write(identity, event_type, draft.identifier)
        return Write(key, lease, draft)

    def _removal(self, identity: Identity, body: Mapping[str, Any]) -> RangeRequest:
        self._check_administers(identity)
        return RangeRequest(key_of(body), to_bytes(body, "range_end"))

    def _check_administers(self, identity: Identity) -> None:
        if not self._access.may_administer(identity):
            raise UnauthorizedError("Who are you?") if identity.is_anonymous else _denied()

    def _sees(self, identity: Identity) -> Sees:
        allowed: dict[str, tuple[bool, Filter | None]] = {}
        sees_files = self._access.is_open or not identity.is_anonymous

        def sees(what: What) -> bool:
            if isinstance(what, bytes):
                return sees_files or what.startswith(SCHEMA_FOLDER.encode())
            name = what if isinstance(what, str) else what.event_type
            if name not in allowed:
                event_type = self._types[name]
                may = self._access.may_read(identity, event_type)
                allowed[name] = (may, self._access.filter_of(identity, event_type) if may else None)
            may, chosen = allowed[name]
            return may and (isinstance(what, str) or chosen is None or chosen.matches(what))

        return sees

    def _header(self, revision: int) -> dict[str, str]:
        given = {**self._names, "revision": text(revision), "raft_term": "1"}
        return {name: value for name, value in given.items() if value}


class _Tokens:
    """Tokens of those who have shown their password, valid for some minutes after the last use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Identity]] = {}

    def make(self, identity: Identity) -> str:
        token = secrets.token_urlsafe(24)
        with self._lock:
            now = time.monotonic()
            if len(self._known) >= _TOKENS:
                self._known = {name: one for name, one in self._known.items() if one[0] > now}
            if len(self._known) >= _TOKENS:
                self._known.pop(next(iter(self._known)))
            self._known[token] = (now + _TOKEN_S, identity)
        return token

    def find(self, token: str) -> Identity | None:
        with self._lock:
            ends, identity = self._known.pop(token, (0.0, ANYBODY))
            if ends <= time.monotonic():
                return None
            self._known[token] = (time.monotonic() + _TOKEN_S, identity)
            return identity


def _denied() -> GatewayError:
    return GatewayError(7, "etcdserver: permission denied")


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise GatewayError(3, f"Keys and payloads of notifications are texts in UTF-8: {error}.") from error


def _is_in(key: bytes, request: RangeRequest) -> bool:
    if not request.range_end:
        return key == request.key
    return key >= request.key and (request.range_end == b"\0" or key < request.range_end)


def _number(data: bytes) -> str:
    return str(int.from_bytes(data, "big"))
