"""Load nats-py, or say how to get it."""

from __future__ import annotations

from dtedask.core.errors import MissingExtraError

try:
    from nats import errors
    from nats.aio.client import Client
    from nats.aio.msg import Msg
except ImportError as error:
    raise MissingExtraError(
        f"A log of notices on NATS needs nats-py, which cannot be imported: {error}.",
        hint='Install it by: pip install "dtedask[nats]"',
    ) from error

__all__ = ["Client", "Msg", "errors"]
