"""What Prometheus is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from dtedask.serve.notify.hub import Hub

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters of one server."""

    def __init__(self, hub: Hub) -> None:
        self.registry = CollectorRegistry()
        self._hub = hub
        self._notifications = Counter(
            "dtedask_notify_notifications",
            "Notifications that were sent to the server.",
            ["event_type", "status"],
            registry=self.registry,
        )
        self._requests = Counter(
            "dtedask_notify_requests", "Answers by status.", ["method", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "dtedask_notify_append_seconds",
            "From a notification's arrival until it was durable.",
            buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=self.registry,
        )
        self._opened = Counter(
            "dtedask_notify_streams_opened",
            "Streams that were opened.",
            ["endpoint", "event_type"],
            registry=self.registry,
        )
        self._active = Gauge(
            "dtedask_notify_streams_active", "Streams that are open.", ["event_type"], registry=self.registry
        )
        self._dropped = Counter(
            "dtedask_notify_streams_dropped", "Streams whose client did not read.", registry=self.registry
        )
        self._known: set[str] = set()
        self._children: dict[tuple[object, ...], Counter] = {}

    def notified(self, event_type: str, status: str, seconds: float | None = None) -> None:
        """Count a notification; the type must be one that exists, or ``unknown``."""
        self._child(self._notifications, event_type, status).inc()
        if seconds is not None:
            self._seconds.observe(seconds)

    def answered(self, method: str, status: int) -> None:
        """Count an answer."""
        self._child(self._requests, method, str(status)).inc()

    def opened(self, endpoint: str, event_type: str) -> None:
        """Count a stream."""
        self._opened.labels(endpoint, event_type).inc()

    def dropped(self) -> None:
        """Count a client that did not read."""
        self._dropped.inc()

    def text(self) -> bytes:
        """Give everything in Prometheus' text format."""
        counts = self._hub.counts()
        for event_type in self._known - set(counts):
            self._active.labels(event_type).set(0)
        for event_type, count in counts.items():
            self._active.labels(event_type).set(count)
        self._known |= set(counts)
        return generate_latest(self.registry)

    def _child(self, counter: Counter, *labels: str) -> Counter:
        key = (counter, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = counter.labels(*labels)
        return child
