"""Clusters whose process was killed: their jobs are cancelled by the next cluster that starts on the same host."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime

from dtedask.cluster.folder import ClusterFolder, clusters_folder
from dtedask.cluster.slurm.commands import cancel, list_jobs
from dtedask.core.errors import ClusterError
from dtedask.core.settings import setting

logger = logging.getLogger(__name__)
ENDS = {"ends_with_process": True}
"""What the state of a folder says if its jobs are of no use without its process."""


def end_orphans() -> None:
    """Cancel the jobs of clusters whose process is gone, and remove folders of clusters that ended long ago."""
    for path in clusters_folder().glob("*/state.json"):
        folder = ClusterFolder(path.parent)
        state = folder.state()
        if state.get("ended"):
            if _age_s(state["ended"]) > setting("jobs.keep-logs"):
                shutil.rmtree(folder.path, ignore_errors=True)
        elif state.get("ends_with_process") and folder.is_orphaned:
            end_orphan(folder)


def end_orphan(folder: ClusterFolder) -> bool:
    """Cancel the jobs of a cluster whose process is gone, and say that it ended; False if they cannot be cancelled."""
    state = folder.state()
    try:
        left = [job.id for job in list_jobs(folder.path) if not job.has_ended] if "jobs" in state else []
        if left:
            cancel(left)
    except ClusterError as error:
        logger.warning("the cluster %s has lost its process, and its jobs cannot be cancelled: %s", folder.id, error)
        return False
    folder.end(left=left)
    logger.warning(
        "the cluster %s had lost its process %s; %s",
        folder.id,
        state.get("pid"),
        f"its jobs {', '.join(left)} are cancelled" if left else "no jobs of it were left",
    )
    return True


def _age_s(ended: str) -> float:
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(ended)).total_seconds()
    except ValueError:
        return 0.0
