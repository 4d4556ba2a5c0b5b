"""Names of kept clusters: who has one, and how a process that is gone is told from one that runs."""

import shutil
import threading

import pytest

from dtedask.cluster import connect
from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.kept.names import check_name, holding_name, kept_folder, kept_names, standing_of
from dtedask.core.errors import ClusterError, SettingError

NOBODY = 2**22 + 1  # more than any number that Linux gives to a process


@pytest.fixture
def folder(jobs):
    return ClusterFolder.make("night", kept="night", control=["127.0.0.1", 1])


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", ".x", "x" * 65])
def test_what_cannot_be_a_file_is_no_name(name, jobs):
    with pytest.raises(SettingError, match="cannot be the name of a cluster"):
        check_name(name)
    assert kept_folder(name) is None


def test_a_name_is_held_while_its_cluster_runs(folder):
    with holding_name("night", folder):
        assert kept_names() == ["night"]
        assert kept_folder("night") == folder
    assert kept_names() == []


def test_a_cluster_that_ended_by_itself_keeps_its_name_until_the_next_wants_it(folder):
    with holding_name("night", folder):
        folder.update(ended_by_itself=True)
    folder.end()
    assert kept_folder("night") == folder
    with holding_name("night", other := ClusterFolder.make("night")):
        assert kept_folder("night") == other


def test_a_name_whose_folder_was_removed_is_free(folder):
    with holding_name("night", folder):
        shutil.rmtree(folder.path)
        assert kept_names() == []
        assert kept_folder("night") is None


def test_a_file_system_without_hard_links_will_do(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    with holding_name("night", folder):
        assert kept_folder("night") == folder


def test_processes_of_another_host_are_not_looked_for_here(folder):
    folder.update(kind="local-cluster", host="another")
    with holding_name("night", folder), pytest.raises(ClusterError, match="'night' consists of processes on another"):
        connect("night")


def test_a_name_that_is_taken_is_refused_with_who_has_it(folder):
    with (
        holding_name("night", folder),
        pytest.raises(ClusterError, match=r"'night' runs already: process \d+ on .*stop night"),
        holding_name("night", ClusterFolder.make("night")),
    ):
        pass


def test_of_many_that_want_a_name_at_the_same_time_one_has_it(jobs):
    ready, over = threading.Barrier(8), threading.Event()
    won, lost = [], []

    def want(folder):
        ready.wait()
        try:
            with holding_name("night", folder):
                won.append(folder)
                over.wait(10)
        except ClusterError:
            lost.append(folder)
            if len(lost) == 7:
                over.set()

    threads = [threading.Thread(target=want, args=(ClusterFolder.make("night"),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)


@pytest.mark.parametrize(
    ("values", "standing"),
    [
        ({}, "running"),
        ({"control": None}, "starting"),
        ({"ending": True}, "ending"),
        ({"ended": "2024-06-03T00:00:00"}, "ended"),
        ({"pid": NOBODY}, "dead"),
        ({"process_start": "1"}, "dead"),
        ({"host": "another"}, "elsewhere"),
        ({"pid": None}, "submitted"),
    ],
)
def test_the_state_and_the_process_say_how_a_cluster_stands(folder, values, standing):
    folder.update(**values)
    assert standing_of(folder) == standing
