"""What all tests share: a home of their own, real GRIB, and how hypothesis runs."""

import copy
import os
import tempfile
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


@pytest.fixture
def many_tasks(_no_dask_settings_leak):
    """Small fields are written by many tasks, as large ones are."""
    import dask.config

    with dask.config.set({"dtedask.ingest.batch-bytes": 100}):
        yield
