"""What stands behind a client that `client_for` gave: its profile, cluster and folder."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from dtedask.cluster.slurm.explain import explain_waiting
from dtedask.core.errors import ClusterError, WorkersMissingError
from dtedask.core.stages import stage

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Client
    from distributed.deploy.cluster import Cluster

    from dtedask.cluster.documents.profiles import Profile
    from dtedask.cluster.folder import ClusterFolder


@dataclass(frozen=True, slots=True)
class Started:
    """A cluster that runs.

    Parameters
    ----------
    profile : Profile
        What it was started from.
    cluster : distributed.deploy.Cluster, optional
        The cluster; None if its scheduler lives in another process.
    folder : ClusterFolder, optional
        Certificates, logs and state of its jobs; None if it has no jobs.
    dashboard : str
        Link to Dask's dashboard; empty if there is none.
    """

    profile: Profile
    cluster: Cluster | None = None
    folder: ClusterFolder | None = None
    dashboard: str = ""

    @property
    def certificates(self) -> Path | None:
        """Folder of the certificates by which it is talked to; None if talk is not encrypted."""
        return self.folder.tls if self.folder is not None and (self.folder.tls / "cert.pem").exists() else None

    @property
    def failure(self) -> ClusterError | None:
        """Why the cluster was given up, if it was."""
        return getattr(self.cluster, "failure", None)


_known: WeakKeyDictionary[Client, Started] = WeakKeyDictionary()
_ready: WeakSet[Client] = WeakSet()
_LOOK_S = 0.5
_RESTART_S = 10.0


def started(client: Client) -> Started | None:
    """Return what stands behind a client; None if `client_for` did not give it."""
    return _known.get(client)


def remember(client: Client, behind: Started) -> None:
    """Keep what stands behind a client, for `started`."""
    _known[client] = behind


def dashboard_of(client: Client) -> str:
    """Link to the dashboard of a client's scheduler; empty if it has none, for which Dask would make one up."""
    has_one = "dashboard" in client.scheduler_info(n_workers=0)["services"]
    return str(client.dashboard_link or "") if has_one else ""


def wait_for_workers(client: Client | None) -> None:
    """Wait until a client has had a worker, which costs nothing once it had.

    Nothing is waited for with threads of this process (None), and with clients that `client_for` did not give.

    Raises
    ------
    WorkersMissingError
        If none starts within the time that the profile gives; it says what SLURM says of each job.
    ClusterError
        If the cluster was given up.
    """
    behind = started(client) if client is not None else None
    if client is None or behind is None or client in _ready:
        return
    wait_for_one = getattr(behind.cluster, "wait_for_one", _ignore)
    wait_for_one(True)
    try:
        with stage("cluster", detail="waiting for workers"):
            _wait(client, behind)
    finally:
        wait_for_one(False)
    _ready.add(client)


def _wait(client: Client, behind: Started) -> None:
    deadline = time.monotonic() + behind.profile.start_timeout_s
    while True:
        try:
            client.wait_for_workers(1, timeout=min(max(deadline - time.monotonic(), 0.1), _LOOK_S))
        except TimeoutError:
            if behind.failure is None and time.monotonic() < deadline:
                continue
        except Exception:
            if behind.failure is None:
                raise
        else:
            return
        raise behind.failure or _missing(behind)


def _missing(behind: Started) -> WorkersMissingError:
    profile = behind.profile
    said = f"No worker of the profile {profile.name!r} started within {profile.start_timeout_s:g} s."
    if behind.folder is None:
        return WorkersMissingError(said, hint="Look at the log above.")
    log_folder = getattr(behind.cluster, "log_folder", behind.folder.logs)
    lines = explain_waiting(behind.folder, log_folder)
    return WorkersMissingError(
        "\n".join([said, *lines]),
        hint=f"Profile {profile.name!r} describes jobs and start-timeout: {profile.path}.",
    )


def _ignore(_is_waiting: bool) -> None:
    pass


def workers_now(client: Client) -> dict[str, dict[str, Any]]:
    """What the scheduler knows of the workers of a client, by address.

    Where all of them are being started again, the first is waited for, a few seconds at most.
    """
    wait_for_workers(client)
    found: dict[str, dict[str, Any]] = client.scheduler_info(n_workers=-1)["workers"]
    if not found:
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=_RESTART_S)
        found = client.scheduler_info(n_workers=-1)["workers"]
    return found
