"""Sending one HTTP request for an event: verified, bounded in time, and with its secrets kept out of all messages."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, model_validator

from dtedask.core.errors import TriggerError
from dtedask.notify.triggers.base import BaseTrigger
from dtedask.notify.triggers.templates import (
    Place,
    Rendering,
    TemplateWithSecrets,
    header_word,
    parts_of,
    url_word,
)

__all__ = ["HttpTrigger", "SecretName", "tls_context"]

_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token", "private-token")
_PASSING = (408, 423, 425, 429)  # and all of 5xx, but for
_NEVER = (501, 505)
_SHOWN = 4096
_URL_SIGNS = "%/:?#[]@!$&'()*+,;=~"


def _is_variable(text: str) -> str:
    parts = parts_of(text, secrets=True)
    if len(parts) != 1 or not isinstance(parts[0], Place) or parts[0].name.startswith("notification"):
        raise ValueError("it is a secret: write $NAME and set the variable NAME in the environment.")
    return text


SecretName = Annotated[str, AfterValidator(_is_variable)]
"""A secret: ``$NAME``, an environment variable that holds it."""


class HttpTrigger(BaseTrigger):
    """What the triggers that send a request have in common."""

    time_limit_s: ClassVar[float | None] = 30.0

    url: Annotated[TemplateWithSecrets, Field(repr=False)]
    """Where to. `$NAME` stands for an environment variable, `${id}` and `{{ notification.event_type }}` for what the
    event holds: in the path and the query, never in the name of the server."""
    headers: dict[str, TemplateWithSecrets] = Field(default_factory=dict, repr=False)
    """Further headers, such as `Authorization: Bearer $TOKEN`."""
    ca_bundle: str | None = None
    """File with the certificates of the authorities to trust, instead of those of this machine."""

    @model_validator(mode="after")
    def _says_where_to_and_no_secret(self) -> HttpTrigger:
        first = parts_of(self.url, secrets=True)[:1]
        parts = urlsplit(self.url)
        if not (first and isinstance(first[0], Place)) and parts.scheme not in ("http", "https"):
            raise ValueError(f"the url must begin with http:// or https://, not {self.url[:20]!r}.")
        if "@" in parts.netloc:
            raise ValueError("the url holds a password; give it as a header, `Authorization: Basic $NAME`.")
        for name, value in self.headers.items():
            if name.lower() in _SECRET_HEADERS and not any(isinstance(p, Place) for p in parts_of(value, secrets=True)):
                raise ValueError(f"the header {name!r} holds a secret; write $NAME and set NAME in the environment.")
        return self

    def send(self, method: str, body: bytes, headers: Mapping[str, str], rendering: Rendering) -> None:
        """Send a request; `headers` are ours, and those of the document take their places.

        Raises
        ------
        TriggerError
            If the answer is none of 2xx, or there is none in time.
        """
        url = rendering.text(self.url, url_word, secrets=True)
        own = {name: rendering.text(value, header_word, secrets=True) for name, value in self.headers.items()}
        given = {name.lower() for name in own}
        every = {**{name: value for name, value in headers.items() if name.lower() not in given}, **own}
        if urlsplit(url).scheme not in ("http", "https"):
            raise self._impossible()
        limit_s = self.limit_s or 30.0
        try:
            # Bytes of UTF-8 go out as they are.
            latin = {name: value.encode().decode("latin-1") for name, value in every.items()}
            request = urllib.request.Request(quote(url, safe=_URL_SIGNS), body or None, latin, method=method)
            answer = _answer(request, tls_context(self.ca_bundle), limit_s)
        except (http.client.InvalidURL, ValueError):
            raise self._impossible() from None
        except TimeoutError as error:
            raise self._late(limit_s) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreached(rendering, error, limit_s) from error
        if not 200 <= answer.status < 300:
            raise self._refused(answer, rendering)

    @property
    def _place(self) -> str:
        """The url as it is written, without its query: in front of errors."""
        return self.url.partition("?")[0]

    def _impossible(self) -> TriggerError:
        return TriggerError(
            f"{self._place} cannot be sent to: the address or a header is none that could be.",
            hint="Look at the url, the headers, and the variables in them.",
            is_lasting=True,
        )

    def _refused(self, answer: _Answer, rendering: Rendering) -> TriggerError:
        status = answer.status
        passing = status in _PASSING or (status >= 500 and status not in _NEVER)
        text = rendering.masked(answer.body.decode(errors="replace")).strip()
        hint = "" if passing else "Look at the url, the headers, and what the server says."
        if status in (301, 302, 303, 307, 308):
            hint = f"It sends elsewhere: if that is right, write {rendering.masked(answer.where)!r}."
        return TriggerError(
            f"{self._place} answered {status} {http.client.responses.get(status, '')}".rstrip()
            + (f": {text}" if text else "."),
            hint=hint,
            is_lasting=not passing,
            wait_s=_wait_s(answer.retry_after) if passing else 0.0,
        )

    def _late(self, limit_s: float) -> TriggerError:
        return TriggerError(
            f"{self._place} did not answer within {limit_s:g} s.", hint="`timeout` sets the time it may take."
        )

    def _unreached(self, rendering: Rendering, error: Exception, limit_s: float) -> TriggerError:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, TimeoutError):
            return self._late(limit_s)
        lasting = isinstance(reason, ssl.SSLCertVerificationError)
        return TriggerError(
            f"{self._place} cannot be reached: {rendering.masked(str(reason)) or type(reason).__name__}.",
            hint="`ca_bundle` names the authorities to trust." if lasting else "Check that the server answers.",
            is_lasting=lasting,
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    where: str
    retry_after: str


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would send an event, and secrets, where nobody said."""

    def redirect_request(self, *_: Any) -> None:
        """See `urllib.request.HTTPRedirectHandler`."""


def _answer(request: urllib.request.Request, context: ssl.SSLContext, limit_s: float) -> _Answer:
    opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=context))
    end = time.monotonic() + limit_s
    try:
        found = opener.open(request, timeout=limit_s)
    except urllib.error.HTTPError as error:
        found = error
    with closing(found) as answer:
        said = b""
        while len(said) < _SHOWN and (piece := answer.read1(_SHOWN)):
            said += piece
            if time.monotonic() > end:
                raise TimeoutError
        headers = answer.headers
        return _Answer(answer.status, said[:_SHOWN], headers.get("Location", ""), headers.get("Retry-After", ""))


def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """Trust the authorities of a file, or those of this machine; certificates are verified in any case.

    Raises
    ------
    TriggerError
        If the file cannot be read.
    """
    path = str(Path(ca_bundle).expanduser()) if ca_bundle else None
    try:
        return _context(path, Path(path).stat().st_mtime_ns if path else 0)
    except (OSError, ssl.SSLError) as error:
        raise TriggerError(
            f"the certificates {ca_bundle!r} cannot be read: {error.strerror or error}.",
            hint="`ca_bundle` is a file in the format PEM.",
            is_lasting=True,
        ) from error


@lru_cache(maxsize=8)
def _context(ca_bundle: str | None, _modified: int) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_bundle)


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
