"""Write what a batch job needs into its folder, and submit it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dtedask.cluster.batch.folder import CONFIGURATION, JOB, JOB_ID, RECIPE
from dtedask.cluster.batch.runs import forget_old_runs, run_in
from dtedask.cluster.batch.script import batch_script
from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.security import make_certificates
from dtedask.core.errors import ClusterError

if TYPE_CHECKING:
    from dtedask.cluster.batch.job import BatchJob
    from dtedask.cluster.batch.runs import BatchRun
    from dtedask.cluster.documents.profiles import Profile

# By what sbatch says of a job that it refuses.
_HINTS = {
    "partition": "`sinfo` lists the partitions; name one with --partition, or 'queue' in the profile.",
    "account": "Name one that may use the partition with --account, or 'account' in the profile.",
    "dependency": "Write --dependency as in afterok:123, of jobs that SLURM still knows.",
    "time limit": "Write --walltime as in 01:30:00, below the limit of the partition that `sinfo` shows.",
    "node configuration": "No node has as many processors or as much memory as a worker of the profile asks for.",
    "node count": "Ask for fewer --nodes; `sinfo` shows how many there are.",
    "processors": "Ask for fewer --workers; `sinfo` shows how many nodes and processors there are.",
    "contact": "The controller of SLURM does not answer; `scontrol ping` asks it.",
}


def submit(job: BatchJob, profile: Profile, document: Mapping[str, Any], **state: Any) -> BatchRun:
    """Submit a batch job: recipe and settings are taken as they are now, certificates are made.

    Parameters
    ----------
    job : BatchJob
        What to ask for.
    profile : Profile
        Where it comes from.
    document : mapping
        The recipe, with absolute paths.
    **state
        What else to keep of the run.

    Raises
    ------
    ClusterError
        If there is no sbatch, or SLURM refuses the job: what it said.
    MissingExtraError
        If the job is to talk by TLS and no certificates can be made.
    """
    from dtedask.cluster.slurm.commands import require_commands

    require_commands("sbatch")
    folder = ClusterFolder.make(job.name, kind="batch", profile=profile.name, status="submitted", **state)
    folder.update(host=None, pid=None, process_start=None)  # it belongs to no process of this host
    _write(folder, job, profile, document)
    folder.write(folder.path / JOB_ID, _sbatch(folder))
    forget_old_runs()
    return run_in(folder)


def _write(folder: ClusterFolder, job: BatchJob, profile: Profile, document: Mapping[str, Any]) -> None:
    configuration = folder.path / CONFIGURATION
    configuration.mkdir(mode=0o700)
    folder.write(folder.path / RECIPE, _yaml(document))
    folder.write(folder.path / JOB, json.dumps(asdict(job), indent=1))
    folder.write(configuration / "1-settings.yaml", _yaml(_settings()))
    folder.write(configuration / "2-profile.yaml", _yaml(_allocation(job, profile)))
    if job.encrypt:
        make_certificates(folder.tls)
    folder.write(folder.job_script, batch_script(job, folder.path), mode=0o700)


def _sbatch(folder: ClusterFolder) -> str:
    # What a job that we may be in says of itself is not true of another.
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("SLURM_") or key == "SLURM_CONF"
    }
    command = ["sbatch", "--parsable", str(folder.job_script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = " ".join(done.stderr.replace("sbatch: error: ", "").split())
        folder.end(status="refused")
        hint = next((hint for text, hint in _HINTS.items() if text in said.lower()), "")
        raise ClusterError(f"SLURM refused the job: {said}", hint=hint)
    return done.stdout.strip().partition(";")[0]


def _settings() -> dict[str, Any]:
    """All of Dask's configuration as it is now, but for the profiles."""
    import dask.config

    found = {key: value for key, value in dask.config.config.items() if key not in ("jobqueue", "dtedask")}
    ours = {key: value for key, value in dask.config.get("dtedask", {}).items() if key != "profiles"}
    return found | {"dtedask": ours}


def _allocation(job: BatchJob, profile: Profile) -> dict[str, Any]:
    """The profile as it is within the job: its workers are the job's own."""
    entry = {"kind": "allocation", "description": f"the allocation of {job.name}", "workers": job.workers}
    entry |= {"start-timeout": job.start_timeout_s, "encrypt": job.encrypt}
    return {"dtedask": {"profiles": {profile.name: entry}}, **profile.configuration}


def _yaml(value: Mapping[str, Any]) -> str:
    import yaml

    # JSON first: tuples and the like become what YAML knows.
    text: str = yaml.safe_dump(json.loads(json.dumps(value, default=str)), sort_keys=False, allow_unicode=True)
    return text
