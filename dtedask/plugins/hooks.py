"""The hooks that a plug-in may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dtedask.core.commit import Commit

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
