"""Write what a batch job needs into its folder, and submit it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dtedask.cluster.batch.folder import CONFIGURATION, JOB, JOB_ID, RECIPE
from dtedask.cluster.batch.script import batch_script
from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.security import make_certificates
from dtedask.core.errors import ClusterError, MissingExtraError

if TYPE_CHECKING:
    from dtedask.cluster.batch.job import BatchJob
    from dtedask.cluster.profiles import Profile

_HINTS = {
    "partition": "`sinfo` lists the partitions; name one with --partition, or 'queue' in the profile.",
    "account": "Name an account that may use the partition with --account, or 'account' in the profile.",
    "dependency": "Write --dependency as in afterok:123; `squeue` lists the jobs.",
    "time": "Write --walltime as in 01:30:00, below the limit that `sinfo` shows.",
    "node configuration": "No node has as many processors or as much memory as the profile asks for.",
    "Unable to contact": "The controller of SLURM does not answer; `scontrol ping` asks it.",
}


def prepare(job: BatchJob, profile: Profile, recipe: Mapping[str, Any], **state: Any) -> ClusterFolder:
    """Make the folder of a batch job: recipe and settings as they are now, certificates, and the script.

    Parameters
    ----------
    job : BatchJob
        What to ask for.
    profile : Profile
        Where it comes from.
    recipe : mapping
        The recipe, with absolute paths.
    **state
        What else to keep of the run.

    Returns
    -------
    ClusterFolder
        Ready for `submit`.
    """
    folder = ClusterFolder.make(job.name, kind="batch", profile=profile.name, status="submitted", **state)
    folder.update(host=None, pid=None, process_start=None)  # it belongs to no process of this host
    configuration = folder.path / CONFIGURATION
    configuration.mkdir(mode=0o700)
    folder.write(folder.path / RECIPE, _yaml(dict(recipe)))
    folder.write(folder.path / JOB, json.dumps(asdict(job), indent=1))
    folder.write(configuration / "1-settings.yaml", _yaml(_settings()))
    folder.write(configuration / "2-profile.yaml", _yaml(_allocation(job, profile)))
    if job.encrypt:
        make_certificates(folder.tls)
    folder.write(folder.job_script, batch_script(job, folder.path), mode=0o700)
    return folder


def submit(folder: ClusterFolder) -> str:
    """Submit the script of a folder and return the id of the job.

    Raises
    ------
    ClusterError
        If SLURM refuses it: what sbatch said.
    MissingExtraError
        If there is no sbatch here.
    """
    # What a job that we may be in says of itself is not true of another.
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("SLURM_") or key == "SLURM_CONF"
    }
    command = ["sbatch", "--parsable", str(folder.job_script)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise MissingExtraError(
            "There is no sbatch here to submit a job with.", hint="Submit on a login node of a SLURM cluster."
        ) from error
    if done.returncode != 0:
        said = " ".join(done.stderr.replace("sbatch: error: ", "").split())
        folder.end(status="refused")
        raise ClusterError(f"SLURM refused the job: {said}", hint=_hint(said))
    job_id = done.stdout.strip().partition(";")[0]
    folder.write(folder.path / JOB_ID, job_id)
    return job_id


def _hint(said: str) -> str:
    return next((hint for text, hint in _HINTS.items() if text in said), "")


def _settings() -> dict[str, Any]:
    """All settings of Dask as they are now, but for the profiles."""
    import dask.config

    found = {key: value for key, value in dask.config.config.items() if key not in ("jobqueue", "dtedask")}
    ours = {key: value for key, value in dask.config.get("dtedask", {}).items() if key not in ("profiles", "cluster")}
    return found | {"dtedask": ours}


def _allocation(job: BatchJob, profile: Profile) -> dict[str, Any]:
    """The profile as it is within the job: its workers are the job's own."""
    entry = {"kind": "allocation", "description": f"the allocation of {job.name}", "workers": job.workers}
    entry |= {"start-timeout": job.start_timeout_s, "encrypt": job.encrypt}
    return {"dtedask": {"cluster": profile.name, "profiles": {profile.name: entry}}, **profile.configuration}


def _yaml(value: Mapping[str, Any]) -> str:
    import yaml

    # JSON first: tuples and the like become what YAML knows.
    text: str = yaml.safe_dump(json.loads(json.dumps(value, default=str)), sort_keys=False, allow_unicode=True)
    return text
