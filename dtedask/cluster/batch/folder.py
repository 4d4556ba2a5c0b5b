"""What lies in the folder of a batch job, and how its processes take their settings from there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

RECIPE = "recipe.yaml"
CONFIGURATION = "configuration"
JOB = "job.json"
JOB_ID = "job-id"


def read_job(folder: Path) -> dict[str, Any]:
    """What the job asked for: the fields of `BatchJob`."""
    found: dict[str, Any] = json.loads((folder / JOB).read_text("utf-8"))
    return found


def take_environment(folder: Path) -> None:
    """Have processes that this one starts take Dask's settings from the folder, and none from the environment."""
    for name in [name for name in os.environ if name.startswith("DASK_")]:
        del os.environ[name]
    os.environ["DASK_CONFIG"] = str(folder / CONFIGURATION)


def take_settings(folder: Path) -> None:
    """Have this process take Dask's settings from the folder, and none from its user's home."""
    import dask.config

    configuration = str(folder / CONFIGURATION)
    dask.config.paths[:] = [configuration]
    dask.config.refresh(paths=[configuration], env={})
