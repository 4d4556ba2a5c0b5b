"""Submit jobs while their scheduler is still being started: workers take a while, and so does it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import dask.config
from distributed.utils import get_ip, get_ip_interface

from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.slurm.keeper_events import Refused, Submitted
from dtedask.cluster.slurm.keeping import submit_job

_AT_ONCE = 4


class KeptPort:
    """A port of this host that nobody else gets until the scheduler listens at it.

    Parameters
    ----------
    interface : str, optional
        Network interface at which it will; None for all.
    protocol : str
        Such as ``tls``.
    """

    def __init__(self, interface: str | None, protocol: str) -> None:
        host = get_ip_interface(interface) if interface else get_ip()
        # It never listens, so that a second socket may bind to its port.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host if interface else "", 0))
        self.number: int = self._socket.getsockname()[1]
        self.address = f"{protocol}://{host}:{self.number}"

    def release(self) -> None:
        """Let others have it, once the scheduler ends."""
        self._socket.close()


def keep_port(options: dict[str, Any], *, is_encrypted: bool) -> KeptPort | None:
    """Keep a port for the scheduler of a cluster with these options; None where they say where it listens.

    Parameters
    ----------
    options : dict
        As for `dask_jobqueue.SLURMCluster`; the port is entered.
    is_encrypted : bool
        Whether it talks by TLS.
    """
    scheduler = options["scheduler_options"]
    if set(scheduler) & {"host", "interface", "port", "protocol", "contact_address"} or options.get("protocol"):
        return None
    section = options.get("config_name") or "slurm"
    interface = options.get("interface") or dask.config.get(f"jobqueue.{section}.interface", None)
    try:
        port = KeptPort(interface, "tls" if is_encrypted else "tcp")
    except (OSError, ValueError):  # the scheduler says what is wrong
        return None
    options["scheduler_options"] = {**scheduler, "port": port.number}
    return port


def submit_early(
    names: list[str], folder: ClusterFolder, script_of: Callable[[str], str]
) -> dict[str, Future[Submitted | Refused]]:
    """Submit the jobs of these names in threads; gives the answers of SLURM to come, by name."""
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="submit")
    begun = {name: pool.submit(submit_job, folder, name, script_of) for name in names}
    pool.shutdown(wait=False)
    return begun
