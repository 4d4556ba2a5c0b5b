"""What stands behind a client that `client_for` gave: its profile, cluster and folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

from dtedask.core.errors import WorkersMissingError

if TYPE_CHECKING:
    from distributed import Client
    from distributed.deploy.cluster import Cluster

    from dtedask.cluster.folder import ClusterFolder
    from dtedask.cluster.profiles import Profile


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


_known: WeakKeyDictionary[Client, Started] = WeakKeyDictionary()
_ready: WeakSet[Client] = WeakSet()


def started(client: Client) -> Started | None:
    """Return what stands behind a client; None if `client_for` did not give it."""
    return _known.get(client)


def remember(client: Client, behind: Started) -> None:
    """Keep what stands behind a client, for `started`."""
    _known[client] = behind


def wait_for_workers(client: Client | None) -> None:
    """Wait until a client has had a worker, which costs nothing once it had.

    Nothing is waited for with threads of this process (None), and with clients that `client_for` did not give.

    Raises
    ------
    WorkersMissingError
        If none starts within the time that the profile gives.
    """
    behind = started(client) if client is not None else None
    if client is None or behind is None or client in _ready:
        return
    profile = behind.profile
    try:
        client.wait_for_workers(1, timeout=profile.start_timeout_s)
    except TimeoutError as error:
        look = "Look at `squeue` and at the logs of the jobs." if profile.kind == "slurm" else "Look at the log above."
        raise WorkersMissingError(
            f"No worker of the profile {profile.name!r} started within {profile.start_timeout_s:g} s.", hint=look
        ) from error
    _ready.add(client)
