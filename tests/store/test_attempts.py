"""Which tasks run again, and when it is given up: nothing is lost or done twice, whatever fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import TaskMemoryError, WorkerLostError
from dtedask.store.attempts import Attempts, Failed, Room, Work

MEMORY = Failed("memory", MemoryError())
LOST = Failed("lost", RuntimeError("killed"), "Died: tcp://a, tcp://b.")
PASSING = Failed("passing", OSError(116, "Stale file handle"))


def attempts(batches, *, memory=None, has=None, threads=4, retries=2, **work):
    each = (lambda items: memory * len(items)) if memory is not None else None
    work = Work("archive", len, memory=each, about=lambda item: f"field {item}", **work)
    return Attempts(work, batches, Room("a worker", 2, threads, has), retries)


def run(machine, outcome):
    """Run waves until all is done; `outcome` says what becomes of a piece. Returns the waves."""
    waves = []
    while (wave := machine.wave()) is not None:
        waves.append(wave)
        for piece in wave.pieces:
            why = outcome(piece)
            machine.failed(piece, why) if why else machine.done(piece, list(piece.items))
    return waves


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    kinds=st.lists(st.sampled_from([MEMORY, LOST, PASSING, None]), max_size=40),
)
def test_every_item_is_done_once_and_in_order_or_it_is_given_up(sizes, kinds):
    numbers = iter(range(100))
    batches = [[next(numbers) for _ in range(size)] for size in sizes]
    machine = attempts(batches)
    try:
        run(machine, lambda _: kinds.pop() if kinds else None)
    except (TaskMemoryError, WorkerLostError, OSError):
        return
    assert [one for result in machine.results for one in result] == [one for batch in batches for one in batch]


def test_what_is_too_large_is_cut_until_it_fits_and_ever_fewer_run_at_once():
    machine = attempts([range(8)], threads=16)
    waves = run(machine, lambda piece: MEMORY if len(piece.items) > 2 else None)
    assert [(len(wave.pieces), wave.most) for wave in waves] == [(1, None), (2, 8), (4, 4)]
    assert machine.again == 3


def test_one_item_is_tried_alone_before_it_is_given_up():
    machine = attempts([[7]], memory=3000, has=8000)
    with pytest.raises(TaskMemoryError, match=r"'archive' of field 7 needs about 3\.0 kB, and a worker has 8\.0 kB"):
        run(machine, lambda _: MEMORY)
    assert machine.again == 2


def test_what_cannot_fit_is_refused_before_anything_runs_and_a_batch_that_can_be_cut_is_cut():
    with pytest.raises(TaskMemoryError, match=r"field 0 needs about 3\.0 kB, and a worker has 2\.0 kB"):
        attempts([[0, 1]], memory=3000, has=2000)
    wave = attempts([range(4)], memory=3000, has=7000).wave()
    assert [list(piece.items) for piece in wave.pieces] == [[0, 1], [2, 3]]


def test_no_more_run_at_once_than_have_room():
    machine = attempts([[number] for number in range(9)], memory=3000, has=10_000, threads=8)
    assert machine.wave().most == 4  # two workers, each with room for two


def test_a_worker_that_dies_for_no_known_reason_costs_a_try():
    machine = attempts([[1, 2]])
    assert [len(wave.pieces) for wave in run(machine, lambda piece: LOST if len(piece.items) > 1 else None)] == [1, 2]
    with pytest.raises(WorkerLostError, match=r"field 5 died while it ran, 3 times over\. Died: tcp://a, tcp://b"):
        run(attempts([[5]]), lambda _: LOST)


def test_what_passes_is_tried_again_after_a_pause_and_raised_at_last():
    machine = attempts([[1]])
    waves = run(machine, lambda piece: PASSING if piece.tries < 2 else None)
    pauses = [wave.pause_s for wave in waves]
    assert pauses[0] == 0 < pauses[1] < pauses[2]
    with pytest.raises(OSError, match="Stale"):
        run(attempts([[1]]), lambda _: PASSING)


def test_what_cannot_be_repeated_is_not():
    with pytest.raises(TaskMemoryError, match="field 1 and 1 more"):
        run(attempts([[1, 2]], is_repeatable=False), lambda _: MEMORY)
    with pytest.raises(OSError, match="Stale"):
        run(attempts([[1, 2]], is_repeatable=False), lambda _: PASSING)
