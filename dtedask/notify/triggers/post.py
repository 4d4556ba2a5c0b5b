"""The trigger `post`: the event as a CloudEvent, signed if wanted."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from dtedask.core.nearest import did_you_mean
from dtedask.notify.event import EVENT_TYPE, Event, format_time
from dtedask.notify.notification import CLOUD_EVENT_TYPE
from dtedask.notify.triggers.base import News
from dtedask.notify.triggers.http import HttpTrigger, SecretName
from dtedask.notify.triggers.news import Facts, facts_of
from dtedask.notify.triggers.templates import Rendering

__all__ = ["PostTrigger", "cloud_event"]

_SOURCE = "urn:dtedask"
_PROTOCOL = ("type", "url", "headers", "timeout", "cloudevents")


class PostTrigger(HttpTrigger):
    """Send the event as a CloudEvent 1.0 in structured mode; it succeeds when the answer is one of 2xx."""

    type: Literal["post"] = "post"
    secret: SecretName | None = None
    """Sign what is sent with this secret, `$NAME`: HMAC-SHA256 of the body, `sha256=` and hexadecimal digits."""
    signature_header: str = Field(default="X-Hub-Signature-256", pattern=r"^[A-Za-z0-9-]+$")
    """Header that holds the signature."""
    source: str | None = None
    """Source of the CloudEvent; by default the root of a commit."""
    event_type: str | None = None
    """Type of the CloudEvent; by default `int.ecmwf.aviso.` and the event type."""

    @model_validator(mode="before")
    @classmethod
    def _takes_protocol(cls, document: Any) -> Any:
        """Take what pyaviso 1 writes under `protocol`."""
        if not isinstance(document, Mapping) or not isinstance(document.get("protocol"), Mapping):
            return document
        protocol = document["protocol"]
        kind = str(protocol.get("type", "")).lower()
        if kind != "cloudevents_http":
            raise ValueError(f"the protocol {kind!r} is not possible; the only one is cloudevents_http.")
        for key in protocol:
            if key not in _PROTOCOL:
                raise ValueError(f"unknown key {key!r} in protocol. {did_you_mean(str(key), _PROTOCOL)}")
        attributes = protocol.get("cloudevents") or {}
        found = {key: protocol[key] for key in ("url", "headers", "timeout") if key in protocol}
        if "source" in attributes:
            found["source"] = attributes["source"]
        if "type" in attributes:
            found["event_type"] = attributes["type"]
        return {**{key: value for key, value in document.items() if key != "protocol"}, **found}

    def run(self, news: News) -> None:
        """Send the event."""
        with facts_of(news) as facts:
            rendering = Rendering(facts, f"Trigger {self.name!r}")
            event = cloud_event(facts, source=self.source, event_type=self.event_type)
            body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
            headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
            if self.secret is not None:
                key = rendering.text(self.secret, secrets=True).encode()
                headers[self.signature_header] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
            self.send("POST", body, headers, rendering)


def cloud_event(facts: Facts, *, source: str | None = None, event_type: str | None = None) -> dict[str, Any]:
    """Give an event as a CloudEvent 1.0; the same event has the same id however often it is sent."""
    news, root = facts.news, facts.event.root if facts.event is not None else _SOURCE
    if not isinstance(news, Event):
        found = news.cloud_event(source or root)
    else:
        found = {
            "specversion": "1.0",
            "id": news.id,
            "type": f"{CLOUD_EVENT_TYPE}{EVENT_TYPE}",
            "source": source or root,
            "time": format_time(news.time),
            "datacontenttype": "application/json",
            "data": {key: facts.notification[key] for key in ("identifier", "payload")},
        }
    return found | ({"type": event_type} if event_type else {})
