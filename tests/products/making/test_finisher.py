"""Products are finished beside the computing: by one thread while it keeps pace, by more while they are held up."""

from __future__ import annotations

import random
import threading
import time

import pytest

from dtedask.products.making.finisher import Finisher
from dtedask.products.making.state import Gathered
from tests.products.made import make, product

WITHIN_S = 30


def gathered(count):
    return [Gathered(make(product(f"p{number}")), ()) for number in range(count)]


def test_one_thread_finishes_what_it_keeps_pace_with():
    seen = []
    finisher = Finisher(
        lambda *_: seen.append(threading.current_thread()), lambda *_: None, pytest.fail, 8, patience_s=WITHIN_S
    )
    for one in gathered(8):
        finisher.put([one])
    finisher.close()
    assert len(seen) == 8
    assert len(set(seen)) <= 2  # the one that was called may not have come when another put looked


def test_another_one_joins_where_many_wait():
    inside = threading.Barrier(2)
    finisher = Finisher(
        lambda *_: inside.wait(WITHIN_S) and None, lambda *_: None, pytest.fail, 4, patience_s=WITHIN_S, pace=4
    )
    finisher.put(gathered(6))
    finisher.close()
    assert not inside.broken


def test_others_join_where_a_server_does_not_answer():
    inside = threading.Barrier(4)
    finisher = Finisher(lambda *_: inside.wait(WITHIN_S) and None, lambda *_: None, pytest.fail, 4)
    finisher.put(gathered(4))
    finisher.close()
    assert not inside.broken


def test_no_more_than_so_many_are_finished_side_by_side():
    lock, inside, most = threading.Lock(), [], []

    def finish(make, _):
        with lock:
            inside.append(make)
            most.append(len(inside))
        time.sleep(0.002)
        with lock:
            inside.remove(make)

    finisher = Finisher(finish, lambda *_: None, pytest.fail, 3, patience_s=0, pace=1)
    finisher.put(gathered(30))
    finisher.close()
    assert len(most) == 30
    assert max(most) <= 3


@pytest.mark.slow
def test_all_are_finished_however_threads_take_turns():
    chance = random.Random(1)
    for _ in range(300):
        pauses = [chance.choice([0, 0, 0.0003, 0.001]) for _ in range(20)]
        ended, waiting = [], iter(pauses)
        finisher = Finisher(
            lambda *_, waiting=waiting: time.sleep(next(waiting)),
            lambda make, _, ended=ended: ended.append(make),
            pytest.fail,
            chance.randrange(1, 5),
            patience_s=chance.choice([0, 0.0002, 0.0005, 0.001]),
            pace=chance.choice([0, 1, 3, 100]),
        )
        closing = threading.Thread(target=put_and_close, args=(finisher, gathered(20), chance.random()), daemon=True)
        closing.start()
        closing.join(WITHIN_S)
        assert not closing.is_alive()
        assert len(ended) == 20


def put_and_close(finisher, gathered, share):
    middle = int(len(gathered) * share)
    finisher.put(gathered[:middle])
    time.sleep(0.0005)
    for one in gathered[middle:]:
        finisher.put([one])
    finisher.close()


def test_an_error_that_is_nobodys_leaves_the_others_at_work():
    told, ended = [], []

    def end(make, _):
        if not told and make.products[0].requirement.name == "p3":
            raise OSError("broken")
        ended.append(make)

    finisher = Finisher(lambda *_: (), end, told.append, 2)
    finisher.put(gathered(10))
    finisher.close()
    assert [str(error) for error in told] == ["broken"]
    assert len(ended) == 9


def test_what_has_not_begun_can_be_dropped():
    begun, go = threading.Event(), threading.Event()

    def finish(*_):
        begun.set()
        go.wait(WITHIN_S)

    ended = []
    finisher = Finisher(finish, lambda make, _: ended.append(make), pytest.fail, 1)
    finisher.put(gathered(3))
    assert begun.wait(WITHIN_S)
    threading.Timer(0.01, go.set).start()
    finisher.close(drop=True)
    assert len(ended) == 1
