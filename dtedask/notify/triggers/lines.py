"""The triggers `echo` and `log`: one line for each event."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import Literal

from dtedask.notify.triggers.base import BaseTrigger, News

__all__ = ["EchoTrigger", "LogTrigger"]

Format = Literal["text", "json"]


class EchoTrigger(BaseTrigger):
    """Write the event to standard output."""

    type: Literal["echo"] = "echo"
    format: Format = "text"
    """One readable line, or one line of JSON."""

    def run(self, news: News) -> None:
        """Write one line."""
        sys.stdout.write(_line(news, self.format))
        sys.stdout.flush()


class LogTrigger(BaseTrigger):
    """Append the event to a file."""

    type: Literal["log"] = "log"
    path: str
    """The file; `~` and `$VARIABLES` are replaced. It and its folder are made when they are missing."""
    format: Format = "text"
    """One readable line, or one line of JSON, for each event."""

    def run(self, news: News) -> None:
        """Append one line; lines of several processes do not mix."""
        path = Path(os.path.expandvars(self.path)).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            data = memoryview(_line(news, self.format).encode())
            while data:
                data = data[file.write(data) :]


def _line(news: News, style: Format) -> str:
    return f"{news.as_json() if style == 'json' else news}\n"
