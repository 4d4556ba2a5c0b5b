"""What a server does beside answering: commits that were missed are announced, and old notifications go."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dtedask.core.errors import DtedaskError
from dtedask.core.settings import setting
from dtedask.notify.hearing import hear_others
from dtedask.notify.location import is_in_root, root_url
from dtedask.notify.log import NoticeLog, open_log
from dtedask.notify.missed import fill

if TYPE_CHECKING:
    from dtedask.notify.streams import Streams

logger = logging.getLogger(__name__)


class Upkeep:
    """A thread that looks after a log while it is entered.

    Processes that commit announce it themselves, but one may be killed between the two: the history of the root is
    looked through at the start, and again and again where that is not done by `hear_others`.

    Parameters
    ----------
    streams : Streams
        The log.
    root : str, optional
        The root whose commits are announced.
    """

    def __init__(self, streams: Streams, root: str | None = None) -> None:
        self._streams = streams
        self._url = None if root is None else root_url(root)
        self._interval_s: float = setting("notify.serve.upkeep-interval")
        self._is_announced = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices-upkeep", daemon=True)
        self._around = ExitStack()

    def __enter__(self) -> Self:
        if self._url is not None:
            self._around.enter_context(hear_others(open_log(self._url), self._url))
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._stop.set()
        self._around.close()
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
        if self._url is None or ("://" not in self._url and not Path(self._url).is_dir()):
            return
        # A connection of its own: those that look whether others have written shall see it.
        with NoticeLog(open_log(self._url).path, root=self._url) as log:
            if not self._is_announced or is_in_root(log.path, self._url):
                fill(log, self._url)
                self._is_announced = True

    def _trim(self) -> None:
        for name, count in self._streams.retain(datetime.now(UTC)).items():
            logger.info("Removed %d old notifications of %s.", count, name)
