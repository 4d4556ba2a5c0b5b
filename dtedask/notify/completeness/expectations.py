"""Telling of completeness: the loop around the trackers, which looks at cubes and clocks and writes notifications."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from dtedask.core.errors import NotFoundError
from dtedask.notify.completeness.cubes import Cubes
from dtedask.notify.completeness.document import ExpectationsDocument, load_expectations
from dtedask.notify.completeness.drafts import COMPLETENESS_TYPES, Identity, completeness_types, draft_of, identity_of
from dtedask.notify.completeness.expected import Expected
from dtedask.notify.completeness.state import Cursor, State, Told
from dtedask.notify.completeness.tracker import News, Tracker
from dtedask.notify.location import log_path, root_url

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.notify.event_log import EventLog

__all__ = ["Expectations"]

FILE_NAME = "expectations.sqlite"
_RUNS_KEPT = 8
_Tells = list[tuple[Tracker, News]]


class Expectations:
    """Tells when steps and runs are complete, or late.

    What it told is in a file beside the log of notices, so that it goes on after a restart where it was; each
    notification is written once, whenever the process is killed. Several processes may do it: one at a time does.

    Parameters
    ----------
    streams : EventLog
        Where notifications are written.
    root : str
        Path or URL of the root; it may come into being later.
    document : ExpectationsDocument
        What is expected. An expectation that is new begins with what comes from now on: what is complete already is
        known, and not told.
    """

    def __init__(self, streams: EventLog, root: str, document: ExpectationsDocument) -> None:
        self._streams = streams
        self._cubes = Cubes(root)
        self._state = State(log_path(root).with_name(FILE_NAME))
        self._expected = [Expected(one) for one in document.expect]
        self._types = completeness_types()
        self._lock = threading.RLock()
        self._trackers: list[Tracker] = []
        self._cursors: dict[str, Cursor] = {}
        self._written: set[Identity] = set()
        self._seen: object = None

    @classmethod
    def open(
        cls,
        streams: EventLog,
        root: str | os.PathLike[str],
        document: str | os.PathLike[str] | Mapping[str, object] | ExpectationsDocument,
        *,
        now: datetime | None = None,
    ) -> Self:
        """Read a document of expectations, and take up what was told until now.

        Raises
        ------
        DocumentError
            If the document is wrong.
        """
        made = cls(streams, root_url(root), load_expectations(document))
        made.on_news(now=now)
        return made

    def on_news(self, cubes: Iterable[str] | None = None, *, now: datetime | None = None) -> int:
        """Look at what was committed since the last look, and tell what became complete.

        Parameters
        ----------
        cubes : iterable of str, optional
            Cubes that may have commits; all where it is left out.
        now : datetime, optional
            The time; by default that of the clock.

        Returns
        -------
        int
            How many notifications were written.

        Raises
        ------
        NoticeError
            If they cannot be written. Nothing is lost: the next look tells of it.
        """
        now = now or datetime.now(UTC)
        with self._lock, self._state.held(), _AllOrNothing(self):
            count = self._take_up(now)
            return count + self._hear(self._cubes.since(self._cursors, cubes), now)

    def on_commit(self, commit: Commit) -> int:
        """Tell what a commit of this process made complete; as `on_news`, and faster."""
        now = datetime.now(UTC)
        with self._lock, self._state.held(), _AllOrNothing(self):
            count = self._take_up(now)
            last = self._cursors[commit.cube].sequence if commit.cube in self._cursors else 0
            if commit.sequence <= last:
                return count
            is_next = commit.sequence == last + 1
            return count + self._hear([commit] if is_next else self._cubes.since(self._cursors, [commit.cube]), now)

    def behind(self, heads: Mapping[str, int]) -> list[str]:
        """Name the cubes that have commits which were not looked at, by the numbers of their newest ones."""
        with self._lock:
            known = {cube: cursor.sequence for cube, cursor in self._cursors.items()}
        return [cube for cube, sequence in heads.items() if sequence > known.get(cube, 0)]

    def tick(self, now: datetime) -> datetime | None:
        """Tell what is late at a time.

        Parameters
        ----------
        now : datetime
            The time, UTC.

        Returns
        -------
        datetime, optional
            When it has something to do again; None if nothing has a deadline.
        """
        with self._lock:
            if self._is_due(now):
                with self._state.held(), _AllOrNothing(self):
                    self._take_up(now)
                    self._hear(self._cubes.since(self._cursors), now)
                    self._pass_deadlines(now, now)
            return min((one for tracker in self._trackers if (one := tracker.next_deadline())), default=None)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._state.close()

    def forget(self) -> None:
        """Forget what is in memory; the next look begins with what is in the file."""
        self._seen = None

    def _is_due(self, now: datetime) -> bool:
        deadlines = (tracker.next_deadline() for tracker in self._trackers)
        return any(one is not None and one <= now for one in deadlines)

    def _take_up(self, now: datetime) -> int:
        """Begin where this or another process has come to; tell what those that are not new missed."""
        version = self._state.version()
        if version == self._seen:
            return 0
        self._cursors, known = self._state.cursors(), self._state.watermarks()
        self._written = set(self._told_since(self._state.heads()))
        self._trackers = [Tracker(one, known[name]) for one in self._expected if (name := _name(one)) in known]
        self._seen = version
        if len(self._trackers) == len(self._expected):
            return 0
        count = self._hear(self._cubes.since(self._cursors), now) if self._trackers else 0
        if not self._cursors:
            self._cursors = self._cubes.heads()
        self._trackers += [Tracker(one, now) for one in self._expected if _name(one) not in known]
        self._save([])
        return count

    def _told_since(self, heads: Mapping[str, int]) -> Iterable[Identity]:
        """What was written of completeness and not saved as told: the process was killed in between."""
        for name in COMPLETENESS_TYPES:
            after = heads.get(name, 0)
            while page := self._streams.page(name, after):
                yield from map(identity_of, page)
                after = page[-1].sequence

    def _hear(self, commits: Iterable[Commit], now: datetime) -> int:
        count, is_saved = 0, True
        for commit in commits:
            if self._is_due(min(commit.time, now)):
                count += self._pass_deadlines(min(commit.time, now), now)
            tells: _Tells = []
            for tracker in self._trackers:
                for reference in tracker.unknown(commit):
                    self._learn(tracker, reference, commit)
                tells += [(tracker, news) for news in tracker.handle(commit)]
            self._cursors[commit.cube] = Cursor(commit.sequence, commit.snapshot)
            is_saved = bool(tells)
            if tells:
                count += self._tell(tells, commit.time, commit)
        if not is_saved:
            self._save([])
        return count

    def _pass_deadlines(self, until: datetime, now: datetime) -> int:
        tells: _Tells = []
        for tracker in self._trackers:
            for reference in tracker.due(until):
                self._learn(tracker, reference, None)
            tells += [(tracker, news) for news in tracker.tick(until)]
        return self._tell(tells, now, None)

    def _learn(self, tracker: Tracker, reference: datetime, commit: Commit | None) -> None:
        """Look what there was of a run before a commit."""
        told = self._state.told(tracker.name, reference)
        try:
            tracker.learn(reference, self._cubes.present(tracker.expected, reference, self._cursors), told)
        except NotFoundError:
            if commit is None:
                raise
            # The state before was purged. What the commit wrote counts as new: rather twice than never.
            after = {**self._cursors, commit.cube: Cursor(commit.sequence, commit.snapshot)}
            tracker.learn(reference, self._cubes.present(tracker.expected, reference, after), told)
            tracker.handle(replace(commit, changes=(), wiped=commit.changes))

    def _tell(self, tells: _Tells, now: datetime, commit: Commit | None) -> int:
        """Write notifications, then remember that they were."""
        drafts = [draft_of(news, tracker.expected, self._types, commit=commit, now=now) for tracker, news in tells]
        new = [draft for draft in drafts if identity_of(draft) not in self._written]
        if new:
            self._streams.append(new)
            self._written.update(map(identity_of, new))
        self._save(tells)
        return len(new)

    def _save(self, tells: _Tells) -> None:
        told = [
            Told(tracker.name, news.reference, news.step, tracker.told(news.reference)[news.step])
            for tracker, news in tells
        ]
        heads = {name: head for name, head in self._streams.heads().items() if name in COMPLETENESS_TYPES}
        watermarks = {tracker.name: tracker.watermark for tracker in self._trackers}
        self._state.save(cursors=self._cursors, watermarks=watermarks, told=told, heads=heads)
        for tracker in self._trackers:
            tracker.forget(_RUNS_KEPT)


class _AllOrNothing:
    """What fails in the middle leaves nothing in memory that is not in the file."""

    def __init__(self, expectations: Expectations) -> None:
        self._expectations = expectations

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._expectations.forget()


def _name(expected: Expected) -> str:
    return expected.expectation.name
