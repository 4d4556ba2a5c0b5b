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


def take_settings(folder: Path) -> None:
    """Have this process take all settings from the folder, and none from its environment or its user's home.

    What it starts does the same, as far as its environment says so.
    """
    for name in [name for name in os.environ if name.startswith("DASK_")]:
        del os.environ[name]
    configuration = str(folder / CONFIGURATION)
    os.environ["DASK_CONFIG"] = configuration
    import dask.config

    dask.config.paths[:] = [configuration]
    dask.config.refresh(paths=[configuration], env={})
