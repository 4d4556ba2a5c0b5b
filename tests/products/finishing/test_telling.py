"""Manifests and notices: each delivery once, in order, also when places are away and processes are killed."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import pytest

from dtedask.core.errors import DeliveryError, NoticeError
from dtedask.notify import NoticeLog, listening, open_log
from dtedask.products import delivery
from dtedask.products.deliveries.folder import FolderDelivery
from dtedask.products.finishing import Finishing
from dtedask.products.finishing.telling import Teller
from dtedask.products.ledger import Ledger
from tests.products.failing import FailingOptions
from tests.products.made import NOW, folder, make, part, product


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "state") as found:
        yield found


def open_finishing(ledger, tmp_path, **options):
    return Finishing(ledger, output=folder(tmp_path / "out"), now=lambda: NOW, sleep=pytest.fail, **options)


def lines(tmp_path):
    path = tmp_path / "out" / "manifest-20240603T0000.jsonl"
    return [json.loads(line)["product"] for line in path.read_text().splitlines()] if path.exists() else []


def test_deliveries_are_told_of_while_the_run_goes_on(ledger, tmp_path):
    heard = threading.Event()
    listeners = {"listeners": [{"name": "all", "triggers": [{"type": "function", "function": lambda _: heard.set()}]}]}
    with listening(listeners), open_finishing(ledger, tmp_path) as finishing:
        finishing(make(product()), [part(1)])
        assert heard.wait(30)
        assert lines(tmp_path) == ["wind/20240603T0000/wind.raw"]


def test_the_event_of_a_product_has_bytes_and_checksum_of_its_file(ledger, tmp_path):
    with open_finishing(ledger, tmp_path) as finishing:
        finishing(make(product()), [part(1)])
    (event,) = open_log(ledger.folder).events()
    data = Path(event.group).read_bytes()
    assert (event.size_bytes, event.checksum) == (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}")


def test_who_is_killed_before_telling_is_told_for(ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(Teller, "ask", lambda _: None)  # stands for a kill before
    finishing = open_finishing(ledger, tmp_path)
    for name in "ab":
        finishing(make(product(name), digest=name), [part(1)])
    assert (lines(tmp_path), len(ledger.pending())) == ([], 2)
    for _ in range(2):
        assert open_finishing(ledger, tmp_path).recover() == []
        assert lines(tmp_path) == [f"{name}/20240603T0000/{name}.raw" for name in "ab"]
    assert [entry.events[0].keys["param"] for entry in open_log(ledger.folder).entries()] == ["130", "130"]
    assert ledger.pending() == []


@pytest.mark.parametrize("lasts", [False, True])
def test_a_manifest_that_cannot_be_written_holds_up_no_notice(ledger, tmp_path, monkeypatch, lasts):
    def fail(*_):
        raise DeliveryError("It is away.", is_lasting=lasts)

    finishing = open_finishing(ledger, tmp_path)
    monkeypatch.setattr(FolderDelivery, "record", fail)
    (outcome,) = finishing(make(product()), [part(1)])
    finishing.close()
    assert outcome.is_delivered
    assert len(list(open_log(ledger.folder).entries())) == 1
    assert len(ledger.pending()) == (not lasts)
    monkeypatch.undo()
    open_finishing(ledger, tmp_path).recover()
    assert len(lines(tmp_path)) == (not lasts)
    assert len(list(open_log(ledger.folder).entries())) == 1


def test_notices_go_to_the_root_that_was_named_or_nowhere(ledger, tmp_path):
    with open_finishing(ledger, tmp_path, notices=str(tmp_path / "root")) as finishing:
        finishing(make(product("a")), [part(1)])
    with open_finishing(ledger, tmp_path, notices="") as finishing:
        finishing(make(product("b")), [part(1)])
    assert len(list(open_log(tmp_path / "root").entries())) == 1
    assert len(lines(tmp_path)) == 2
    assert ledger.pending() == []


def test_a_trigger_that_fails_is_the_listeners_matter(ledger, tmp_path):
    listeners = {"listeners": [{"name": "all", "triggers": [{"type": "function", "function": lambda _: 1 / 0}]}]}
    with listening(listeners), open_finishing(ledger, tmp_path) as finishing:
        assert finishing(make(product()), [part(1)])[0].is_delivered
    assert ledger.pending() == []


@pytest.mark.slow
def test_many_deliveries_are_one_writing_of_a_manifest(ledger, tmp_path, monkeypatch):
    written = []
    record = FolderDelivery.record

    def counted(delivery, name, found):
        if delivery.folder == tmp_path / "out":  # threads of others may write too
            written.append(len(found))
        record(delivery, name, found)

    monkeypatch.setattr(FolderDelivery, "record", counted)
    monkeypatch.setattr(Teller, "ask", lambda _: None)
    with open_finishing(ledger, tmp_path) as finishing:
        for number in range(30):
            finishing(make(product(f"p{number:02}"), digest=str(number)), [part(1)])
    assert written == [30]
    assert lines(tmp_path) == [f"p{number:02}/20240603T0000/p{number:02}.raw" for number in range(30)]


def test_a_place_that_nobody_knows_any_more_stops_nothing(ledger, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(delivery._OWN, "failing", "tests.products.failing:Failing")
        patch.setattr(Teller, "ask", lambda _: None)
        open_finishing(ledger, tmp_path)(make(product(delivery=(FailingOptions(),))), [part(1)])
    (failure,) = open_finishing(ledger, tmp_path).recover()
    assert "cannot be understood any more" in str(failure)
    assert len(list(open_log(ledger.folder).entries())) == 1
    assert len(ledger.pending()) == 1


def test_an_unexpected_error_of_a_manifest_is_kept_for_later(ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(FolderDelivery, "record", lambda *_: 1 / 0)
    monkeypatch.setattr(Teller, "ask", lambda _: None)
    finishing = open_finishing(ledger, tmp_path)
    finishing(make(product()), [part(1)])
    (failure,) = finishing.close()
    assert "ZeroDivisionError" in str(failure)
    assert len(ledger.pending()) == 1


def test_notices_of_many_deliveries_are_one_transaction_and_one_that_cannot_be_told_stops_no_other(
    ledger, tmp_path, monkeypatch
):
    monkeypatch.setattr(Teller, "ask", lambda _: None)
    given, append = [], NoticeLog.append_notices

    def first_refuses(log, notices):
        given.append([notice.id for notice in notices])
        if any(change.group.endswith("b.raw") for notice in notices for change in notice.changes):
            raise NoticeError("There is no room.")
        return append(log, notices)

    finishing = open_finishing(ledger, tmp_path)
    for name in "abc":
        finishing(make(product(name), digest=name), [part(1)])
    monkeypatch.setattr(NoticeLog, "append_notices", first_refuses)
    assert [str(failure) for failure in finishing.recover()] == ["There is no room."]
    assert [len(some) for some in given] == [3, 1, 1, 1]
    assert len(ledger.pending()) == 1
    monkeypatch.undo()
    assert finishing.close() == []
    assert (len(list(open_log(ledger.folder).events())), ledger.pending()) == (3, [])
