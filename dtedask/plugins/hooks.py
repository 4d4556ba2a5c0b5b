"""The hooks that a plug-in may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dtedask.core.commit import Commit
    from dtedask.core.need import Need
    from dtedask.core.notice import Notice

PROJECT = "dtedask"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def after_commit(commit: Commit) -> Sequence[Exception] | None:
    """Hear of a commit, as soon as it can be read.

    A plug-in cannot undo the commit. What it raises is logged and handed to whoever committed; the other plug-ins
    run all the same.

    Parameters
    ----------
    commit : Commit
        The commit. It is visible to every reader by now.

    Returns
    -------
    sequence of Exception, optional
        Failures that the plug-in has logged already; they are handed on without being logged again.
    """


@hookspec
def after_notices(notices: Sequence[Notice]) -> Sequence[Exception] | None:
    """Hear that fields were written elsewhere than in a cube, and survive whatever happens.

    Parameters
    ----------
    notices : sequence of Notice
        What came about since the last time, in order. Each may have been given before: one of the same stream and id
        is the same.

    Returns
    -------
    sequence of Exception, optional
        Failures that the plug-in has logged already.
    """


@hookspec
def oldest_needed(root: str, cube: str) -> Need | None:
    """Say which commit of a cube is the oldest that the plug-in has still to read.

    Purge keeps it and everything that came later. Nothing is purged if a plug-in raises, since it may need anything.

    Parameters
    ----------
    root, cube : str
        URL of the root and name of the cube.

    Returns
    -------
    Need, optional
        None if it needs none.
    """


@hookspec
def after_purge(root: str, cube: str, oldest: int) -> None:
    """Hear that the commits of a cube before a number are gone, to forget what belongs to them.

    Parameters
    ----------
    root, cube : str
        URL of the root and name of the cube.
    oldest : int
        Number of the oldest commit that is left.
    """


@hookspec
def worker_starts() -> Sequence[Callable[[], object]] | None:
    """Say what a worker process of a cluster should load before its first task, such as libraries.

    It is called where the client is. What it returns travels to every worker, also to those that come later, and runs
    there once, in a thread beside the worker, in the order in which it was given. A failure is logged there and does
    no harm. Settings must be read here: workers do not have them. Large constants are better loaded by the first task
    that needs them, by `dtedask.cluster.shared`.

    Returns
    -------
    sequence of callable, optional
        Functions of modules that workers can import, or `functools.partial` of such.
    """
