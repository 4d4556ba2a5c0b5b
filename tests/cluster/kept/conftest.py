"""What the tests of kept clusters share: a folder of their own for clusters, and one that runs."""

import dask.config
import pytest


@pytest.fixture
def jobs(tmp_path):
    """A folder for clusters that only this test uses."""
    with dask.config.set({"dtedask.jobs.folder": str(tmp_path / "jobs")}):
        yield tmp_path / "jobs"
