"""The delivery `http`: products are put or posted to a server, with their checksum."""

from __future__ import annotations

import base64
import http.client
import os
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import IO, Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, field_validator, model_validator

from dtedask.core.errors import DeliveryError
from dtedask.products.deliveries.checksum import checksum_of_bytes
from dtedask.products.deliveries.contents import media_type_of, path_of
from dtedask.products.deliveries.manifest import Known, delivery_id
from dtedask.products.deliveries.places import safe_name
from dtedask.products.delivery import Content, Delivery, DeliveryOptions, Receipt

__all__ = ["HttpDelivery", "HttpOptions"]

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_SECRET = ("authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token", "private-token")
_PASSING = (408, 423, 425, 429)  # all of 5xx too
_NEVER = (501, 505)
_RACES = 20
_JSON_LINES = "application/jsonl"


class HttpOptions(DeliveryOptions):
    """Products are sent to an HTTP server, each with its SHA-256 and a key by which a repetition is known."""

    type: Literal["http"] = "http"
    url: str
    """Where to. ``{file}`` stands for the product's name; without it a name is added by ``PUT``, and ``POST`` says it
    in ``Content-Disposition``. ``$VARIABLE`` stands for an environment variable, wherever secrets are needed."""
    method: Literal["POST", "PUT"] = "POST"
    """What the server expects."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers, such as ``Authorization: Bearer $TOKEN``; ``$VARIABLE`` stands for an environment variable."""
    timeout_s: Annotated[float, Field(gt=0)] = 60.0
    """Seconds after which a server that does not answer is given up."""
    manifest: bool = True
    """Send the lines of the manifest too: by ``PUT`` the whole file, by ``POST`` what is new."""

    @field_validator("url")
    @classmethod
    def _is_of_a_server(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("it must begin with http:// or https:// and name a server.")
        if "@" in parts.netloc:
            raise ValueError("it holds a password; give it as a header, `Authorization: Basic $VARIABLE`.")
        return quote(url, safe="%/:?#[]@!$&'()*+,;={}~")

    @model_validator(mode="after")
    def _has_no_secrets(self) -> HttpOptions:
        for name, value in self.headers.items():
            if name.lower() in _SECRET and not _VARIABLE.search(value):
                raise ValueError(f"the header {name!r} holds a secret; write $VARIABLE and set it in the environment.")
        return self

    def __hash__(self) -> int:
        return hash((self.url, self.method, tuple(sorted(self.headers.items()))))

    @property
    def target(self) -> str:
        """See `DeliveryOptions`."""
        return self.url


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Message
    body: bytes


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would send a product, and its secrets, where nobody said."""

    def redirect_request(self, *_: Any) -> None:
        """See `urllib.request.HTTPRedirectHandler`."""


class HttpDelivery(Delivery):
    """Sends a product in one request; a server that checks ``Repr-Digest`` takes it whole or not at all.

    `Idempotency-Key` is the same for the same content of the same product, however often it is sent.
    """

    Options = HttpOptions

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._opener = urllib.request.build_opener(_NoRedirects)

    def deliver(self, content: Content) -> Receipt:
        """See `Delivery`."""
        path, name = path_of(content), safe_name(content.product)
        if path.is_dir():
            raise DeliveryError(
                f"The product {content.product.id} is a folder, which cannot be sent to {self.options.url!r} whole.",
                hint="Give it a format of one file, such as netcdf, or deliver it to a folder or bucket.",
                is_lasting=True,
            )
        headers = {
            **_checksum_headers(content.checksum),
            "Content-Type": media_type_of(content),
            "Content-Length": str(content.size_bytes),
            "Idempotency-Key": f'"{delivery_id(content, self.options.target)}"',
            "Dtedask-Product": quote(content.product.id, safe="/"),
            "Dtedask-Digest": content.digest,
        }
        with path.open("rb") as file:
            answer = self._send(self.options.method, name, headers, file, what=content.product.id)
        place = answer.headers.get("Location") or self._shown(name)
        is_new = answer.headers.get("Idempotent-Replayed", "").lower() != "true"
        return Receipt(place, content.checksum, content.size_bytes, datetime.now(UTC), is_new=is_new)

    def record(self, name: str, lines: Sequence[str]) -> None:
        """See `Delivery`."""
        if not self.options.manifest:
            return
        if self.options.method == "POST":
            self._send_lines(name, lines, {})
            return
        for _ in range(_RACES):
            there = self._send("GET", name, {}, None, what=f"manifest {name}", passes=(404, 410))
            old = there.body.decode().splitlines() if there.status == 200 else []
            known = Known(self._shown(name))
            known.read(old)
            new = known.missing(lines)
            tag = there.headers.get("ETag")
            only = {"If-Match": tag} if tag and old else {} if old else {"If-None-Match": "*"}
            if not new or self._send_lines(name, [*old, *new], only).status != 412:
                return
        raise DeliveryError(f"The manifest {self._shown(name)!r} is changed by others again and again.")

    def _send_lines(self, name: str, lines: Iterable[str], headers: Mapping[str, str]) -> _Answer:
        data = "".join(f"{line}\n" for line in lines).encode()
        checksum = checksum_of_bytes(data)
        said = {**_checksum_headers(checksum), "Content-Type": _JSON_LINES, "Content-Length": str(len(data))}
        key = {"Idempotency-Key": f'"{checksum[7:39]}"'}
        return self._send(
            self.options.method, name, {**said, **key, **headers}, data, what=f"manifest {name}", passes=(412,)
        )

    def _send(
        self,
        method: str,
        name: str,
        headers: Mapping[str, str],
        data: IO[bytes] | bytes | None,
        *,
        what: str,
        passes: Sequence[int] = (),
    ) -> _Answer:
        """Send one request; answers other than 2xx and those that may pass are errors."""
        own = {key: _resolved(value, self.options.url) for key, value in self.options.headers.items()}
        if method == "POST":
            headers = {**headers, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
        url = _resolved(self._shown(name), self.options.url)
        request = urllib.request.Request(url, data, {**headers, **own}, method=method)
        try:
            answer = self._answer(request)
        except (OSError, http.client.HTTPException) as error:
            raise _unreached(what, self._shown(name), error) from error
        if not 200 <= answer.status < 300 and answer.status not in passes:
            raise _refused(what, self._shown(name), answer)
        return answer

    def _answer(self, request: urllib.request.Request) -> _Answer:
        try:
            with closing(self._opener.open(request, timeout=self.options.timeout_s)) as answer:
                return _Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with closing(error):
                return _Answer(error.code, error.headers, error.read())

    def _shown(self, name: str) -> str:
        """The URL of a name, without the values of environment variables."""
        url = str(self.options.url)
        if "{file}" in url:
            return url.replace("{file}", quote(name))
        return f"{url.rstrip('/')}/{quote(name)}" if self.options.method == "PUT" else url


def _checksum_headers(checksum: str) -> dict[str, str]:
    """As RFC 9530 has it, and RFC 3230 before it."""
    digest = base64.b64encode(bytes.fromhex(checksum.removeprefix("sha256:"))).decode()
    return {
        "Repr-Digest": f"sha-256=:{digest}:",
        "Content-Digest": f"sha-256=:{digest}:",
        "Digest": f"SHA-256={digest}",
    }


def _resolved(text: str, url: str) -> str:
    """A text with the values of its environment variables."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in os.environ:
            raise DeliveryError(
                f"The delivery to {url!r} needs the environment variable {name!r}, which is not set.",
                hint=f"Set {name}.",
                is_lasting=True,
            )
        return os.environ[name]

    return _VARIABLE.sub(value, text)


def _refused(what: str, url: str, answer: _Answer) -> DeliveryError:
    status = answer.status
    passing = status in _PASSING or (status >= 500 and status not in _NEVER)
    said = answer.body[:200].decode(errors="replace").strip()
    hint = "It is tried again." if passing else "Look at the URL, the headers, and what the server says."
    if status in (301, 302, 303, 307, 308):
        hint = f"It sends elsewhere: if that is right, write {answer.headers.get('Location', '')!r}."
    phrase = http.client.responses.get(status, "")
    return DeliveryError(
        f"{what} cannot be delivered to {url!r}: {status} {phrase}".rstrip() + (f": {said}" if said else "."),
        hint=hint,
        is_lasting=not passing,
        wait_s=_wait_s(answer.headers.get("Retry-After", "")),
    )


def _unreached(what: str, url: str, error: Exception) -> DeliveryError:
    reason = getattr(error, "reason", None) or error
    return DeliveryError(
        f"{what} cannot be delivered to {url!r}: {reason or type(error).__name__}.",
        hint="Check that the server answers.",
        is_lasting=isinstance(reason, ssl.SSLCertVerificationError),
    )


def _wait_s(text: str) -> float:
    """Seconds that a server asks to wait: it gives them, or a date."""
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
