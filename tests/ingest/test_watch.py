import shutil
import threading
from pathlib import Path

import dask.config
import pytest

from dtedask.core.errors import LockedError, NotFoundError
from dtedask.ingest import watch
from dtedask.ingest.commit import Committer

DEADLINE_S = 60


class Watched:
    """A watch in a thread, whose reports can be waited for."""

    def __init__(self, folder, store, **options):
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self.reports = []
        self.total = None
        self._thread = threading.Thread(target=self._run, args=(folder, store), kwargs=options)

    def _run(self, folder, store, **options):
        self.total = watch(folder, store, stop=self._stop, on_event=self._hear, **options)

    def _hear(self, summary):
        with self._changed:
            self.reports.append(summary)
            self._changed.notify_all()

    def wait_for(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.reports) >= count, DEADLINE_S), self.reports
            return self.reports

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()


@pytest.fixture(autouse=True)
def _quick():
    with dask.config.set({"dtedask.ingest.poll-interval": "20 ms", "dtedask.ingest.settle-time": "100 ms"}):
        yield


def steps(store):
    return sorted({int(record.keys["step"]) for record in store.list()})


@pytest.mark.parametrize("poll", [True, False])
def test_files_that_stand_there_and_files_that_come_are_one_commit_each(folder, store, grib_bytes, poll):
    (folder / "a.grib").write_bytes(grib_bytes(steps=(0,)))
    with Watched(folder, store, poll=poll) as watched:
        watched.wait_for(1)
        (folder / "new").mkdir()
        (folder / "new" / "b").write_bytes(grib_bytes(steps=(6,)))
        watched.wait_for(2)
    assert [report.new for report in watched.reports] == [4, 4]
    assert (watched.total.new, watched.total.files, len(watched.total.commits)) == (8, 2, 2)
    assert steps(store) == [0, 6]


@pytest.mark.parametrize("knows", [True, False])
def test_a_growing_file_is_taken_whole_when_it_is_closed(folder, store, grib_bytes, knows, monkeypatch):
    if not knows:
        monkeypatch.setattr("dtedask.grib.folder.is_open_for_writing", lambda _: None)
    data = grib_bytes()
    with Watched(folder, store, poll=True) as watched:
        with (folder / "a.grib").open("wb") as file:
            for start in range(0, len(data), 301):
                file.write(data[start : start + 301])
                file.flush()
        watched.wait_for(1)
    assert [(report.new, report.failed) for report in watched.reports] == [(8, ())]


@pytest.mark.slow
def test_a_part_is_left_alone_until_it_is_renamed(folder, store, grib_bytes):
    (folder / "a.grib.part").write_bytes(grib_bytes(steps=(0,)))
    with Watched(folder, store) as watched:
        (folder / "b.grib").write_bytes(grib_bytes(steps=(6,)))
        watched.wait_for(1)
        assert steps(store) == [6]
        (folder / "a.grib.part").rename(folder / "a.grib")
        watched.wait_for(2)
    assert steps(store) == [0, 6]


@pytest.mark.slow
def test_a_restart_goes_on_where_the_watch_was(folder, store, grib_bytes):
    (folder / "a.grib").write_bytes(grib_bytes(steps=(0,)))
    with Watched(folder, store) as first:
        first.wait_for(1)
    (folder / "b.grib").write_bytes(grib_bytes(steps=(6,)))
    with Watched(folder, store) as second:
        second.wait_for(1)
    assert (second.total.new, second.total.unchanged, second.total.files) == (4, 0, 1)


@pytest.mark.slow
def test_a_file_that_is_in_one_of_its_cubes_only_is_completed_after_a_restart(folder, store, grib_bytes):
    (folder / "a.grib").write_bytes(grib_bytes(steps=(0,)) + grib_bytes(steps=(0,), stream="wave"))
    with Watched(folder, store) as first:
        first.wait_for(1)
    assert store.cubes() == ["od/oper/0001", "od/wave/0001"]
    shutil.rmtree(f"{store.root}/od/wave")
    with Watched(folder, store) as second:
        second.wait_for(1)
    assert (second.total.new, second.total.unchanged) == (4, 4)


def test_a_bad_file_is_reported_and_the_others_go_in(folder, store, grib_bytes, undecodable):
    (folder / "a.grib").write_bytes(undecodable(grib_bytes(steps=(0,))))
    (folder / "b.grib").write_bytes(b"not what it says")
    (folder / "c.grib").write_bytes(grib_bytes(steps=(6,)))
    with Watched(folder, store) as watched:
        watched.wait_for(3)
    assert [Path(name).name for name, _ in watched.total.failed] == ["a.grib", "b.grib"]
    assert steps(store) == [6]


def test_a_file_that_is_cut_is_reported_at_the_end_only(folder, store, grib_bytes):
    (folder / "a.grib").write_bytes(grib_bytes()[:-3])
    (folder / "b.grib").write_bytes(grib_bytes(steps=(12,)))
    with Watched(folder, store) as watched:
        watched.wait_for(1)
        assert watched.reports[0].new == 4
    ((name, error),) = watched.total.failed
    assert name.endswith("a.grib")
    assert "may still be growing" in str(error)


@pytest.mark.slow
def test_a_step_over_several_files_is_one_commit(folder, store, grib_bytes):
    with Watched(folder, store, unit="step") as watched:
        for step in (0, 6, 12):
            for param in (130, 131):
                part = folder / f"{param}-{step}.part"
                part.write_bytes(grib_bytes(steps=(step,), params=(param,)))
                part.rename(folder / f"{param}-{step}")
        watched.wait_for(2)
    assert [(commit.message, commit.new) for commit in store.history()] == [
        (f"20240603 0000 step {step}", 4) for step in (0, 6, 12)
    ]


@pytest.mark.slow
def test_one_bad_file_does_not_spoil_its_step(folder, store, grib_bytes, undecodable):
    (folder / "a.grib").write_bytes(undecodable(grib_bytes(steps=(0,), params=(130,))))
    (folder / "b.grib").write_bytes(grib_bytes(steps=(0,), params=(131,)))
    with Watched(folder, store, unit="step", idle_s=0.1) as watched:
        watched.wait_for(2)
    assert [Path(name).name for name, _ in watched.total.failed] == ["a.grib"]
    assert {record.keys["param"] for record in store.list()} == {"131"}


@pytest.mark.slow
def test_a_cube_that_is_held_is_waited_for(folder, store, grib_bytes, monkeypatch):
    commit, refusals = Committer.commit, [LockedError("held"), LockedError("held")]

    def sometimes(self, unit, on_done=None):
        if refusals:
            raise refusals.pop()
        return commit(self, unit, on_done)

    monkeypatch.setattr(Committer, "commit", sometimes)
    (folder / "a.grib").write_bytes(grib_bytes())
    with Watched(folder, store) as watched:
        watched.wait_for(1)
    assert not refusals
    assert watched.total.new == 8


def test_a_folder_that_is_not_there_is_refused(folder, store):
    with pytest.raises(NotFoundError, match="There is no folder"):
        watch(folder / "none", store)
