"""Folders of clusters: where they are, who can read them, and whose owner is gone."""

import os
import subprocess
import sys
from pathlib import Path

import dask.config
import pytest

from dtedask.cluster.folder import ClusterFolder, cluster_folders, jobs_folder
from dtedask.core.errors import ClusterError


@pytest.fixture(autouse=True)
def jobs(tmp_path):
    with dask.config.set({"dtedask.jobs.folder": str(tmp_path / "jobs")}):
        yield tmp_path / "jobs"


def test_a_folder_says_what_it_is_of_and_nobody_else_can_open_it(jobs):
    folder = ClusterFolder.make("night run", profile="slurm")
    assert folder.path.parent == jobs / "clusters"
    assert folder.id.startswith("night-run-")
    state = folder.state()
    assert (state["name"], state["profile"], state["pid"]) == ("night run", "slurm", os.getpid())
    assert [path.stat().st_mode & 0o077 for path in (folder.path, folder.tls)] == [0, 0]


def test_files_of_a_folder_are_for_its_user_only(jobs):
    folder = ClusterFolder.make("slurm")
    folder.write(folder.tls / "key.pem", "secret")
    assert (folder.tls / "key.pem").stat().st_mode & 0o777 == 0o600
    assert (folder.path / "state.json").stat().st_mode & 0o777 == 0o600


def test_the_state_is_kept_and_changed_key_by_key():
    folder = ClusterFolder.make("slurm", jobs=["1"])
    folder.update(jobs=["1", "2"])
    assert folder.state()["jobs"] == ["1", "2"]
    assert folder.state()["name"] == "slurm"
    assert cluster_folders() == [folder]


def test_at_the_end_certificates_go_and_logs_stay():
    folder = ClusterFolder.make("slurm")
    folder.write(folder.tls / "key.pem", "secret")
    (folder.logs / "worker-1.err").write_text("log")
    folder.end()
    assert not folder.tls.exists()
    assert (folder.logs / "worker-1.err").exists()
    assert folder.state()["ended"]


def test_a_folder_is_orphaned_when_its_process_is_gone_without_having_ended_it(jobs):
    make = "from dtedask.cluster.folder import ClusterFolder as C; a, b = C.make('a'), C.make('b'); b.end()"
    environment = os.environ | {"DASK_DTEDASK__JOBS__FOLDER": str(jobs)}
    subprocess.run([sys.executable, "-c", make], check=True, env=environment)
    ours = ClusterFolder.make("c")
    assert [(folder.state()["name"], folder.is_orphaned) for folder in cluster_folders()] == [
        ("a", True),
        ("b", False),
        ("c", False),
    ]
    ours.update(host="elsewhere", pid=2**22 + 1)
    assert not ours.is_orphaned


def test_a_folder_without_a_state_that_can_be_read_is_nobodys(jobs):
    folder = ClusterFolder.make("slurm")
    (folder.path / "state.json").write_text("{")
    assert folder.state() == {}
    assert not folder.is_orphaned


def test_the_place_is_the_state_folder_of_the_user_unless_a_setting_names_another(monkeypatch, tmp_path):
    monkeypatch.setenv("WORK", str(tmp_path))
    with dask.config.set({"dtedask.jobs.folder": "$WORK/x"}):
        assert jobs_folder() == tmp_path / "x"
    with dask.config.set({"dtedask.jobs.folder": None}):
        assert jobs_folder({"XDG_STATE_HOME": "/s"}) == Path("/s/dtedask")
        assert jobs_folder({}) == Path("~/.local/state/dtedask").expanduser()


def test_a_place_that_cannot_be_written_is_named_with_the_setting(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        dask.config.set({"dtedask.jobs.folder": str(tmp_path / "file")}),
        pytest.raises(ClusterError, match=r"folder '.*file/clusters/.*' cannot be made.*dtedask\.jobs\.folder"),
    ):
        ClusterFolder.make("slurm")
