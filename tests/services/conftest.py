"""Real services on this machine, started by the scripts beside this file and stopped at the end.

A service that ran before the tests is used and left running.
"""

import os
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_EXPORT = re.compile(r"^export (\w+)=(.*)$", re.MULTILINE)


def pytest_collection_modifyitems(items):
    """Everything in this folder needs a service."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.service)


@contextmanager
def running(script):
    """Start a service and put what it exports into the environment."""
    command = str(HERE / script)
    was_up = subprocess.run([command, "status"], capture_output=True).returncode == 0
    # Not captured: the daemons would hold a captured pipe open; the scripts talk to stderr.
    subprocess.run([command], check=True, stdout=subprocess.DEVNULL)
    exports = subprocess.run([command, "env"], check=True, stdout=subprocess.PIPE, text=True).stdout
    values = dict(_EXPORT.findall(exports))
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield values
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if not was_up:
            subprocess.run([command, "stop"], check=True)


@pytest.fixture(scope="session")
def slurm():
    """A SLURM of four virtual nodes; `sbatch` and `squeue` find it."""
    with running("slurm-up") as values:
        yield values


@pytest.fixture(scope="session")
def s3():
    """An S3 server; obstore and Icechunk find it by the environment, its bucket is S3_BUCKET."""
    with running("s3-up") as values:
        yield values


@pytest.fixture(scope="session")
def etcd():
    """An etcd; its address is ETCD_URL."""
    with running("etcd-up") as values:
        yield values
