"""News is read once for many listeners, and only those who want it are served."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.notify import NoticeLog, listen, load_listeners
from dtedask.notify.delivery import Carrier, CommitSource
from dtedask.notify.delivery.lookout import MOST, Lookout
from dtedask.notify.log import open_log

CUBES = ("a/b/c", "d/e/f")


def listeners_of(functions, requests):
    return load_listeners(
        {
            "listeners": [
                {"name": str(n), "request": request, "triggers": [{"type": "function", "function": function}]}
                for n, (function, request) in enumerate(zip(functions, requests, strict=True))
            ]
        }
    ).listeners


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(st.one_of(st.tuples(st.sampled_from(CUBES), st.sampled_from(("130", "131"))), st.just("look"))))
def test_everybody_hears_what_he_wants_in_order_however_the_looks_fall(tmp_path_factory, make_commit, schedule):
    root = tmp_path_factory.mktemp("root")
    heard = [[], [], []]
    with NoticeLog(root / "notices.sqlite", root=str(root)) as log:
        source = CommitSource(log)
        requests = ({"param": "130"}, {"param": "131"}, {})
        carriers = [Carrier(one, source, log.state) for one in listeners_of([h.append for h in heard], requests)]
        for carrier in carriers:
            log.register(carrier.name, {})
        lookout, counts, wanted = Lookout(carriers, log.state), dict.fromkeys(CUBES, 0), [[], [], []]
        for step in [*schedule, "look"]:
            if step == "look":
                due = lookout.due()
                for carrier in carriers:
                    if carrier.name in due:
                        carrier.deliver()
                continue
            cube, param = step
            counts[cube] += 1
            log.append([make_commit(root, counts[cube], cube=cube, params=(param,))])
            for place in (0 if param == "130" else 1, 2):
                wanted[place].append((cube, counts[cube]))
        lookout.write()
        assert [[(one.cube, one.sequence) for one in events] for events in heard] == wanted
        there = {cube: count for cube, count in counts.items() if count}
        assert all(log.cursors(str(n)) == there for n in range(3)) or not there


def test_who_wants_nothing_of_what_has_come_is_not_served_and_its_place_is_written_down(root, make_commit):
    with NoticeLog(root / "notices.sqlite", root=str(root)) as log:
        source = CommitSource(log)
        listeners = listeners_of([print] * 50, [{"param": "131"}] * 50)
        carriers = [Carrier(one, source, log.state) for one in listeners]
        for carrier in carriers:
            log.register(carrier.name, {})
        lookout = Lookout(carriers, log.state)
        assert len(lookout.due()) == 50
        for carrier in carriers:
            carrier.deliver()
        log.append([make_commit(root, 1, cube="a/b/c", params=("130",))])
        assert lookout.due() == set()
        log.forget("7")
        lookout.write()
        assert log.cursors("7") is None
        assert log.cursors("8") == {"a/b/c": 1}
        log.append([make_commit(root, 2, cube="a/b/c")])
        assert len(lookout.due()) == 50


def test_after_a_long_absence_everybody_is_served(root, make_commit):
    with NoticeLog(root / "notices.sqlite", root=str(root)) as log:
        carrier = Carrier(listeners_of([print], [{"param": "131"}])[0], CommitSource(log), log.state)
        log.register("0", {})
        lookout = Lookout([carrier], log.state)
        lookout.due()
        carrier.deliver()
        log.append([make_commit(root, n, cube="a/b/c", params=("130",)) for n in range(1, MOST + 2)])
        assert lookout.due() == {"0"}


@pytest.mark.slow
def test_a_thousand_listeners_are_served_by_one_process(root, make_commit):
    heard, stop, lock = [], threading.Event(), threading.Lock()

    def hear(event):
        with lock:
            heard.append(event.sequence)
            if len(heard) == 2 * 10:
                stop.set()

    requests = [{"param": "130"}, {"param": "131"}, *[{"param": "167"}] * 998]
    trigger = {"type": "function", "function": hear}
    document = {
        "listeners": [{"name": str(n), "request": one, "triggers": [trigger]} for n, one in enumerate(requests)]
    }
    options = {"mode": "catchup", "stop": stop, "cubes": lambda _: [], "history": lambda *_: []}
    thread = threading.Thread(target=listen, args=(document, root), kwargs=options)
    thread.start()
    for number in range(1, 11):
        open_log(root).append([make_commit(root, number)])
    thread.join(120)
    assert sorted(heard) == sorted([*range(1, 11)] * 2)
    assert all(open_log(root).cursors(name)["od/oper/0001"] >= 9 for name in "01")  # stopped within the last commit
