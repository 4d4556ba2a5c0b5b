"""A batch job takes its settings from its folder."""

import json
import os
import subprocess
import sys

import pytest

LOOK = """
import json, os, sys
from pathlib import Path
from dtedask.cluster.batch.folder import take_environment, take_settings
folder = Path(sys.argv[1])
take_environment(folder)
take_settings(folder)
import dask.config, distributed
from dtedask.cluster import profiles
from dtedask.core.settings import setting
variables = sorted(name for name in os.environ if name.startswith("DASK_"))
connect = dask.config.get("distributed.comm.timeouts.connect")
print(json.dumps([setting("store.root"), setting("store.durable"), connect, variables, sorted(profiles())]))
"""


@pytest.mark.slow
def test_neither_variables_nor_the_home_of_the_user_change_what_was_taken_at_submission(tmp_path):
    home, folder = tmp_path / "home" / ".config" / "dask", tmp_path / "configuration"
    home.mkdir(parents=True)
    folder.mkdir()
    (home / "mine.yaml").write_text(
        "dtedask: {store: {durable: false}}\ndistributed: {comm: {timeouts: {connect: 1s}}}\n"
    )
    (folder / "1-settings.yaml").write_text("dtedask: {store: {root: taken}}\n")
    (folder / "2-profile.yaml").write_text("dtedask: {profiles: {site: {kind: allocation}}}\n")
    environment = {key: value for key, value in os.environ.items() if key != "DASK_CONFIG"}
    environment |= {"HOME": str(tmp_path / "home"), "DASK_DTEDASK__STORE__ROOT": "changed"}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, tmp_path], env=environment, capture_output=True, text=True, check=True
    )
    root, durable, connect, variables, profiles = json.loads(done.stdout)
    assert (root, durable, connect, variables) == ("taken", True, "30s", ["DASK_CONFIG"])
    assert "site" in profiles
