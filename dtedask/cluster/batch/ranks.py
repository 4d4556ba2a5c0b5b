"""Ranks: the step of a job that runs its workers, one a task, and replaces those that die."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import Any

from dtedask.core.errors import ClusterError

# Of one rank. A worker that the scheduler ended ends with 0; one that dies young three times in a row is given up.
# SIGTERM is left to the driver: it finishes what is under way, and needs its workers for that.
_LOOP = """\
trap '' TERM
life=0 young=0
while :; do
    born=$(date +%s)
    DTEDASK_LIFE=$life "$@"
    status=$?
    [ "$status" -eq 0 ] && exit 0
    echo "worker $SLURM_PROCID ended with status $status" >&2
    if [ $(($(date +%s) - born)) -lt 20 ]; then young=$((young + 1)); else young=0; fi
    [ "$young" -ge 3 ] && exit "$status"
    life=$((life + 1))
    sleep 0.2
done
"""


def start_ranks(job: dict[str, Any], folder: Path, address: str, *, generation: int = 0) -> subprocess.Popen[bytes]:
    """Start the workers of a job, which look for a scheduler at `address`."""
    step = ["srun", f"--ntasks={job['workers']}", f"--cpus-per-task={job['cpus']}"]
    # A worker that dies takes no other with it, whatever the site's configuration says.
    step += ["--kill-on-bad-exit=0", "--wait=0", "--no-kill", "--mpi=none", "--input=none", "--export=ALL"]
    step += [f"--output={folder / 'logs' / 'worker-%t.log'}", "--open-mode=append"]
    rank = [job["python"], "-m", "dtedask.cluster.batch.rank", str(folder), address, str(generation)]
    return subprocess.Popen([*step, "sh", "-c", _LOOP, "rank", *rank])


def reserve(interface: str | None) -> socket.socket:
    """Take a port at which the scheduler will listen, so that workers can be started before it.

    The socket never listens: a second one may bind to its port, and nobody else gets it meanwhile.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((host_of(interface), 0))
    return found


def host_of(interface: str | None) -> str:
    """Address of this host that the other nodes of the job reach."""
    if interface:
        import psutil

        addresses = psutil.net_if_addrs().get(interface, [])
        for found in addresses:
            if found.family == socket.AF_INET:
                return str(found.address)
        known = ", ".join(sorted(psutil.net_if_addrs()))
        raise ClusterError(
            f"The node {socket.gethostname()} has no network interface {interface!r}; it has {known}.",
            hint="Name one that all nodes have by `interface` in the profile.",
        )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("8.8.8.8", 80))  # sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostbyname(socket.gethostname())
