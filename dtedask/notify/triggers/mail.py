"""The trigger `email`: a message for each event, over SMTP."""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from datetime import UTC
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from dtedask.core.errors import TriggerError
from dtedask.notify.triggers.base import BaseTrigger, News
from dtedask.notify.triggers.http import SecretName, tls_context
from dtedask.notify.triggers.news import facts_of
from dtedask.notify.triggers.templates import Rendering, Template, TemplateWithSecrets

__all__ = ["EmailTrigger"]

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_BODY = """${event_type} ${id}

{{ notification.identifier }}

{{ notification.payload }}
"""


class EmailTrigger(BaseTrigger):
    """Send a mail; it succeeds when the server has taken it for all who get it."""

    time_limit_s: ClassVar[float | None] = 30.0

    type: Literal["email"] = "email"
    host: str
    """Server that takes mail (SMTP)."""
    port: Annotated[int, Field(gt=0, lt=65536)] | None = None
    """Its port; by default that of `security`: 587, 465 or 25."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted: after a greeting, from the start, or not at all. Certificates are verified."""
    ca_bundle: str | None = None
    """File with the certificates of the authorities to trust, instead of those of this machine."""
    user: TemplateWithSecrets | None = None
    """Who logs in, `$NAME` for an environment variable."""
    password: SecretName | None = None
    """Environment variable with the password, `$NAME`."""
    sender: str = Field(alias="from")
    """Who sends it, `dtedask <dtedask@example.org>`."""
    to: Annotated[list[str], Field(min_length=1)]
    """Who gets it; one alone needs no list."""
    subject: Template = "${event_type} ${id}"
    """Subject; `${...}` and `{{ ... }}` stand for what the event holds."""
    body: Template = _BODY
    """Text; `${...}` and `{{ ... }}` stand for what the event holds."""

    @field_validator("to", mode="before")
    @classmethod
    def _one_needs_no_list(cls, to: Any) -> Any:
        return [to] if isinstance(to, str) else to

    @field_validator("to", "sender")
    @classmethod
    def _are_addresses(cls, given: Any) -> Any:
        for text in given if isinstance(given, list) else [given]:
            if "@" not in parseaddr(text)[1] or any(sign in text for sign in "\r\n"):
                raise ValueError(f"{text!r} is no address; write name@example.org.")
        return given

    @model_validator(mode="after")
    def _sends_no_password_openly(self) -> EmailTrigger:
        if (self.user is None) is not (self.password is None):
            raise ValueError("'user' and 'password' belong together; give both or none.")
        if self.password is not None and self.security == "none":
            raise ValueError("a password is not sent unencrypted; take security 'starttls' or 'tls'.")
        return self

    def run(self, news: News) -> None:
        """Send the mail."""
        with facts_of(news) as facts:
            rendering = Rendering(facts, f"Trigger {self.name!r}")
            message = self._message(news, rendering)
            try:
                with self._server(rendering) as server:
                    refused = server.send_message(message)
            except TriggerError:
                raise
            except (OSError, smtplib.SMTPException) as error:  # ssl.SSLError is an OSError
                raise self._failed(error, rendering) from None
        if refused:
            raise TriggerError(
                f"{self._place} took the mail, but not for {', '.join(sorted(refused))}.",
                hint="The others have it.",
                is_lasting=True,
            )

    @property
    def _place(self) -> str:
        return f"{self.host}:{self.port or _PORTS[self.security]}"

    def _message(self, news: News, rendering: Rendering) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Subject"] = " ".join(rendering.text(self.subject).split()).replace("\0", "")
        message["Date"] = format_datetime(news.time.astimezone(UTC))
        # The same however often it is sent: programs that read mail show it once.
        digest = hashlib.sha256(f"{self.name} {self.to} {news.id} {news.time}".encode()).hexdigest()
        message["Message-ID"] = f"<{digest[:32]}@{parseaddr(self.sender)[1].rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(rendering.text(self.body).encode("utf-8", "replace").decode())
        return message

    @contextlib.contextmanager
    def _server(self, rendering: Rendering) -> Iterator[smtplib.SMTP]:
        port, limit_s = self.port or _PORTS[self.security], self.limit_s or 30.0
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, port, timeout=limit_s, context=tls_context(self.ca_bundle)
            )
        else:
            server = smtplib.SMTP(self.host, port, timeout=limit_s)
        with server:
            if self.security == "starttls":
                server.starttls(context=tls_context(self.ca_bundle))
            if self.user is not None and self.password is not None:
                server.login(rendering.text(self.user, secrets=True), rendering.text(self.password, secrets=True))
            yield server

    def _failed(self, error: Exception, rendering: Rendering) -> TriggerError:
        hint, lasting = "Check that the server answers.", False
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            said = "; ".join(f"{who}: {code} {_said(text)}" for who, (code, text) in error.recipients.items())
            lasting = all(code >= 500 for code, _ in error.recipients.values())
            hint = "Look at `to`."
        elif isinstance(error, smtplib.SMTPResponseException):
            said, lasting = f"{error.smtp_code} {_said(error.smtp_error)}", error.smtp_code >= 500
            hint = "Look at `user` and `password`." if isinstance(error, smtplib.SMTPAuthenticationError) else hint
        elif isinstance(error, ssl.SSLCertVerificationError):
            said, lasting, hint = str(error), True, "`ca_bundle` names the authorities to trust."
        else:
            said, lasting = str(error) or type(error).__name__, isinstance(error, smtplib.SMTPNotSupportedError)
        return TriggerError(
            f"{self._place} did not take the mail: {rendering.masked(said)}.", hint=hint, is_lasting=lasting
        )


def _said(text: bytes | str) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text
