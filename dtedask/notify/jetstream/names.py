"""What the streams and subjects of event types are called."""

from __future__ import annotations

import re

__all__ = ["Names"]


class Names:
    """Names on one NATS server, all beginning alike.

    Neither streams nor parts of subjects may hold dots, stars, slashes or spaces: all but letters, digits, - and _
    of an event type are written as ``=`` and two hexadecimal digits for each byte.

    Parameters
    ----------
    beginning : str
        Letters, digits, - and _.
    """

    def __init__(self, beginning: str) -> None:
        self._beginning = beginning

    def stream(self, event_type: str) -> str:
        """Such as ``dtedask-flight``."""
        return f"{self._beginning}-{_encode(event_type)}"

    def subject(self, event_type: str) -> str:
        """Where its notifications are published, ``dtedask.event.flight``."""
        return f"{self._beginning}.event.{_encode(event_type)}"

    def written(self, event_type: str) -> str:
        """Where the server says that its stream has changed, ``dtedask.written.flight``."""
        return f"{self._beginning}.written.{_encode(event_type)}"

    @property
    def all_subjects(self) -> str:
        """Those of all types."""
        return f"{self._beginning}.event.*"

    @property
    def all_written(self) -> str:
        """Those of all types."""
        return f"{self._beginning}.written.*"

    def event_type(self, subject: str) -> str:
        """Give the event type of a subject."""
        return _decode(subject.rpartition(".")[2])


def _encode(event_type: str) -> str:
    return "".join(
        letter if re.fullmatch(r"[A-Za-z0-9_-]", letter) else "".join(f"={byte:02X}" for byte in letter.encode())
        for letter in event_type
    )


def _decode(word: str) -> str:
    return re.sub(r"(?:=[0-9A-F]{2})+", lambda found: bytes.fromhex(found[0].replace("=", "")).decode(), word)
