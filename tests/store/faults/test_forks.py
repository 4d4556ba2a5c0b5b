"""Forks that Icechunk's merge would accept and lose data with: none of them is published."""

import pickle

import pytest

import dtedask
from dtedask.core.errors import GribError, TransactionError
from dtedask.store.execute import Execution
from dtedask.store.layouts import Packs
from dtedask.store.location import Location
from dtedask.store.write import WriteResult, write_batch
from tests.store.faults.workers import LEVELS, archive_step, field

NO_PACKS = Packs(Location("memory://"), "")
pytestmark = pytest.mark.usefixtures("many_tasks")


class Wrong(Execution):
    """Runs the tasks and does something wrong with what they give."""

    def __init__(self, wrong):
        super().__init__(threads=1)
        object.__setattr__(self, "wrong", wrong)

    def run(self, fork, batches, packs, token, **options):
        return self.wrong(fork, batches, super().run(fork, batches, packs, token, **options))


def written_twice(fork, batches, results):
    """A second fork holds a chunk of the first besides its own."""
    first, second, *rest = results
    again = write_batch(fork, [*batches[0], *batches[1]], NO_PACKS)
    return [WriteResult(again.fork, new=[*first.new, *second.new]), WriteResult(second.fork, new=[]), *rest]


def merged_twice(fork, batches, results):
    return [*results, results[0]]


def lost(fork, batches, results):
    return results[:-1]


def never_written(fork, batches, results):
    return [WriteResult(pickle.loads(fork), results[0].new), *results[1:]]


@pytest.mark.parametrize("wrong", [written_twice, merged_twice, lost, never_written])
def test_a_fork_that_lacks_or_repeats_chunks_is_not_published_and_the_same_again_is_whole(tmp_path, wrong):
    store = dtedask.open(tmp_path)
    archive_step(store, 0)
    for level in LEVELS:
        store.archive(*field(6, level))
    with pytest.raises(TransactionError, match="task|fork|Fork"):
        store.flush(execution=Wrong(wrong))
    assert {record.keys["step"] for record in dtedask.open(tmp_path).list()} == {"0"}
    assert [commit.new for commit in store.flush()] == [len(LEVELS)]
    assert dtedask.open(tmp_path).verify().is_whole


def replace(store, by):
    for level in LEVELS:
        array, keys = field(0, level)
        store.archive(array + by, keys)


def test_a_fork_of_an_older_snapshot_is_not_published(tmp_path):
    store, kept = dtedask.open(tmp_path), []
    archive_step(store, 0)

    def keep(fork, batches, results):
        kept.append((fork, batches))
        return results

    replace(store, 1)
    store.flush(execution=Wrong(keep))

    def stale(fork, batches, results):
        (old, _) = kept[0]
        return [write_batch(old, batch, NO_PACKS) for batch in batches]

    replace(store, 2)
    with pytest.raises(TransactionError, match="A task wrote on snapshot .*, the transaction began on"):
        store.flush(execution=Wrong(stale))
    store.discard()
    assert len(store.history()) == 2


def test_a_task_that_fails_publishes_nothing_of_the_others(tmp_path, monkeypatch):
    store = dtedask.open(tmp_path)
    archive_step(store, 0)
    from dtedask.store.layouts import ChunkCodec

    encode, calls = ChunkCodec.encode, []

    def fail_last(self, values):
        calls.append(1)
        if len(calls) == len(LEVELS):
            raise GribError("the last field cannot be decoded")
        return encode(self, values)

    monkeypatch.setattr(ChunkCodec, "encode", fail_last)
    for level in LEVELS:
        store.archive(*field(6, level))
    with pytest.raises(GribError, match="the last field"):
        store.flush()
    assert {record.keys["step"] for record in dtedask.open(tmp_path).list()} == {"0"}
    assert store.dirty
    monkeypatch.undo()
    assert [commit.new for commit in store.flush()] == [len(LEVELS)]
