"""Clients of clusters that somebody keeps running."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.cluster.behind import Started, remember, wait_for_workers
from dtedask.cluster.documents.profiles import Profile, profiles
from dtedask.cluster.kept.control import listens
from dtedask.cluster.kept.names import kept_folder, kept_names, standing_of
from dtedask.cluster.kept.order import LOG, PROFILE
from dtedask.cluster.security import security_in
from dtedask.cluster.slurm.job_logs import quote_logs
from dtedask.core.errors import ClusterError, DtedaskError, SettingError, WorkersMissingError
from dtedask.core.nearest import did_you_mean
from dtedask.core.settings import setting

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.cluster.folder import ClusterFolder

logger = logging.getLogger(__name__)

CONNECT_S = 10.0
_KILLED = "its process was gone"


def connect(name: str | None = None) -> Client:
    """Connect to a cluster that is kept running.

    Parameters
    ----------
    name : str, optional
        What `dtedask cluster start` named it; without one the setting ``dtedask.cluster``.

    Returns
    -------
    distributed.Client
        Closing it leaves the cluster as it is.

    Raises
    ------
    ClusterError
        If it has ended, its process is gone, or it does not answer: how it ended, the end of its log, and how to start
        it again.
    SettingError
        If no cluster of that name is kept.
    """
    wanted = setting("cluster") if name is None else name
    folder = kept_folder(wanted)
    if folder is None:
        known = kept_names()
        raise SettingError(
            f"No cluster {wanted!r} is kept running.",
            hint=did_you_mean(wanted, known) if known else "Start one by `dtedask cluster start`.",
        )
    return _connected(wanted, folder)


def wait_for_number(name: str, workers: int) -> None:
    """Wait until a kept cluster has so many workers, as long as its profile gives the first one.

    Raises
    ------
    WorkersMissingError
        If they do not come in time.
    """
    folder = kept_folder(name)
    if folder is None or not workers:
        return
    with _connected(name, folder) as client:
        wait_for_workers(client)
        timeout_s = profile_of(folder).start_timeout_s
        try:
            client.wait_for_workers(workers, timeout=timeout_s)
        except TimeoutError as error:
            there = len(client.scheduler_info(n_workers=-1)["workers"])
            raise WorkersMissingError(
                f"The cluster {name!r} has {there} of {workers} workers after {timeout_s:g} s.",
                hint=f"See what its jobs wait for: `dtedask cluster status {name}`.",
            ) from error


def where_to_run(name: str | None = None) -> str:
    """Check that there is a kept cluster or a profile of a name; return the name.

    Parameters
    ----------
    name : str, optional
        Without one the setting ``dtedask.cluster``.

    Raises
    ------
    SettingError
        If there is neither.
    """
    wanted = setting("cluster") if name is None else name
    if kept_folder(wanted) is None and wanted not in (known := profiles()):
        both = [*known, *kept_names()]
        raise SettingError(f"There is no cluster profile {wanted!r}.", hint=did_you_mean(wanted, both))
    return str(wanted)


@contextmanager
def kept_client(name: str, folder: ClusterFolder) -> Iterator[Client]:
    """Connect to a kept cluster, and leave it as it is at the end.

    Raises
    ------
    ClusterError
        As `connect`; also if the cluster dies while it is used.
    """
    if logger.isEnabledFor(logging.INFO) and name in profiles():
        logger.info("cluster %r: the one that is kept running is taken, not the profile of that name", name)
    with _connected(name, folder) as client:
        try:
            yield client
        except BaseException as error:  # a cancelled future is none of `Exception`
            if _may_follow_from_a_loss(error) and is_gone(folder):
                raise how_it_ended(name, folder) from error
            raise


def profile_of(folder: ClusterFolder) -> Profile:
    """The profile that a cluster was started from."""
    return Profile(**json.loads((folder.path / PROFILE).read_text("utf-8")))


def how_it_ended(name: str, folder: ClusterFolder) -> ClusterError:
    """Say how a cluster ended that is gone, what its log says at its end, and how to start it again."""
    state, log = folder.state(), folder.logs / LOG
    if state.get("ended"):
        text = f"The cluster {name!r} ended at {state['ended']} because {state.get('how_ended', _KILLED)}."
    else:
        text = (
            f"The cluster {name!r} is dead: its process {state.get('pid')} on {state.get('host')} is gone and has not"
            " ended it, as after `kill -9` or where memory ran out."
        )
    again = state.get("command", f"dtedask cluster start {name}")
    return ClusterError(text, hint=f"Start it again: `{again}`.{_tail(log)}")


def _may_follow_from_a_loss(error: BaseException) -> bool:
    ours = isinstance(error, DtedaskError) and not isinstance(error, ClusterError)
    return not (ours or isinstance(error, KeyboardInterrupt | GeneratorExit | SystemExit))


def is_gone(folder: ClusterFolder) -> bool:
    """Whether a cluster has ended or died, or is about to; one on another host is where nobody listens any more."""
    return standing_of(folder) in {"ended", "dead", "ending"} or not listens(folder.state().get("scheduler", ""))


def _connected(name: str, folder: ClusterFolder) -> Client:
    from distributed import Client

    standing, state = standing_of(folder), folder.state()
    if standing == "elsewhere" and state.get("kind") == "local-cluster":
        raise ClusterError(
            f"The cluster {name!r} consists of processes on {state['host']}, and listens there only.",
            hint="Run on that host, or start one on this host under another name.",
        )
    if standing in {"ended", "dead"}:
        raise how_it_ended(name, folder)
    if standing == "starting" or not state.get("scheduler"):
        raise ClusterError(f"The cluster {name!r} is still being started; ask for it again in a moment.")
    try:
        certificates = state.get("certificates")
        security = security_in(Path(certificates)) if certificates else None
        client = Client(state["scheduler"], timeout=CONNECT_S, security=security)
    except OSError as error:
        raise _no_answer(name, folder) from error
    logger.info("connected to the cluster %s: scheduler %s", name, state["scheduler"])
    remember(client, Started(profile_of(folder), None, folder, state.get("dashboard", "")))
    return client


def _no_answer(name: str, folder: ClusterFolder) -> ClusterError:
    state = folder.state()
    if standing_of(folder) in {"ended", "dead"}:
        return how_it_ended(name, folder)
    return ClusterError(
        f"The cluster {name!r} does not answer at {state['scheduler']}: process {state['pid']} on {state['host']}.",
        hint=f"Look whether that host is up, and into {folder.logs / LOG}; `dtedask cluster stop {name} --force`"
        " clears it away.",
    )


def _tail(log: Path) -> str:
    lines = quote_logs([log])
    if not lines:
        return ""
    return "".join([f" The end of its log, {log}:", *(f"\n    {line}" for line in lines)])
