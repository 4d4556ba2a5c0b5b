"""What all tests share: a home of their own, real GRIB, real services, and how hypothesis runs."""

import copy
import fcntl
import hashlib
import logging
import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).parents[1]

# Before dask is imported anywhere: no test reads or writes the settings of the person who runs it.
_HOME = tempfile.mkdtemp(prefix="dtedask-tests-home-")
for _name in [name for name in os.environ if name.startswith("DASK_")]:
    del os.environ[_name]
os.environ["DTEDASK_TEST_USER_HOME"] = os.environ.get("HOME", "")
os.environ.update(
    HOME=_HOME,
    XDG_CONFIG_HOME=f"{_HOME}/.config",
    XDG_CACHE_HOME=f"{_HOME}/.cache",
    XDG_STATE_HOME=f"{_HOME}/.local/state",
    XDG_DATA_HOME=f"{_HOME}/.local/share",
    DASK_CONFIG=f"{_HOME}/.config/dask",
    ICECHUNK_LOG="error",
    MPLBACKEND="Agg",
    NO_COLOR="1",
    COLUMNS="120",
)

# Before any test imports cfgrib or eccodes: their wheel brings a PROJ of its own, which others must not find loaded.
import dtedask.grib  # noqa: E402, F401

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
_SET_BY_NANNIES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Folder of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def grib_folder() -> Path:
    """Folder of real GRIB files, named by DTEDASK_TEST_GRIB."""
    folder = Path(os.environ.get("DTEDASK_TEST_GRIB", REPOSITORY.parent / "shared" / "data" / "grib"))
    if not folder.is_dir():
        pytest.skip(f"no real GRIB in {folder}; name its folder by DTEDASK_TEST_GRIB")
    return folder


@pytest.fixture(autouse=True)
def _no_dask_settings_leak():
    import dask.config

    before = copy.deepcopy(dask.config.config)
    yield
    # Libraries that are imported meanwhile may add their defaults; what stood there must stay.
    assert dask.config.merge(dask.config.config, before) == dask.config.config, (
        "the test changed dask.config for others"
    )


@pytest.fixture(autouse=True)
def _all_is_logged():
    """Commands that ran side by side in threads may have left the levels of one another."""
    logging.disable(logging.NOTSET)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] == "dtedask" and isinstance(logger, logging.Logger):
            logger.setLevel(logging.NOTSET)
            logger.disabled, logger.propagate = False, True


@pytest.fixture(autouse=True)
def _no_cluster_leaks():
    """What distributed leaves set where its start was broken off must not reach other tests."""
    before = {name: os.environ.get(name) for name in _SET_BY_NANNIES}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    distributed = sys.modules.get("distributed")
    import dask.config

    if distributed is not None and dask.config.get("scheduler", None) == "dask.distributed":
        try:
            distributed.get_client()
        except ValueError:
            dask.config.config.pop("scheduler")


@pytest.fixture
def many_tasks(_no_dask_settings_leak):
    """Small fields are written by many tasks, as large ones are."""
    import dask.config

    with dask.config.set({"dtedask.ingest.batch-bytes": 100}):
        yield


def pytest_collection_modifyitems(items):
    """Tests with a SLURM run in one process, since some take its nodes away."""
    for item in items:
        if "slurm" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("slurm"))


_EXPORT = re.compile(r"^export (\w+)=(.*)$", re.MULTILINE)


@contextmanager
def _service(script):
    """Start a service by its script in tests/services, and put what it exports into the environment.

    A service that ran before the tests is used and left running. Of the processes that share one, the last stops it.
    """
    command = str(REPOSITORY / "tests" / "services" / script)
    with _shared(script) as stops:
        # Not captured: the daemons would hold a captured pipe open; the scripts talk to stderr.
        subprocess.run([command], check=True, stdout=subprocess.DEVNULL)
        exports = subprocess.run([command, "env"], check=True, stdout=subprocess.PIPE, text=True).stdout
        values = dict(_EXPORT.findall(exports))
        before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)
        try:
            yield values
        finally:
            if stops():
                subprocess.run([command, "stop"], check=True)
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


@contextmanager
def _shared(script):
    """Count the processes that use a service; gives what says, at the end, whether this one is to stop it."""
    sandbox = os.environ.get(f"{script.partition('-')[0].upper()}_SANDBOX", "")
    stem = Path(tempfile.gettempdir(), f"{script}-{hashlib.sha1(sandbox.encode()).hexdigest()[:8]}")
    ours = stem.with_suffix(".ours")
    with stem.with_suffix(".gate").open("w") as gate, stem.with_suffix(".users").open("w") as users:
        fcntl.flock(gate, fcntl.LOCK_EX)
        status = subprocess.run([REPOSITORY / "tests" / "services" / script, "status"], capture_output=True)
        if status.returncode != 0:
            ours.touch()
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)

        def stops():
            fcntl.flock(gate, fcntl.LOCK_EX)
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if ours.exists():
                    ours.unlink()
                    return True
            return False

        yield stops


@pytest.fixture(scope="session")
def slurm():
    """A SLURM of four virtual nodes; `sbatch` and `squeue` find it."""
    with _service("slurm-up") as values:
        yield values


@pytest.fixture(scope="session")
def s3():
    """An S3 server; obstore and Icechunk find it by the environment, its bucket is S3_BUCKET."""
    with _service("s3-up") as values:
        yield values


@pytest.fixture(scope="session")
def etcd():
    """An etcd; its address is ETCD_URL."""
    with _service("etcd-up") as values:
        yield values


@pytest.fixture(scope="session")
def nats():
    """A NATS server with JetStream; its address is NATS_URL."""
    with _service("nats-up") as values:
        yield values
