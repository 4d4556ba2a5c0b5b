"""Commits of others are heard, and what a killed process left behind is delivered."""

from __future__ import annotations

import pickle
import queue
import signal
import subprocess
import sys
import threading

import dask.config
import pytest

from dtedask.core.errors import DocumentError, NotFoundError
from dtedask.notify import NoticeLog, listen, load_listeners, open_log, plugin

CUBE = "od/oper/0001"
STORE = {"cubes": lambda _: [], "history": lambda *_: []}


@pytest.fixture(autouse=True)
def _short_waits():
    with dask.config.set({"dtedask.notify.poll-interval": "2 ms"}):
        yield


def listeners(function, name="l", **request):
    triggers = [{"type": "function", "function": function}]
    return load_listeners({"listeners": [{"name": name, "request": request, "triggers": triggers}]})


class Listening:
    """A thread that listens until the end of the block; `heard` gives its events."""

    def __init__(self, root, **options):
        self.heard = queue.Queue()
        self.stop = threading.Event()
        arguments = {"stop": self.stop, **STORE, **options}
        document = listeners(lambda event: self.heard.put(event.id))
        self.thread = threading.Thread(target=listen, args=(document, root), kwargs=arguments)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()

    def next(self):
        return self.heard.get(timeout=30)


def wait_until_registered(root):
    with NoticeLog(root / "notices.sqlite") as log:
        deadline = threading.Event()
        for _ in range(3000):
            if log.cursors("l") is not None:
                return
            deadline.wait(0.01)
    raise AssertionError("nobody listens")


@pytest.mark.slow
def test_commits_of_another_process_are_heard_in_order(root, make_commit):
    commits = [make_commit(root, n, params=("130",)) for n in (1, 2, 3)]
    code = (
        "import pickle, sys; from dtedask.notify import plugin\n"
        "for commit in pickle.load(sys.stdin.buffer): plugin.after_commit(commit)"
    )
    with Listening(root) as listening:
        wait_until_registered(root)
        subprocess.run([sys.executable, "-c", code], input=pickle.dumps(commits), check=True)
        assert [listening.next() for _ in commits] == [f"{CUBE}@{n}.0" for n in (1, 2, 3)]


def test_commits_of_another_thread_of_this_process_are_heard(root, make_commit):
    with Listening(root) as listening:
        wait_until_registered(root)
        plugin.after_commit(make_commit(root, 1, params=("130",)))
        assert listening.next() == f"{CUBE}@1.0"


def test_listening_waits_for_a_root_that_does_not_exist_yet(tmp_path, make_commit):
    with Listening(tmp_path / "root", mode="catchup") as listening:
        (tmp_path / "root").mkdir()
        plugin.after_commit(make_commit(tmp_path / "root", 1, params=("130",)))
        assert listening.next() == f"{CUBE}@1.0"


def test_listening_once_where_there_is_no_root_is_an_error_and_makes_none(tmp_path):
    with pytest.raises(NotFoundError, match="There is no root at"):
        listen(listeners(print), tmp_path / "root", once=True, **STORE)
    assert not (tmp_path / "root").exists()


def test_a_wrong_document_is_refused_before_anything_is_listened_to(root):
    with pytest.raises(DocumentError, match="no listeners file"):
        listen(root / "none.yaml", root)


@pytest.mark.parametrize(("mode", "first", "second"), [("new", [], [3]), ("catchup", [1, 2], [3]), ("now", [], [])])
def test_modes_say_where_listening_begins_and_the_next_time_goes_on_there(root, make_commit, mode, first, second):
    heard = []
    document = listeners(lambda event: heard.append(event.sequence))
    open_log(root).append([make_commit(root, n, params=("130",)) for n in (1, 2)])
    listen(document, root, mode=mode, once=True, **STORE)
    assert heard == first
    open_log(root).append([make_commit(root, 3, params=("130",))])
    listen(document, root, mode=mode, once=True, **STORE)
    assert heard == first + second


def test_commits_elsewhere_are_found_in_the_history_while_listening(make_commit, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    commits = [make_commit("s3://b/r", 1, params=("130",))]
    options = {"cubes": lambda _: [CUBE], "history": lambda *_: list(commits)}
    with (
        dask.config.set({"dtedask.notify.remote-interval": "10 ms"}),
        Listening("s3://b/r", mode="catchup", **options) as listening,
    ):
        assert listening.next() == f"{CUBE}@1.0"
        commits.append(make_commit("s3://b/r", 2, params=("130",)))
        assert listening.next() == f"{CUBE}@2.0"


KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from dtedask.notify import catch_up, listening, plugin, follow
from dtedask.notify.delivery.state import DeliveryState

folder, stage, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
commits = pickle.loads((folder / "commits").read_bytes())

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def history(root="", cube="", after=0):
    return commits[: len((folder / "history").read_text()) if (folder / "history").exists() else 0]

def hear(event):
    with open(folder / "heard", "a") as file:
        file.write(f"{event.sequence}\\n")
    if stage == "trigger" and event.sequence == 3:
        die()

document = {"listeners": [{"name": "l", "triggers": [{"type": "function", "function": hear}]}]}
with listening(document):
    catch_up(folder / "root", history=history, cubes=lambda _: ["od/oper/0001"])
    for commit in commits[len(history()) : last]:
        with open(folder / "history", "a") as file:
            file.write("x")
        (folder / "root").mkdir(exist_ok=True)
        if commit.sequence == 3 and stage == "committed":
            die()
        if commit.sequence == 3 and stage == "logged":
            follow.deliver_to = die
        if commit.sequence == 3 and stage == "run":
            DeliveryState.finish = die
        plugin.after_commit(commit)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "heard"),
    [
        ("committed", [1, 2, 3, 4, 5]),
        ("logged", [1, 2, 3, 4, 5]),
        ("trigger", [1, 2, 3, 3, 4, 5]),
        ("run", [1, 2, 3, 3, 4, 5]),
    ],
)
def test_a_process_killed_between_commit_and_notice_is_made_good_by_the_next_start(root, make_commit, stage, heard):
    folder = root.parent
    (folder / "commits").write_bytes(pickle.dumps([make_commit(root, n, params=("130",)) for n in range(1, 6)]))
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder), stage, "5"], check=False)
    assert killed.returncode == -signal.SIGKILL
    subprocess.run([sys.executable, "-c", KILLED, str(folder), "none", "5"], check=True)
    assert [int(line) for line in (folder / "heard").read_text().split()] == heard
    assert [event.sequence for event in open_log(root).events()] == [1, 2, 3, 4, 5]


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["committed", "logged"])
def test_the_first_commit_of_a_root_survives_a_kill_too(root, make_commit, stage):
    folder = root.parent
    root.rmdir()
    commits = [make_commit(root, n, params=("130",)) for n in (1, 2)]
    (folder / "commits").write_bytes(pickle.dumps(commits))
    code = KILLED.replace("sequence == 3", "sequence == 1")
    killed = subprocess.run([sys.executable, "-c", code, str(folder), stage, "2"], check=False)
    assert killed.returncode == -signal.SIGKILL
    subprocess.run([sys.executable, "-c", code, str(folder), "none", "2"], check=True)
    assert (folder / "heard").read_text().split() == ["1", "2"]
