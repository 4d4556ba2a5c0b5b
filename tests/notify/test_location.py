"""Where the log of a root lies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dask.config
import pytest

from dtedask.core.errors import NoticeError
from dtedask.notify import location
from dtedask.notify.location import log_path


def test_a_root_on_local_disk_holds_its_own_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert log_path("data") == log_path(tmp_path / "data") == log_path(f"file://{tmp_path}/data/")
    assert log_path("data") == tmp_path / "data" / "notices.sqlite"


def test_roots_elsewhere_have_theirs_in_the_state_folder_each_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, other = log_path("s3://bucket/one"), log_path("s3://bucket/other")
    assert one != other
    assert one.parent.parent == other.parent.parent == tmp_path / "dtedask"
    assert log_path("s3://bucket/one/") == one


def test_without_xdg_the_state_folder_is_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert log_path("s3://bucket/one").is_relative_to(tmp_path / ".local/state/dtedask")


def test_a_root_that_cannot_be_written_has_its_log_in_the_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert log_path(tmp_path).is_relative_to(tmp_path / "state")


def test_a_root_in_memory_has_a_log_that_ends_with_the_process(tmp_path):
    code = "from dtedask.notify import location; p = location.log_path('memory://a'); p.parent.mkdir(); print(p)"
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert Path(run.stdout.strip()).is_relative_to(tmp_path / "dtedask")
    assert list((tmp_path / "dtedask").iterdir()) == []


def test_a_state_folder_that_cannot_be_made_is_a_clear_error(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    location._memory_folder.cache_clear()
    with pytest.raises(NoticeError, match=r"Cannot write the state folder .* dtedask\.notify\.log"):
        log_path("memory://a")


@pytest.mark.parametrize(("setting", "below"), [("logs", "logs"), ("one.sqlite", "")])
def test_the_setting_names_a_folder_of_logs_or_one_file(tmp_path, setting, below):
    with dask.config.set({"dtedask.notify.log": str(tmp_path / setting)}):
        path = log_path("data")
    assert path == tmp_path / "one.sqlite" or path.parent.parent == tmp_path / below
