"""Make products as the model runs, until told to stop."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

import dtedask
from dtedask.core.errors import LockedError
from dtedask.core.settings import setting
from dtedask.pipeline.sources.choose import parse_input
from dtedask.products.live.arriving import Arriving
from dtedask.products.live.following import Following, Item
from dtedask.products.live.live_file import LiveFile
from dtedask.products.live.notes import log_note
from dtedask.products.live.pacing import Pacing
from dtedask.products.making.run import make
from dtedask.products.planning.inventory import Inventory

if TYPE_CHECKING:
    from dtedask.products.finishing import Finishing
    from dtedask.products.live.maker import MakeBatch
    from dtedask.products.live.notes import Note
    from dtedask.products.requirement import Requirement

__all__ = ["Followed", "follow"]

_RELOAD_S = 1.0
Reload = Callable[[], "Sequence[Requirement] | None"]


@dataclass(frozen=True, slots=True)
class Followed:
    """What was done while a root was followed.

    Parameters
    ----------
    commits : int
        Commits that came.
    delivered : int
        Products that came to a place, each time and each place counted.
    failed : int
        Products that failed, and did not come to all of their places later.
    late : int
        Products that were not there when they were due.
    missed : int
        Commits that were gone before anybody could look at them.
    seconds : float
        How long it took.
    """

    commits: int = 0
    delivered: int = 0
    failed: int = 0
    late: int = 0
    missed: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        counts = f"{self.delivered:,} delivered, {self.failed:,} failed, {self.late:,} late"
        return f"products: {counts}; {self.commits:,} commits in {self.seconds:.1f} s"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def follow(
    requirements: Iterable[Requirement],
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    finishing: Finishing,
    make: MakeBatch = make,
    pacing: Pacing | None = None,
    idle_s: float | None = None,
    stop: threading.Event | None = None,
    reload: Reload | None = None,
    on_event: Callable[[Note], None] = log_note,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Followed:
    """Make and deliver products as fields are committed, each when the last of its inputs is there.

    What was committed before is made first; what was delivered before is not made again, and so a run that was
    interrupted, in whatever way, is begun anew and goes on. Products of a field that is written again are made again,
    if its values are others.

    Parameters
    ----------
    requirements : iterable of Requirement
        What was ordered.
    inputs : str, path or iterable of them
        Roots, which are followed and need not exist yet; beside them files, which are there from the beginning.
    finishing : Finishing
        Delivers products. The folder of its ledger is held meanwhile.
    make : MakeBatch
        Makes plans: `dtedask.products.making.make`, with what is to be said of clients, threads and progress.
    pacing : Pacing, optional
        How long things are waited for; by default as the settings say.
    idle_s : float, optional
        Ends it after so many seconds in which nothing came and nothing was made.
    stop : threading.Event, optional
        Ends it when it is set, between products.
    reload : callable, optional
        Asked about once a second: gives the requirements if they have changed, else None.
    on_event : callable
        Hears of everything that people may want to know; by default it is logged.
    now : callable
        Gives the time, UTC.

    Returns
    -------
    Followed
        What was done.

    Raises
    ------
    LockedError
        If another process does this with the same state folder.
    StoreError
        If a root cannot be followed any more.
    """
    begin = time.monotonic()
    stop = stop or threading.Event()
    items: queue.SimpleQueue[Item] = queue.SimpleQueue()
    names = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    folder = finishing.ledger.folder
    with alone(folder), Arriving(roots_of(names), items.put) as arriving:
        finishing.recover()
        inventory = Inventory.open([located(name) for name in names], like_before=True)
        file = LiveFile(folder, {"inputs": [os.fspath(name) for name in names], "begin": f"{now():%Y-%m-%dT%H:%M:%SZ}"})
        following = Following(
            tuple(requirements), inventory, items, finishing=finishing, make=make, pacing=pacing or paced(),
            on_event=on_event, now=now,
        )  # fmt: skip
        with _shown(file, following.status):
            following.run(stop=stop, idle_s=idle_s, on_turn=_Turn(following, file, reload))
        return Followed(
            **{name: following.counts[name] for name in ("commits", "delivered", "late")},
            failed=len(following.failed),
            missed=arriving.missed,
            seconds=time.monotonic() - begin,
        )


def paced() -> Pacing:
    """How long things are waited for, as the settings say."""
    open_for = setting("products.live.open-for")
    return Pacing(
        open_for=None if open_for is None else timedelta(seconds=open_for),
        idle=timedelta(seconds=setting("products.live.idle")),
    )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep others from doing the same with a state folder; a process that is gone holds nothing.

    Raises
    ------
    LockedError
        If somebody does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "live.lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"Products are made already by another process that holds the state folder {str(folder)!r}.",
            hint="`dtedask products status` shows what it does; end it, or name another folder (--state).",
        ) from error
    try:
        yield
    finally:
        lock.release()


def roots_of(names: Iterable[str | os.PathLike[str]]) -> list[str]:
    """The roots among inputs, each once; those of a roots document one by one."""
    found = (parse_input(located(name)) for name in names)
    return list(dict.fromkeys(root for one in found if one.is_root for root in dtedask.open(one.root).roots))


def located(name: str | os.PathLike[str]) -> str:
    """An input; a folder that does not exist yet is taken for a root that will."""
    text = os.fspath(name)
    place = parse_input(text).place
    is_there = "://" in text or any(mark in place for mark in "*?[") or Path(place).expanduser().exists()
    return text if is_there else f"file://{Path(text).absolute()}"


class _Turn:
    """What is done beside the loop, now and then."""

    def __init__(self, following: Following, file: LiveFile, reload: Reload | None) -> None:
        self._following, self._file, self._reload = following, file, reload
        self._next = time.monotonic() + _RELOAD_S

    def __call__(self) -> None:
        self._file.tick(self._following.status)
        if self._reload is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + _RELOAD_S
            found = self._reload()
            if found is not None:
                self._following.require(found)


@contextmanager
def _shown(file: LiveFile, status: Callable[[], Mapping[str, Any]]) -> Iterator[None]:
    """Leave word of how a run ends."""
    file.write("running", status())
    try:
        yield
    except BaseException as error:
        file.write("failed", status(), error=str(error) or type(error).__name__)
        raise
    file.write("done", status())
