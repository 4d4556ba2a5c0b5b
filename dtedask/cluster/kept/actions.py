"""Change and end clusters that are kept running."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dtedask.cluster.kept.connect import how_it_ended
from dtedask.cluster.kept.launch import check_workers
from dtedask.cluster.kept.names import forget_name, standing_of
from dtedask.cluster.kept.status import ask_owner, folder_named
from dtedask.cluster.slurm.orphans import end_orphan
from dtedask.core.errors import ClusterError

if TYPE_CHECKING:
    from dtedask.cluster.folder import ClusterFolder

logger = logging.getLogger(__name__)

END_S = 120.0


def scale(name: str, minimum: int, maximum: int | None = None) -> None:
    """Want another number of workers of a kept cluster; nothing is waited for.

    Parameters
    ----------
    name : str
        Its name.
    minimum, maximum : int
        How many workers; as many as the work needs, between both, where they differ.

    Raises
    ------
    NoMatchError
        If there is no such cluster.
    ClusterError
        If the cluster does not run, or is ending.
    """
    most = minimum if maximum is None else maximum
    check_workers(minimum, most)
    folder = folder_named(name)
    _refuse_others(folder)
    if standing_of(folder) in {"ended", "dead"}:
        raise how_it_ended(_name(folder), folder)
    _ask(folder, {"op": "scale", "minimum": minimum, "maximum": most}, hint="")


def stop(name: str, *, force: bool = False) -> None:
    """End a kept cluster: jobs, scheduler and process; clear away what is left of a dead one.

    Parameters
    ----------
    name : str
        Its name, or the id of any that is dead.
    force : bool, optional
        Even if tasks are unfinished, and even if its process does not answer.

    Raises
    ------
    NoMatchError
        If there is no such cluster.
    ClusterError
        If tasks are unfinished, its process does not answer, or it belongs to a run.
    """
    folder = folder_named(name)
    if folder.state().get("kind") != "batch" and standing_of(folder) in {"ended", "dead"}:
        clear_away(folder, force=force)
        return
    _refuse_others(folder)
    try:
        _ask(folder, {"op": "stop", "force": force}, hint="Wait for them, or end them by --force.")
    except NoAnswerError:
        if not force:
            raise
        _kill(folder)
        clear_away(folder, force=True)


def clear_away(folder: ClusterFolder, *, force: bool = False) -> None:
    """Cancel the jobs of a cluster whose process is gone, and remove its folder.

    Raises
    ------
    ClusterError
        If its jobs cannot be cancelled, unless by force.
    """
    state = folder.state()
    if not (state.get("ended") or end_orphan(folder) or force):
        ids = ", ".join(state.get("jobs", {}).values())
        raise ClusterError(
            f"The jobs {ids} of the cluster {_name(folder)!r} cannot be cancelled: SLURM does not answer from here.",
            hint="Try again later, or take --force to clear away the folder and leave the jobs to end by themselves.",
        )
    if state.get("kept"):
        forget_name(state["kept"], folder)
    shutil.rmtree(folder.path, ignore_errors=True)
    logger.info("cleared away what was left of %s", folder.id)


class NoAnswerError(ClusterError):
    """The process of a cluster does not answer."""


def _ask(folder: ClusterFolder, question: Mapping[str, Any], hint: str) -> None:
    name = _name(folder)
    try:
        answer = ask_owner(folder, question, end_s=END_S)
    except OSError as error:
        state = folder.state()
        raise NoAnswerError(
            f"The cluster {name!r} does not answer: process {state.get('pid')} on {state.get('host')}: {error}.",
            hint=f"`dtedask cluster stop {name} --force` ends what can be ended from here, and clears it away.",
        ) from error
    if not answer["done"]:
        raise ClusterError(f"The cluster {name!r} was left as it is: {answer['text']}.", hint=hint)


def _refuse_others(folder: ClusterFolder) -> None:
    state = folder.state()
    if state.get("kind") == "batch":
        raise ClusterError(
            f"{folder.id!r} is a batch job and no kept cluster.", hint="`scancel` ends it; see `dtedask recipe status`."
        )
    if not state.get("kept"):
        raise ClusterError(
            f"The cluster {folder.id!r} is not kept: it belongs to a run, process {state.get('pid')} on"
            f" {state.get('host')}, and ends with it."
        )


def _name(folder: ClusterFolder) -> str:
    return str(folder.state().get("kept") or folder.id)


def _kill(folder: ClusterFolder) -> None:
    """End a process of this host that does not answer."""
    if standing_of(folder) in {"starting", "running", "ending"}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(folder.state()["pid"]), signal.SIGKILL)
