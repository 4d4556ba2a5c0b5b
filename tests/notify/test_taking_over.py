"""What an older dtedask remembered of listeners is not lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from dtedask.notify import listen, load_listeners, open_log
from dtedask.notify.delivery.state import DeliveryState
from dtedask.notify.log import close_logs
from dtedask.plugins import run_oldest_needed

CUBE = "od/oper/0001"


def remember_as_before(root):
    """Write cursors and a failure where they were before deliveries.sqlite."""
    with closing(sqlite3.connect(root / "notices.sqlite", isolation_level=None)) as connection:
        connection.execute("INSERT INTO listeners VALUES ('l'), ('new')")
        connection.execute("INSERT INTO cursors VALUES ('l', ?, 2)", (CUBE,))
        rows = [("l", f"{CUBE}@{n}", "command", "no disk", "2024-06-03T00:00:00.000000Z") for n in ("2.1", "9.0")]
        connection.executemany(
            "INSERT INTO failures (listener, event, trigger, message, time) VALUES (?, ?, ?, ?, ?)", rows
        )


def document(heard, name="l"):
    function = {"type": "function", "function": lambda event: heard.append(event.sequence)}
    return load_listeners({"listeners": [{"name": name, "request": {"param": "130"}, "triggers": [function]}]})


def test_listeners_of_an_older_dtedask_go_on_where_they_were(root, make_commit):
    open_log(root).append([make_commit(root, n) for n in range(1, 5)])
    remember_as_before(root)
    heard = []
    listen(document(heard), root, mode="catchup", once=True, cubes=lambda _: [])
    assert heard == [3, 4]
    listen(document(heard, "new"), root, once=True, cubes=lambda _: [])
    assert heard == [3, 4, 1, 2, 3, 4]
    (letter,) = open_log(root).failures()
    assert (letter.news.id, letter.label, letter.error, letter.trigger) == (f"{CUBE}@2.1", "command", "no disk", -1)


def test_purge_waits_for_listeners_that_were_not_taken_over_yet(root, make_commit):
    open_log(root).append([make_commit(root, n) for n in range(1, 5)])
    remember_as_before(root)
    assert run_oldest_needed(str(root), CUBE)[0].sequence == 1
    assert open_log(root).forget("new")
    assert run_oldest_needed(str(root), CUBE)[0].sequence == 3


def test_a_kill_in_between_loses_nothing_and_doubles_nothing(root, make_commit):
    open_log(root).append([make_commit(root, n) for n in range(1, 5)])
    remember_as_before(root)
    with DeliveryState(root / "deliveries.sqlite") as state:
        state.take_over({"l": {CUBE: 2999999}, "new": {}}, open_log(root).failures())
        remember_as_before(root)
    close_logs()
    assert open_log(root).cursors("l") == {CUBE: 2}
    assert len(open_log(root).failures()) == 1
    open_log(root).state.finish("l", {CUBE: 3999999})
    assert open_log(root).cursors("l") == {CUBE: 3}


def test_a_root_without_listeners_gets_no_file(root, make_commit):
    open_log(root).append([make_commit(root, 1)])
    assert open_log(root).cursors("l") is None
    assert open_log(root).heard(CUBE) == {}
    assert not (root / "deliveries.sqlite").exists()
