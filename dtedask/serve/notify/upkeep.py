"""What a server does beside answering: commits that were missed are announced, and old notifications go."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dtedask.core.errors import DtedaskError
from dtedask.core.settings import setting
from dtedask.notify.location import root_url
from dtedask.notify.log import open_log
from dtedask.notify.missed import fill

if TYPE_CHECKING:
    from dtedask.notify.streams import Streams

logger = logging.getLogger(__name__)


class Upkeep:
    """A thread that looks after a log while it is entered.

    Parameters
    ----------
    streams : Streams
        The log.
    root : str, optional
        The root whose history is looked through for commits that were never announced.
    """

    def __init__(self, streams: Streams, root: str | None = None) -> None:
        self._streams = streams
        self._root = root
        self._interval_s: float = setting("notify.serve.upkeep-interval")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices-upkeep", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            for job in (self._announce, self._trim):
                try:
                    job()
                except DtedaskError as error:
                    logger.warning("Trying again in %g s: %s", self._interval_s, error)
            self._stop.wait(self._interval_s)

    def _announce(self) -> None:
        if self._root is None:
            return
        url = root_url(self._root)
        if "://" in url or Path(url).is_dir():
            fill(open_log(url), url)

    def _trim(self) -> None:
        for name, count in self._streams.retain(datetime.now(UTC)).items():
            logger.info("Removed %d old notifications of %s.", count, name)
