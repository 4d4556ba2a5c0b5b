"""The triggers `webhook` and `teams`: any request that a server wants, and a card for a channel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from dtedask.notify.triggers.base import News
from dtedask.notify.triggers.http import HttpTrigger
from dtedask.notify.triggers.news import Facts, facts_of, text_of
from dtedask.notify.triggers.templates import Rendering, Template, json_word

__all__ = ["TeamsTrigger", "WebhookTrigger"]

_JSON = "application/json; charset=utf-8"


class WebhookTrigger(HttpTrigger):
    """Send a request of your own form; it succeeds when the answer is one of 2xx."""

    type: Literal["webhook"] = "webhook"
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    """What the server expects."""
    body_template: Template | None = None
    """What is sent; by default event type, sequence, identifier and payload as JSON. `${...}` and `{{ ... }}` stand for
    what the event holds, and stay JSON values where the content is JSON."""

    def run(self, news: News) -> None:
        """Send the request."""
        with facts_of(news) as facts:
            rendering = Rendering(facts, f"Trigger {self.name!r}")
            if self.body_template is None:
                text = json.dumps(facts.notification, separators=(",", ":"), ensure_ascii=False)
            else:
                text = rendering.text(self.body_template, *([json_word] if self._is_json else []))
            body = b"" if self.method == "GET" and self.body_template is None else text.encode("utf-8", "surrogatepass")
            self.send(self.method, body, {"Content-Type": _JSON} if body else {}, rendering)

    @property
    def _is_json(self) -> bool:
        kind = next((value for name, value in self.headers.items() if name.lower() == "content-type"), _JSON)
        return "json" in kind.lower()


class TeamsTrigger(HttpTrigger):
    """Show the event in a channel of Microsoft Teams: an adaptive card, sent to a workflow that posts it."""

    type: Literal["teams"] = "teams"
    title_template: Template = "${event_type} ${id}"
    """Title of the card."""

    def run(self, news: News) -> None:
        """Send the card."""
        with facts_of(news) as facts:
            rendering = Rendering(facts, f"Trigger {self.name!r}")
            card = _card(rendering.text(self.title_template), facts)
            message = {
                "type": "message",
                "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
            }
            self.send("POST", json.dumps(message).encode(), {"Content-Type": _JSON}, rendering)


def _card(title: str, facts: Facts) -> dict[str, Any]:
    news = facts.notification
    rows = {"Event": news["event_type"], "Id": facts.names["id"], **news["identifier"]}
    body: list[dict[str, Any]] = [
        {"type": "TextBlock", "size": "Medium", "weight": "Bolder", "text": title, "wrap": True},
        _table(rows),
    ]
    payload = news["payload"]
    if isinstance(payload, Mapping) and payload:
        body += [{"type": "TextBlock", "weight": "Bolder", "text": "Payload"}, _table(payload)]
    elif payload is not None and not isinstance(payload, Mapping):
        body.append({"type": "TextBlock", "fontType": "Monospace", "text": text_of(payload), "wrap": True})
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }


def _table(rows: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "FactSet", "facts": [{"title": key, "value": text_of(value)} for key, value in rows.items()]}
