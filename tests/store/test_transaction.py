"""The protocol of a commit: what it checks, what it refuses, and that it is all or nothing."""

import dataclasses
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import DamagedError, FormatVersionError, GribError, LockedError, TransactionError
from dtedask.grib import scan
from dtedask.store.creation import split_of
from dtedask.store.execute import Execution
from dtedask.store.identity import Address, VariableSpec
from dtedask.store.location import Location
from dtedask.store.lock import cube_lock
from dtedask.store.schema import Values
from dtedask.store.write import WriteResult, write_batch

pytestmark = pytest.mark.usefixtures("many_tasks")

CUBE = "rd/enfo/test"
STAGES = ("write", "check", "flush", "sync", "move", "hook")

CHILD = """
    import os, signal, sys
    sys.path.insert(0, {tests!r})
    from conftest import make_field
    import dtedask
    from dtedask.store import archive, chunks as chunk_writing, transaction, writing

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    place, name = {{
        "write": (chunk_writing, "_write"),
        "check": (writing, "_check_forks"),
        "flush": (transaction.Transaction, "_publish"),
        "sync": (transaction, "sync_to_disk"),
        "move": (transaction.Transaction, "_move"),
        "hook": (archive, "run_after_commit"),
    }}[{stage!r}]
    if {stage!r} == "write":
        original = chunk_writing._write
        async def half(chunks, store):
            await original(chunks[: len(chunks) // 2], store)
            die()
        chunk_writing._write = half
    else:
        setattr(place, name, die)
    store = dtedask.open({root!r})
    for level in ("500", "850", "1000"):
        store.archive(*make_field(float(level), step="6", number="1", levelist=level))
    store.flush()
"""


def run_child(root, stage):
    code = textwrap.dedent(CHILD).format(tests=str(Path(__file__).parent), stage=stage, root=str(root))
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_a_writer_killed_at_any_step_leaves_all_or_nothing(tmp_path, make_field, stage):
    store = dtedask.open(tmp_path)
    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.flush()
    killed = run_child(tmp_path, stage)
    assert killed.returncode == -9, killed.stderr
    visible = [record.keys["levelist"] for record in store.list("step=6")]
    assert visible == (["500", "850", "1000"] if stage == "hook" else [])
    for level in ("500", "850", "1000"):
        store.archive(*make_field(float(level), step="6", number="1", levelist=level))
    store.flush()
    values = store.retrieve("step=6")["t"].to_numpy()
    assert np.array_equal(values.ravel()[::12], [500.0, 850.0, 1000.0])


def test_a_commit_carries_what_it_changed(store, make_field):
    for level in ("500", "850"):
        store.archive(*make_field(1.0, number="1", levelist=level))
    (commit,) = store.flush(sources=["a.grib"])
    (change,) = commit.changes
    assert (commit.sequence, commit.new, commit.sources, change.fields) == (1, 2, ("a.grib",), 2)
    assert change.keys["levelist"] == "500/850"
    assert len(list(store.list(change.keys))) == 2
    assert store.history() == [commit]


def test_a_sequence_counts_the_commits_of_a_cube(store, make_field):
    for step in range(3):
        store.archive(*make_field(1.0, number="1", levelist="500", step=str(step)))
        store.flush()
    assert [commit.sequence for commit in store.history(CUBE)] == [1, 2, 3]


def test_equal_fields_are_not_written_again_and_others_are_replaced(store, make_field):
    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.archive(*make_field(2.0, number="2", levelist="500"))
    store.flush()
    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.archive(*make_field(3.0, number="2", levelist="500"))
    (commit,) = store.flush()
    assert (commit.new, commit.replaced, commit.unchanged) == (0, 1, 1)
    assert store.retrieve("number=2")["t"].to_numpy().ravel()[0] == 3.0


def _append(root, member, count):
    from dtedask import open as open_root

    store = open_root(root)
    for step in range(count):
        store.archive(*_fields().make_field(float(step), number=str(member), levelist="500", step=str(step)))
        store.flush()
    return member


def _fields():
    sys.path.insert(0, str(Path(__file__).parent))
    import conftest

    return conftest


@pytest.mark.slow
def test_writers_in_several_processes_never_lose_each_others_work(tmp_path):
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        done = list(pool.map(_append, [str(tmp_path)] * 4, (1, 2, 3, 4), [8] * 4))
    store = dtedask.open(tmp_path)
    assert done == [1, 2, 3, 4]
    assert len(list(store.list())) == 32
    assert [commit.sequence for commit in store.history(CUBE)] == list(range(1, 33))
    values = store.retrieve({})["t"].to_numpy()[0, :, :, 0, 0, 0]
    assert np.array_equal(values, np.tile(np.arange(8.0), (4, 1)))


def test_a_lock_that_another_thread_holds_is_an_error_in_time(tmp_path, make_field, held_lock):
    store = dtedask.open(tmp_path)
    store.archive(*make_field(1.0, number="1", levelist="500"))
    with held_lock(tmp_path, CUBE), pytest.raises(LockedError, match="holds? the cube|is held by"):
        flush_within(store, "0.2 s")
    assert store.dirty
    assert len(store.flush()) == 1


def flush_within(store, limit):
    import dask

    with dask.config.set({"dtedask.store.lock-timeout": limit}):
        fresh = dtedask.open(store.root)
        fresh._archive = None
        fresh._writer()._entries = store._writer()._entries
        return fresh.flush()


@pytest.fixture
def held_lock():
    """Hold a lock in a thread of its own."""
    import threading
    from contextlib import contextmanager

    @contextmanager
    def hold(root, cube):
        ready, done = threading.Event(), threading.Event()

        def run():
            with cube_lock(Location.parse(root), cube, 5):
                ready.set()
                assert done.wait(30)

        thread = threading.Thread(target=run)
        thread.start()
        assert ready.wait(10)
        try:
            yield
        finally:
            done.set()
            thread.join(10)

    return hold


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path):
    code = (
        "import os, signal; from dtedask.store.lock import cube_lock; from dtedask.store.location import Location\n"
        f"with cube_lock(Location.parse({str(tmp_path)!r}), {CUBE!r}, 5): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert list((tmp_path / ".dtedask" / "locks").iterdir())
    with cube_lock(Location.parse(tmp_path), CUBE, 5):
        pass


@dataclasses.dataclass(frozen=True)
class Broken(Execution):
    """Tasks that do what Icechunk's merge would accept in silence."""

    fault: str = ""

    def run(self, fork, batches, packs, token, **options):
        results = super().run(fork, batches, packs, token, **options)
        if self.fault == "lost task":
            return results[:-1]
        if self.fault == "twice":
            return [*results, results[0]]
        if self.fault == "unwritten":
            results[0] = WriteResult(pickle.loads(fork), results[0].new)
        return results


@pytest.mark.parametrize("fault", ["lost task", "twice", "unwritten"])
def test_forks_that_lack_or_repeat_chunks_are_not_published(store, make_field, fault):
    for level in ("500", "850", "1000"):
        store.archive(*make_field(1.0, number="1", levelist=level))
    with pytest.raises(TransactionError, match="task|fork"):
        store.flush(execution=Broken(fault=fault))
    assert list(dtedask.open(store.root).list()) == []


def test_a_stale_fork_is_not_published(store, make_field):
    class Stale(Execution):
        def run(self, fork, batches, packs, token, **options):
            results = super().run(fork, batches, packs, token, **options)
            repo = _repository(store)
            old = repo.readonly_session(snapshot_id=_first_snapshot(repo)).snapshot_id
            results[0].fork = _Fork(old)
            return results

    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.flush()
    store.archive(*make_field(1.0, number="2", levelist="500"))
    with pytest.raises(TransactionError, match="the transaction began on"):
        store.flush(execution=Stale())


@dataclasses.dataclass
class _Fork:
    snapshot_id: str


def _repository(store):
    from dtedask.store.repository import open_repository

    return open_repository(Location.parse(store.root), CUBE)


def _first_snapshot(repo):
    return [info.id for info in repo.ancestry(branch="main")][-1]


def test_a_flipped_bit_is_reported_and_never_returned(tmp_path, make_field):
    store = dtedask.open(tmp_path)
    array, keys = make_field(1.0, shape=(40, 60), number="1", levelist="500")
    store.archive(array.copy(data=np.random.default_rng(1).random((40, 60), dtype="float32")), keys)
    store.flush()
    (chunk,) = (path for path in (tmp_path / CUBE / "chunks").iterdir() if path.stat().st_size > 1000)
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    with pytest.raises(DamagedError, match="checksum of the field pf/pl/.* does not match"):
        store.retrieve({})["t"].load()


def test_a_cube_of_a_newer_format_is_refused(store, make_field, monkeypatch):
    from dtedask.store import placement

    monkeypatch.setattr(placement, "FORMAT", 99)
    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.flush()
    with pytest.raises(FormatVersionError, match="has format 99"):
        list(dtedask.open(store.root).list())


@pytest.mark.slow
def test_a_damaged_newest_snapshot_is_not_taken_for_an_empty_cube(tmp_path, make_field):
    store = dtedask.open(tmp_path)
    store.archive(*make_field(1.0, number="1", levelist="500"))
    (commit,) = store.flush()
    (tmp_path / CUBE / "snapshots" / commit.snapshot).write_bytes(b"")
    code = f"import dtedask; list(dtedask.open({str(tmp_path)!r}).list())"
    seen = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "DamagedError" in seen.stderr


def test_the_past_can_be_read_and_not_written(store, make_field):
    store.archive(*make_field(1.0, number="1", levelist="500"))
    (first,) = store.flush()
    store.archive(*make_field(2.0, number="1", levelist="500"))
    store.flush()
    past = store.at(first.snapshot)
    assert past.retrieve({})["t"].to_numpy().ravel()[0] == 1.0
    assert store.at(first.time).retrieve({})["t"].to_numpy().ravel()[0] == 1.0
    with pytest.raises(dtedask.core.errors.ReadOnlyError, match="cannot be written"):
        past.archive(*make_field(3.0, number="1", levelist="500"))


def test_a_hook_that_fails_is_reported_and_the_commit_stands(store, make_field, monkeypatch):
    from dtedask.store import archive

    monkeypatch.setattr(archive, "run_after_commit", lambda _commit: (RuntimeError("no notice"),))
    store.archive(*make_field(1.0, number="1", levelist="500"))
    assert len(store.flush()) == 1
    assert [str(failure) for failure in store.hook_failures] == ["no notice"]


def test_a_durable_commit_syncs_before_and_after_main_moves(store, make_field, monkeypatch):
    from dtedask.store import transaction

    tips = []
    for name in ("sync_to_disk", "sync_branch"):
        note = lambda *_, name=name: tips.append((name, _repository(store).lookup_branch("main")))  # noqa: E731
        monkeypatch.setattr(transaction, name, note)
    store.archive(*make_field(1.0, number="1", levelist="500"))
    (commit,) = store.flush()
    assert tips == [("sync_to_disk", commit.parent), ("sync_branch", commit.snapshot)]


def test_a_task_on_another_machine_syncs_what_it_wrote_before_it_returns(store, make_field, monkeypatch):
    from dtedask.store import syncing

    class Elsewhere(Execution):
        width = 1

        def at_most(self, batch_bytes):
            return batch_bytes

        def run(self, fork, batches, packs, _token, *, durable):
            monkeypatch.setattr(syncing, "sync_to_disk", lambda root: synced.append((root, chunks())))
            return [write_batch(fork, batches[0], packs, syncs=durable)]

    def chunks():
        return len(list((Path(store.root) / CUBE / "chunks").iterdir()))

    synced = []
    array, keys = make_field(1.0, shape=(20, 30), type="fc", levelist="500")
    store.archive(array.copy(data=np.random.default_rng(1).random((20, 30), dtype="float32")), keys)
    store.flush(execution=Elsewhere(client="workers of a cluster"))
    assert synced == [(Location.parse(store.root), 1)]


def test_a_commit_whose_answer_was_lost_is_not_done_twice(store, make_field, monkeypatch):
    import icechunk

    original = icechunk.Repository.reset_branch

    def moved_but_no_answer(*args, **kwargs):
        original(*args, **kwargs)
        raise icechunk.IcechunkError("the connection was cut")

    monkeypatch.setattr(icechunk.Repository, "reset_branch", moved_but_no_answer)
    store.archive(*make_field(1.0, number="1", levelist="500"))
    (commit,) = store.flush()
    assert _repository(store).lookup_branch("main") == commit.snapshot
    assert [one.sequence for one in store.history()] == [1]


def test_a_cube_that_others_moved_is_placed_anew(store, make_field, monkeypatch):
    from contextlib import nullcontext

    from dtedask.store import transaction

    monkeypatch.setattr(transaction, "open_cube", lambda *_: nullcontext())
    original, other = transaction.Transaction._publish, dtedask.open(store.root)
    other.archive(*make_field(7.0, number="9", levelist="850"))
    waiting = [other]

    def publish(self, *args):
        if waiting:
            waiting.pop().flush()
        return original(self, *args)

    monkeypatch.setattr(transaction.Transaction, "_publish", publish)
    store.archive(*make_field(1.0, number="1", levelist="500"))
    (commit,) = store.flush()
    assert commit.sequence == 2
    values = {r.keys["number"]: float(store.retrieve(dict(r.keys))["t"].to_numpy().ravel()[0]) for r in store.list()}
    assert values == {"1": 1.0, "9": 7.0}


def test_storage_that_does_not_answer_is_an_error_in_time(store, make_field, monkeypatch):
    import threading

    import dask
    import icechunk

    never = threading.Event()
    monkeypatch.setattr(icechunk.Session, "flush", lambda *_: never.wait(30))
    with dask.config.set({"dtedask.store.commit-timeout": "0.1 s"}):
        store.archive(*make_field(1.0, number="1", levelist="500"))
        with pytest.raises(dtedask.core.errors.StoreError, match=r"did not answer within 0\.1 s"):
            store.flush()
    never.set()
    assert store.dirty


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_fills_is_one_clear_error_and_the_cube_stays_whole(tmp_path, make_field):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)], check=False)
    if mounted.returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    try:
        store = dtedask.open(tmp_path / "root")
        noise = np.random.default_rng(1).random((700, 1000), dtype="float32")
        store.archive(*make_field(1.0, type="fc", levelist="500"))
        store.flush()
        array, keys = make_field(1.0, shape=noise.shape, type="fc", levelist="500", step="6")
        array = array.assign_coords(latitude=90 - np.arange(700) / 4, longitude=np.arange(1000) / 4)
        store.archive(array.copy(data=noise), keys)
        with pytest.raises(dtedask.core.errors.StoreError, match=r"is full; nothing was published\. Make room"):
            store.flush()
        assert [record.keys["step"] for record in dtedask.open(store.root).list()] == ["0"]
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_a_root_below_a_file_is_one_clear_error(tmp_path, make_field):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(dtedask.core.errors.StoreError, match="could not be written"):
        dtedask.open(tmp_path / "file" / "root").archive(*make_field(1.0, type="fc", levelist="500"))


def test_the_difference_of_two_snapshots_agrees_with_what_the_commit_says(store, make_field):
    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.archive(*make_field(2.0, number="2", levelist="500"))
    store.flush()
    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.archive(*make_field(7.0, number="2", levelist="500"))
    store.archive(*make_field(3.0, number="1", levelist="850"))
    store.archive(*make_field(4.0, number="1", levelist="500", param="q"))
    (commit,) = store.flush()
    diff = _repository(store).diff(from_snapshot_id=commit.parent, to_snapshot_id=commit.snapshot)
    told = Counter()
    for change in commit.changes:
        told[f"/{change.group}/{change.variable}"] += change.fields
    written = {path: len(chunks) for path, chunks in diff.updated_chunks.items() if path in told}
    assert written == told
    assert {path.rsplit("/", 1)[1] for path in diff.updated_chunks} - {"t", "q"} == {"level"}
    assert sum(written.values()) == commit.new + commit.replaced == 3


def test_a_bad_field_of_one_cube_keeps_all_cubes_of_the_flush_as_they_were(store, make_field, grib_folder):
    message = next(iter(scan(grib_folder / "o32.grib2")))
    broken = bytearray(message.read())
    broken[-300:-4] = b"\xff" * 296
    store.archive(*make_field(1.0, type="fc", levelist="500", expver="0001"))
    store.archive(dataclasses.replace(message, data=bytes(broken[: len(broken) // 2])))
    with pytest.raises(GribError, match=r"o32\.grib2 at offset 0 cannot be decoded"):
        store.flush()
    assert list(dtedask.open(store.root).list()) == []
    store.discard()
    store.archive(*make_field(1.0, type="fc", levelist="500", expver="0001"))
    store.archive(message)
    assert [commit.cube for commit in store.flush()] == ["od/oper/0001", "rd/enfo/0001"]


@pytest.mark.slow
def test_two_flushes_over_the_same_cubes_do_not_wait_for_each_other_for_ever(tmp_path, make_field):
    def flush(number):
        store = dtedask.open(tmp_path)
        for expver in ("aaaa", "bbbb") if number % 2 else ("bbbb", "aaaa"):
            store.archive(*make_field(1.0, type="fc", levelist=str(100 * (number + 1)), expver=expver))
        return len(store.flush())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(flush, range(8))) == [2] * 8
    assert len(list(dtedask.open(tmp_path).list())) == 16


@pytest.mark.parametrize(
    ("kind", "members", "levels", "steps", "expected"),
    [
        ("an", 1, 1, 1, (4000, 0)),
        ("an", 10, 37, 1, (10, 0)),
        ("fc", 1, 10, 1, (6, 66)),
        ("pf", 50, 20, 1, (1, 4)),
    ],
)
def test_manifests_are_split_to_hold_about_as_many_fields_as_wanted(kind, members, levels, steps, expected):
    dims = ("forecast_reference_time", "member", "step", "level")
    spec = VariableSpec("t", dims, (), 2, Values())
    addresses = [
        Address("od/oper/0001", f"{kind}/pl/O96", spec, (0, member, step, float(level)), None)
        for member in range(members)
        for step in range(steps)
        for level in range(levels)
    ]
    times, split = split_of(addresses, 4000)
    assert (times, split) == expected
    assert times * (split or 1) * members * levels <= 4000


def test_the_past_of_a_root_of_several_cubes_shows_the_cubes_that_have_it(store, make_field):
    store.archive(*make_field(1.0, type="fc", levelist="500", expver="aaaa"))
    (first,) = store.flush()
    store.archive(*make_field(2.0, type="fc", levelist="500", expver="bbbb"))
    store.flush()
    for moment in (first.snapshot, first.time):
        assert [record.keys["expver"] for record in store.at(moment).list()] == ["aaaa"]
    with pytest.raises(dtedask.core.errors.NotFoundError, match="has no snapshot nowhere"):
        list(store.at("nowhere").list())


def test_a_call_of_archive_that_fails_takes_none_of_its_fields(store, make_field, grib_folder):
    message = next(iter(scan(grib_folder / "o32.grib2")))
    store.archive(message)
    other = dataclasses.replace(message.field, product=(("typeOfLevel", "tropopause"),))
    perturbed = dataclasses.replace(message.field, keys={**message.field.keys, "levelist": "100"})
    with pytest.raises(dtedask.core.errors.KeyCollisionError, match="typeOfLevel"):
        store.archive([dataclasses.replace(message, field=field) for field in (perturbed, other)])
    (commit,) = store.flush()
    assert [record.keys["levelist"] for record in store.list()] == ["137"]
    assert commit.new == 1


@pytest.mark.slow
def test_a_process_that_read_a_cube_waits_for_icechunk_before_it_ends(store, make_field):
    store.archive(*make_field(1.0, type="fc", levelist="500"))
    store.flush()
    code = (
        "import time; waited = []; time.sleep = waited.append\n"
        "import atexit; atexit.register(lambda: print(waited))\n"
        f"import dtedask; [list(dtedask.open({store.root!r}).list()) for _ in range(2)]"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[0.05]\n"


@pytest.mark.slow
def test_a_root_that_was_removed_and_made_anew_is_written_with_its_own_configuration(tmp_path, make_field):
    for value in (1.0, 2.0):
        store = dtedask.open(tmp_path / "root")
        for step in ("0", "6"):
            store.archive(*make_field(value, number="1", levelist="500", step=step))
            store.flush()
        assert store.retrieve("step=6")["t"].to_numpy().ravel()[0] == value
        assert [commit.sequence for commit in store.history(CUBE)] == [1, 2]
        shutil.rmtree(tmp_path / "root")


@pytest.mark.slow
def test_a_writer_goes_on_where_another_process_committed_in_between(tmp_path, make_field):
    store = dtedask.open(tmp_path)
    for step, elsewhere in (("0", False), ("6", True), ("12", False)):
        if elsewhere:
            code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            code += f"import dtedask; from conftest import make_field; s = dtedask.open({str(tmp_path)!r})\n"
            code += f"s.archive(*make_field(1.0, number='1', levelist='500', step={step!r})); s.flush()"
            subprocess.run([sys.executable, "-c", code], check=True)
        else:
            store.archive(*make_field(1.0, number="1", levelist="500", step=step))
            store.flush()
    assert list(store.axes()["step"]) == ["0", "6", "12"]
    assert [commit.sequence for commit in store.history(CUBE)] == [1, 2, 3]
