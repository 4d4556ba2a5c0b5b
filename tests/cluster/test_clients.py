"""Clients: none for threads, a LocalCluster, and what is said where something is missing."""

import os
import sys
from dataclasses import replace

import dask.config
import pytest

from dtedask.cluster import Profile, client_for, job_script, profile, started, wait_for_workers
from dtedask.core.errors import ClusterError, MissingExtraError, SettingError, WorkersMissingError


def test_threads_of_this_process_need_no_client():
    with client_for("local") as client:
        assert client is None


def test_an_unknown_profile_is_refused_before_anything_starts():
    with pytest.raises(SettingError, match="no cluster profile 'nowhere'"), client_for("nowhere"):
        pass


@pytest.mark.parametrize("call", [job_script, lambda name: client_for(name).__enter__()])
def test_without_dask_jobqueue_the_command_that_installs_it_is_named(monkeypatch, call):
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(MissingExtraError, match=r'pip install "dtedask\[slurm\]"'):
        call("slurm")


@pytest.mark.slow
def test_a_local_cluster_has_the_workers_and_the_environment_of_its_profile():
    with client_for("local-cluster") as client:
        wait_for_workers(client)
        assert len(client.scheduler_info()["workers"]) == profile("local-cluster").workers
        assert client.submit(os.environ.get, "MALLOC_TRIM_THRESHOLD_").result() == "268435456"
    assert client.status == "closed"


@pytest.mark.slow
def test_a_cluster_whose_workers_never_start_is_given_up_in_time(monkeypatch):
    from dtedask.cluster import clients

    def no_workers(profile):
        from distributed import LocalCluster

        return LocalCluster(n_workers=0, dashboard_address=":0")

    monkeypatch.setattr(clients, "local_cluster", no_workers)
    never = Profile(name="never", kind="local-cluster", start_timeout_s=0.2)
    late = pytest.raises(WorkersMissingError, match=r"No worker of the profile 'never' started within 0\.2 s")
    with client_for(never) as client, late:
        wait_for_workers(client)


@pytest.mark.slow
def test_profile_and_dashboard_of_a_client_can_be_asked_for():
    with client_for("local-cluster") as client:
        behind = started(client)
        assert behind.profile.name == "local-cluster"
        assert behind.dashboard == client.dashboard_link
        assert behind.cluster is client.cluster


@pytest.mark.slow
def test_nothing_is_known_of_a_client_of_somebody_else_and_it_is_not_waited_for():
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=0, dashboard_address=":0") as cluster, Client(cluster) as client:
        assert started(client) is None
        wait_for_workers(client)
    wait_for_workers(None)


@pytest.mark.slow
def test_a_cluster_of_any_class_is_started_with_its_options_and_gets_its_workers():
    options = {"n_workers": 0, "processes": False, "threads_per_worker": 1, "dashboard_address": ":0"}
    two = Profile(name="two", kind="class", class_path="distributed.LocalCluster", options=options, workers=2)
    with client_for(two) as client:
        client.wait_for_workers(2, timeout=30)
        assert client.submit(abs, -1).result() == 1


@pytest.mark.slow
def test_workers_on_one_machine_can_talk_by_tls_with_certificates_that_go_at_the_end(tmp_path):
    encrypted = replace(profile("local-cluster"), encrypt=True)
    with dask.config.set({"dtedask.jobs.folder": str(tmp_path)}), client_for(encrypted) as client:
        certificates = started(client).certificates
        assert client.scheduler.address.startswith("tls://")
        assert client.submit(abs, -1).result() == 1
        assert {path.stat().st_mode & 0o777 for path in certificates.iterdir()} == {0o600}
    assert not certificates.exists()


@pytest.mark.slow
def test_workers_on_one_machine_can_follow_the_work():
    none_at_first = replace(profile("local-cluster"), workers=0, workers_maximum=1, threads=1)
    with client_for(none_at_first) as client:
        assert client.submit(abs, -1).result(timeout=60) == 1


def test_where_a_cluster_was_given_up_the_reason_is_raised_instead_of_what_followed():
    from concurrent.futures import CancelledError
    from types import SimpleNamespace

    from dtedask.cluster import Started
    from dtedask.cluster.clients import _telling_why

    given_up = Started(profile("slurm"), SimpleNamespace(failure=ClusterError("three jobs in a row ended")))
    with pytest.raises(ClusterError, match="three jobs in a row"), _telling_why(given_up):
        raise CancelledError
    alive = Started(profile("slurm"), SimpleNamespace(failure=None))
    with pytest.raises(CancelledError, match="^$"), _telling_why(alive):
        raise CancelledError
