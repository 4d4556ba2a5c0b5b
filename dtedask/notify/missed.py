"""Commits that were made but never announced: found in the history of the cubes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dtedask.core.errors import NoticeError

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.notify.log import NoticeLog

History = Callable[[str, str, int], Sequence["Commit"]]
Cubes = Callable[[str], Sequence[str]]

logger = logging.getLogger(__name__)


def store_history(root: str, cube: str, after: int) -> Sequence[Commit]:
    """List the commits of a cube after the one of that number, oldest first, from the store."""
    import dtedask

    return dtedask.open(root).history(cube, after=after)


def store_cubes(root: str) -> Sequence[str]:
    """List the cubes of a root, from the store."""
    import dtedask

    names: Sequence[str] = dtedask.open(root).cubes()
    return names


def record(log: NoticeLog, commit: Commit, *, history: History = store_history) -> int:
    """Write a commit into the log, and before it those that are missing there.

    Parameters
    ----------
    log : NoticeLog
        Log of the commit's root.
    commit : Commit
        A commit that can be read.
    history : callable (root, cube, after) -> sequence of Commit
        Gives the commits of a cube after one, oldest first; asked only where commits are missing.

    Returns
    -------
    int
        How many commits were new to the log.

    Raises
    ------
    NoticeError
        If the log or the history cannot be used. Nothing is logged then; the next commit tries it all again.
    """
    last = log.last(commit.cube)
    if commit.sequence <= last + 1:
        return log.append([commit])
    return log.append([*_missed(commit.root, commit.cube, last, commit.sequence, history), commit])


def fill(log: NoticeLog, root: str, *, cubes: Cubes = store_cubes, history: History = store_history) -> int:
    """Write all commits of a root that are missing in its log.

    Returns
    -------
    int
        How many commits were new to the log.
    """
    count = sum(fill_cube(log, root, cube, history=history) for cube in cubes(root))
    if count:
        logger.info("Found %d commits of %s that were not announced.", count, root)
    return count


def fill_cube(log: NoticeLog, root: str, cube: str, *, history: History = store_history) -> int:
    """Write all commits of a cube that are missing in the log; returns how many that were."""
    missed = _missed(root, cube, log.last(cube), None, history)
    return log.append(missed) if missed else 0


def _missed(root: str, cube: str, last: int, end: int | None, history: History) -> list[Commit]:
    try:
        commits = list(history(root, cube, last))
    except Exception as error:
        raise NoticeError(
            f"Commits of {cube} in {root} after number {last} were not announced, and its history cannot be read: "
            f"{error}",
            hint="They are announced with the next commit, or at the next start.",
        ) from error
    missed = sorted(
        (one for one in commits if one.sequence > last and (end is None or one.sequence < end)),
        key=lambda one: one.sequence,
    )
    _warn_of_holes(cube, last, [one.sequence for one in missed] + ([end] if end is not None else []))
    return missed


def _warn_of_holes(cube: str, last: int, found: list[int]) -> None:
    for before, after in zip([last, *found], found, strict=False):
        if after > before + 1:
            logger.warning(
                "Commits %d to %d of %s are no longer in its history: nobody is told of them.",
                before + 1,
                after - 1,
                cube,
            )
