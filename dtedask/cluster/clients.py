"""Clients of the clusters that profiles describe."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dtedask.cluster.batch.allocation import Allocation, allocation_cluster
from dtedask.cluster.behind import Started, dashboard_of, remember
from dtedask.cluster.documents.configured import configured
from dtedask.cluster.documents.profiles import Profile, chosen_profile
from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.kept.connect import kept_client, profile_of
from dtedask.cluster.kept.names import kept_folder
from dtedask.cluster.local import local_cluster
from dtedask.cluster.named import named_cluster
from dtedask.cluster.security import make_certificates, security_in
from dtedask.cluster.slurm.start import slurm_cluster
from dtedask.core.settings import setting

if TYPE_CHECKING:
    from distributed import Client
    from distributed.deploy.cluster import Cluster
    from distributed.security import Security

logger = logging.getLogger(__name__)


@contextmanager
def client_for(profile: str | Profile | None = None, *, folder: ClusterFolder | None = None) -> Iterator[Client | None]:
    """Start what a profile describes and stop it at the end, or connect to a cluster that is kept running.

    Parameters
    ----------
    profile : str or Profile, optional
        A name, or a profile; without one the setting ``dtedask.cluster``. A cluster that `dtedask cluster start` keeps
        under that name is taken before a profile of the same name, and left as it is at the end.
    folder : ClusterFolder, optional
        Folder that was made for the cluster; by default it gets one of its own if it needs one.

    Yields
    ------
    distributed.Client or None
        Connected to the scheduler; workers may still be starting: `wait_for_workers`. None for threads of this
        process.

    Raises
    ------
    SettingError
        If there is no such profile, or its cluster cannot be made as it says.
    ClusterError
        If the cluster cannot be started.
    MissingExtraError
        If the profile needs dask-jobqueue and it is not installed.
    """
    name = profile if isinstance(profile, str) else str(setting("cluster"))
    if not isinstance(profile, Profile) and Allocation.current is None and (kept := kept_folder(name)):
        with configured(profile_of(kept)), kept_client(name, kept) as client:
            _prepare(client)
            yield client
        return
    chosen = chosen_profile(profile)
    if chosen.kind == "threads":
        yield None
        return
    from distributed import Client

    with configured(chosen), _cluster(chosen, folder) as (cluster, place), Client(cluster) as client:
        behind = Started(chosen, cluster, place, dashboard_of(client))
        remember(client, behind)
        logger.info("cluster %s: scheduler %s, dashboard %s", chosen.name, client.scheduler.address, behind.dashboard)
        _prepare(client)
        with _telling_why(behind):
            yield client


def _prepare(client: Client) -> None:
    from dtedask.cluster.workers.plugin import prepare_workers  # it imports distributed

    prepare_workers(client)


@contextmanager
def _cluster(profile: Profile, folder: ClusterFolder | None) -> Iterator[tuple[Cluster, ClusterFolder | None]]:
    certified: dict[str, Callable[[Profile, Security], Cluster]] = {
        "local-cluster": local_cluster,
        "class": named_cluster,
    }
    if profile.encrypt and profile.kind in certified:
        start = certified[profile.kind]
        with _certified(profile, folder) as place, start(profile, security_in(place.tls)) as encrypted:
            yield encrypted, place
        return
    starts: dict[str, Callable[[Profile], Cluster]] = {
        "local-cluster": local_cluster,
        "slurm": lambda profile: slurm_cluster(profile, folder),
        "class": named_cluster,
        "allocation": allocation_cluster,
    }
    with starts[profile.kind](profile) as cluster:
        yield cluster, getattr(cluster, "folder", folder)


@contextmanager
def _certified(profile: Profile, folder: ClusterFolder | None) -> Iterator[ClusterFolder]:
    """Have a folder with certificates for a cluster on this machine."""
    if folder is None:
        folder = ClusterFolder.make(profile.name, kind=profile.kind, profile=profile.name)
    try:
        make_certificates(folder.tls)
        yield folder
    finally:
        folder.end()


@contextmanager
def _telling_why(behind: Started) -> Iterator[None]:
    """Where a cluster was given up, say why instead of what followed from it."""
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # a cancelled future is none of `Exception`
        failure = behind.failure
        if failure is None or failure is error:
            raise
        raise failure from error
