"""Notifications kept by NATS JetStream, for several servers that give one stream of them."""

from dtedask.notify.jetstream.log import JetStreamLog
from dtedask.notify.jetstream.options import JetStreamOptions

__all__ = ["JetStreamLog", "JetStreamOptions"]
