"""The notifier: a plug-in that announces every commit."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dtedask.core.errors import DocumentError, DtedaskError
from dtedask.core.need import Need
from dtedask.core.settings import setting
from dtedask.notify.location import log_path
from dtedask.notify.log import open_log
from dtedask.notify.missed import record
from dtedask.plugins import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dtedask.core.commit import Commit
    from dtedask.core.notice import Notice
    from dtedask.notify.listeners import Listeners

logger = logging.getLogger(__name__)


@hookimpl(trylast=True)
def after_commit(commit: Commit) -> Sequence[Exception]:
    """Write a commit into the log of its root, then run the listeners of this process.

    It comes last of all plug-ins, so that triggers find what the others have made, such as the catalog.

    Returns
    -------
    sequence of Exception
        Triggers that failed and listener files that cannot be used; they are logged.
    """
    log = open_log(commit.root)
    documents, failures = _listeners()
    if documents:
        # Before the log has the commit: were we killed in between, a listener that never ran would not hear of it.
        from dtedask.notify.follow import register

        failures += register(log, documents, {**log.heads(), commit.cube: commit.sequence - 1})
    record(log, commit)
    failures += _tell_of_completeness(commit)
    if not documents:
        return failures
    from dtedask.notify.follow import deliver_to

    delivery = deliver_to(log, documents)
    return [*failures, *delivery.failures, *delivery.postponed]


def _tell_of_completeness(commit: Commit) -> list[Exception]:
    if not setting("notify.expect"):
        return []
    from dtedask.notify.completeness import expectations_of

    try:
        expectations = expectations_of(commit.root)
        if expectations is not None:
            expectations.on_commit(commit)
    except DtedaskError as error:
        logger.error("%s", error)
        return [error]
    return []


@hookimpl(trylast=True)
def after_notices(notices: Sequence[Notice]) -> Sequence[Exception]:
    """Write notices into the logs of their roots, each once, then run the listeners of this process.

    Returns
    -------
    sequence of Exception
        As of `after_commit`.
    """
    failures: list[Exception] = []
    for root in dict.fromkeys(notice.root for notice in notices):
        failures += _announce(root, [notice for notice in notices if notice.root == root])
    return failures


def _announce(root: str, notices: Sequence[Notice]) -> list[Exception]:
    log = open_log(root)
    documents, failures = _listeners()
    if documents:
        from dtedask.notify.follow import register

        heads = log.heads()
        failures += register(log, documents, {**{notice.stream: 0 for notice in notices}, **heads})
    log.append_notices(notices)
    if not documents:
        return failures
    from dtedask.notify.follow import deliver_to

    delivery = deliver_to(log, documents)
    return [*failures, *delivery.failures, *delivery.postponed]


@hookimpl
def oldest_needed(root: str, cube: str) -> Need | None:
    """Name the oldest commit that the log lacks, or that a registered listener has not heard of."""
    if not log_path(root).exists():
        return None
    log = open_log(root)
    found = [
        Need(number + 1, f"listener {name!r}, which has heard of {number} commits (`dtedask listen --forget {name}`)")
        for name, number in log.heard(cube).items()
    ]
    last = log.last(cube)
    found.append(Need(last + 1, f"the log of notices, which has {last} commits"))
    return min(found, key=lambda need: need.sequence)


@hookimpl
def after_purge(root: str, cube: str, oldest: int) -> None:
    """Forget the notices of commits that are gone."""
    if log_path(root).exists():
        open_log(root).trim(cube, oldest)


def _listeners() -> tuple[list[Listeners], list[Exception]]:
    """Load the listeners that can be loaded; a wrong file does not silence the others."""
    from dtedask.notify.active import active_listeners

    documents, failures = active_listeners(), list[Exception]()
    for file in setting("notify.listeners"):
        from dtedask.notify.listeners import load_listeners

        try:
            documents.append(load_listeners(file))
        except DocumentError as error:
            logger.error("%s", error)
            failures.append(error)
    return documents, failures
