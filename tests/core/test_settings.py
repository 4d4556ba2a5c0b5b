"""Settings come from dask.config, then from the defaults, and are checked against the schema."""

import subprocess
import sys
from importlib.resources import files

import dask.config
import pytest
import yaml

from dtedask.core.errors import SettingError
from dtedask.core.settings import Setting, check_settings, setting, settings


def leaves(section, prefix=""):
    for name, value in section.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_schema_and_defaults_name_the_same_keys():
    defaults = yaml.safe_load((files("dtedask") / "dtedask.yaml").read_text())["dtedask"]
    assert [entry.key for entry in settings()] == list(leaves(defaults))


def test_every_setting_has_a_description_and_a_legal_default():
    for entry in settings():
        assert entry.description.endswith("."), entry.key
        assert entry.is_default
        setting(entry.key)


def test_reading_a_setting_leaves_the_dask_configuration_alone():
    before = dask.config.serialize(dask.config.config)
    setting("store.root")
    assert dask.config.serialize(dask.config.config) == before


def test_sizes_become_bytes_and_durations_become_seconds():
    with dask.config.set({"dtedask.ingest.batch-bytes": "3 MiB", "dtedask.store.lock-timeout": "2 minutes"}):
        assert setting("ingest.batch-bytes") == 3 * 2**20
        assert setting("store.lock-timeout") == 120.0


def test_a_key_may_be_written_with_underscores():
    with dask.config.set({"dtedask.ingest.batch_bytes": 1000}):
        assert setting("ingest.batch-bytes") == 1000


def test_the_list_of_settings_shows_what_was_set_as_it_was_written():
    with dask.config.set({"dtedask.store.lock-timeout": "2 minutes"}):
        found = {entry.key: entry for entry in settings()}["store.lock-timeout"]
    assert isinstance(found, Setting)
    assert (found.value, found.default, found.is_default) == ("2 minutes", "60 s", False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dtedask.store.rooot": "x"}, r"Unknown setting 'dtedask.store.rooot'.*Did you mean 'store.root'"),
        ({"dtedask.stor.root": "x"}, r"Unknown setting 'dtedask.stor'.*store.root"),
        ({"dtedask.store": 4}, r"'dtedask.store' is 4; it is a section.*store.root"),
        ({"dtedask.store.root": 1}, r"'dtedask.store.root' is 1; it must be a text"),
        ({"dtedask.store.durable": "maybe"}, r"'maybe'; it must be true or false"),
        ({"dtedask.ingest.threads": 0}, r"is 0; it must be 1 or more"),
        ({"dtedask.ingest.threads": True}, r"True; it must be a whole number or null"),
        ({"dtedask.ingest.batch-bytes": "3 apples"}, r"'3 apples'; it must be a size such as"),
        ({"dtedask.store.lock-timeout": "soon"}, r"'soon'; it must be a duration such as"),
        ({"dtedask.store.lock-timeout": "-1 s"}, r"'-1 s'; it must be a duration such as"),
        ({"dtedask.plugins.disable": [1]}, r"it must be a list of texts"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_nearest_legal_one(given, message):
    with dask.config.set(given), pytest.raises(SettingError, match=message):
        check_settings()


def test_an_unknown_setting_cannot_be_asked_for():
    with pytest.raises(SettingError, match="Did you mean 'store.root'"):
        setting("store.rot")


def run(code, folder, **environment):
    import os

    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, env={**os.environ, **environment}
    )


ASK = "from dtedask.core.settings import setting; print(setting('store.root'))"


@pytest.mark.slow
def test_an_environment_variable_overrides_a_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("dtedask: {store: {root: from-file}}\n")
    assert run(ASK, tmp_path, DASK_CONFIG=str(tmp_path)).stdout.strip() == "from-file"
    both = run(ASK, tmp_path, DASK_CONFIG=str(tmp_path), DASK_DTEDASK__STORE__ROOT="from-env")
    assert both.stdout.strip() == "from-env"


@pytest.mark.slow
def test_a_wrong_setting_is_traced_to_its_file_or_variable(tmp_path):
    (tmp_path / "mine.yaml").write_text("dtedask: {store: {rooot: x}}\n")
    assert "mine.yaml" in run(ASK, tmp_path, DASK_CONFIG=str(tmp_path)).stderr
    assert "DASK_DTEDASK__STORE__ROOOT" in run(ASK, tmp_path, DASK_DTEDASK__STORE__ROOOT="x").stderr
