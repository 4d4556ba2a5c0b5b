"""Importing libraries of clusters leaves this process as it is."""

import subprocess
import sys

import pytest

CHECK = """
import signal
import dask.config
from dtedask.cluster import profile
from dtedask.cluster.documents.configured import configured
from dtedask.cluster.imports import import_undisturbed

with dask.config.set({"jobqueue.slurm.queue": "mine"}):
    with configured(profile("slurm")):
        import_undisturbed("dask_jobqueue")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert dask.config.get("jobqueue.slurm.cores", "lost") is None
"""


@pytest.mark.slow
def test_dask_jobqueue_neither_takes_ctrl_c_nor_loses_its_defaults():
    subprocess.run([sys.executable, "-c", CHECK], check=True)
