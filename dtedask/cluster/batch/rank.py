"""One worker of a batch job: ``python -m dtedask.cluster.batch.rank FOLDER ADDRESS GENERATION``."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dtedask.cluster.batch.folder import read_job, take_environment, take_settings
from dtedask.cluster.slurm.node_lines import folder_on_this_node


def main() -> None:
    """Run a nanny, which keeps one worker, until the scheduler ends it."""
    folder, address, generation = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    take_environment(folder)
    take_settings(folder)
    asyncio.run(_serve(read_job(folder), folder, address, worker_name(os.environ, generation)))


def worker_name(environment: Mapping[str, str], generation: str) -> str:
    """Number of the rank; a replacement gets another name, since the scheduler may still know the dead one."""
    lives = [part for part in (generation, environment.get("DTEDASK_LIFE", "0")) if part != "0"]
    return "-".join([environment.get("SLURM_PROCID", "0"), *lives])


def memory_of(job: Mapping[str, Any], environment: Mapping[str, str]) -> int:
    """Bytes of this worker: those of the first node leave room for scheduler and driver."""
    if environment.get("SLURM_NODEID", "0") != "0":
        return int(job["memory_bytes"])
    beside = environment.get("SLURM_STEP_TASKS_PER_NODE", "1").partition(",")[0].partition("(")[0]
    return int(job["memory_bytes"] - job["driver_bytes"] // max(int(beside), 1))


async def _serve(job: Mapping[str, Any], folder: Path, address: str, name: str) -> None:
    from distributed import Nanny

    from dtedask.cluster.security import security_in

    local = job["local_directory"]
    nanny = Nanny(
        address,
        name=name,
        nthreads=job["threads"],
        memory_limit=memory_of(job, os.environ),
        interface=job["interface"],
        local_directory=folder_on_this_node(local) if local else None,
        death_timeout=job["death_timeout_s"],
        security=security_in(folder / "tls") if job["encrypt"] else None,
    )
    async with nanny:
        await nanny.finished()


if __name__ == "__main__":
    main()
