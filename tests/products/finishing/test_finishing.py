"""Contents are written once, and come to everybody who ordered them."""

from __future__ import annotations

import hashlib
import json

import pytest

from dtedask.core.errors import DeliveryError, ProductError
from dtedask.notify import open_log
from dtedask.products import delivery
from dtedask.products.deliveries.folder import FolderDelivery
from dtedask.products.finishing import Finishing, Retries
from dtedask.products.finishing.staging import Staging
from dtedask.products.ledger import Ledger
from tests.products.failing import Failing, FailingOptions
from tests.products.made import NOW, Raw, folder, make, part, product


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "state") as found:
        yield found


@pytest.fixture
def finishing(ledger, tmp_path):
    with Finishing(ledger, output=folder(tmp_path / "out"), now=lambda: NOW, sleep=pytest.fail) as found:
        yield found


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def staged(ledger):
    return sorted(one.name for one in (ledger.folder / "staged").glob("[!.]*"))


def test_equal_products_are_written_once_and_come_to_all_of_their_owners(finishing, ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(Raw, "written", 0)
    mine = product("mine", delivery=(folder(tmp_path / "a"), folder(tmp_path / "b")))
    yours = product("yours", owner="you", file="2024/{x}.raw")
    outcomes = finishing(make(mine, yours), [part(1)])
    assert all(one.is_delivered and one.receipt.is_new for one in outcomes)
    assert [one.target for one in outcomes] == [str(tmp_path / name) for name in ("a", "b", "out")]
    found = {path.read_bytes() for path in tmp_path.glob("[abo]*/**/*.raw")}
    assert len(found) == 1
    assert (tmp_path / "out" / "2024" / "{x}.raw").exists()
    assert Raw.written == 1
    assert staged(ledger) == []


def test_a_manifest_says_what_lies_there_and_where_it_is_from(finishing, tmp_path):
    one = product()
    finishing(make(one, model="47r3"), [part(1)])
    finishing.close()
    (line,) = lines(tmp_path / "out" / "manifest-20240603T0000.jsonl")
    data = (tmp_path / "out" / "wind.raw").read_bytes()
    assert line["checksum"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert line["size"] == len(data)
    assert line["lineage"] == {"inputs": "a@1", "model": "47r3"}
    assert line["requirement-digest"] == "requirement-wind"
    assert line["fields"] == [dict(one.fields[0])]
    assert (line["product"], line["digest"], line["owner"]) == (one.id, "d1", "me")


def test_each_delivery_is_announced_once(finishing, ledger, tmp_path):
    for _ in range(2):
        finishing(make(product("a"), product("b")), [part(1)])
    finishing.close()
    events = list(open_log(ledger.folder).events())
    assert [event.group for event in events] == [str(tmp_path / "out" / f"{name}.raw") for name in "ab"]
    assert {event.cube for event in events} == {"products/me"}
    assert ledger.pending() == []


def test_what_the_ledger_says_is_there_is_not_delivered_again(finishing, tmp_path):
    one = product()
    finishing(make(one), [part(1)])
    (tmp_path / "out" / "wind.raw").unlink()  # its owner has taken it
    (outcome,) = finishing(make(one), [part(1)])
    assert (outcome.is_delivered, outcome.receipt.is_new, outcome.attempts) == (True, False, 0)
    assert not (tmp_path / "out" / "wind.raw").exists()


def test_another_content_of_a_product_replaces_it(finishing, ledger, tmp_path):
    one = product()
    finishing(make(one), [part(1)])
    first = (tmp_path / "out" / "wind.raw").read_bytes()
    finishing(make(one, digest="d2"), [part(2)])
    finishing.close()
    assert (tmp_path / "out" / "wind.raw").read_bytes() != first
    assert ledger.delivered(one.id, str(tmp_path / "out")) == "d2"
    assert [line["digest"] for line in lines(tmp_path / "out" / "manifest-20240603T0000.jsonl")] == ["d1", "d2"]


@pytest.fixture
def failing(monkeypatch):
    monkeypatch.setitem(delivery._OWN, "failing", "tests.products.failing:Failing")
    for name, value in {"left": 0, "lasting": False, "tried": 0}.items():
        monkeypatch.setattr(Failing, name, value)
    return Failing


def test_a_delivery_that_fails_is_tried_again_after_longer_and_longer_pauses(ledger, failing):
    failing.left = 3
    pauses = []
    finishing = Finishing(ledger, output=FailingOptions(), sleep=pauses.append, now=lambda: NOW)
    (outcome,) = finishing(make(product()), [part(1)])
    assert (outcome.is_delivered, outcome.attempts) == (True, 4)
    assert pauses == [1, 3, 9]


def test_what_was_staged_and_not_delivered_is_not_made_again(ledger, failing, tmp_path, monkeypatch):
    monkeypatch.setattr(Raw, "written", 0)
    failing.left = 5
    one = product(delivery=(FailingOptions(), folder(tmp_path / "out")))
    finishing = Finishing(ledger, sleep=lambda _: None, now=lambda: NOW)
    away, there = finishing(make(one), [part(1)])
    assert (away.is_delivered, away.attempts, there.is_delivered) == (False, 5, True)
    assert ledger.products()[0].deliveries[-1].error == "The place is away."
    again = Finishing(ledger, sleep=lambda _: None, now=lambda: NOW)
    assert again.is_staged(make(one))
    outcomes = again.finish_staged(make(one))
    assert [outcome.is_delivered for outcome in outcomes] == [True, True]
    assert [outcome.attempts for outcome in outcomes] == [1, 0]
    assert Raw.written == 1
    assert not again.is_staged(make(one))
    assert [outcome.attempts for outcome in again.finish_staged(make(one))] == [0, 0]
    assert again.finish_staged(make(one, digest="d2")) is None


def test_a_place_that_is_away_holds_the_others_up_once_only(ledger, failing):
    failing.left = 100
    pauses = []
    finishing = Finishing(ledger, output=FailingOptions(), sleep=pauses.append, retries=Retries(times=2))
    for number in range(10):
        finishing(make(product(f"p{number}"), digest=f"d{number}"), [part(1)])
    assert len(pauses) == 2
    assert failing.tried == 3 + 9


def test_what_lasts_is_not_tried_again(ledger, failing):
    failing.left, failing.lasting = 1, True
    (outcome,) = Finishing(ledger, output=FailingOptions(), sleep=pytest.fail)(make(product()), [part(1)])
    assert outcome.attempts == 1
    assert ledger.products()[0].deliveries[0].is_lasting


def test_a_product_that_goes_nowhere_is_an_error(ledger):
    with pytest.raises(ProductError, match="Nobody says where .* 'wind' go"):
        Finishing(ledger)(make(product()), [part(1)])


def test_what_was_staged_before_its_input_was_written_again_does_not_stay(ledger, tmp_path):
    with Finishing(ledger, output=folder(tmp_path / "out"), now=lambda: NOW) as first:
        first._staging.write("0" * 64, ".raw", lambda _: [b"killed before the ledger knew"])
        ledger.planned([(product(), "1" * 64)])
        first._staging.write("1" * 64, ".raw", lambda _: [b"still wanted"])
        assert staged(ledger) == ["0" * 64, "1" * 64]
    assert staged(ledger) == ["1" * 64]


def test_what_goes_to_one_folder_is_there_at_once_and_not_staged(finishing, ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(Staging, "keep", pytest.fail)
    monkeypatch.setattr(Ledger, "made", pytest.fail)
    one = make(product())
    (outcome,) = finishing(one, [part(1)])
    assert (outcome.is_delivered, outcome.attempts, outcome.receipt.is_new) == (True, 1, True)
    (row,) = ledger.products()
    assert (row.state, row.digest, row.is_delivered) == ("made", "d1", True)
    assert ledger.finished() == {"d1"}
    assert [path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".jsonl"] == ["wind.raw"]


@pytest.mark.parametrize("times", [1, 9])
def test_what_could_not_be_there_at_once_is_staged_before_it_is_tried_again(ledger, tmp_path, monkeypatch, times):
    deliver, left = FolderDelivery.deliver, [times]
    monkeypatch.setattr(Raw, "written", 0)

    def fail(self, content):
        if left[0]:
            left[0] -= 1
            raise DeliveryError("The disk is away.")
        return deliver(self, content)

    seen = []
    monkeypatch.setattr(FolderDelivery, "deliver", fail)
    one = make(product())
    finishing = Finishing(
        ledger, output=folder(tmp_path / "out"), sleep=lambda _: seen.append(staged(ledger)), now=lambda: NOW
    )
    (outcome,) = finishing(one, [part(1)])
    assert set(map(tuple, seen)) == {("d1",)}
    (row,) = ledger.products()
    assert row.state == "made"
    if times == 1:
        assert (outcome.is_delivered, outcome.attempts, row.deliveries[0].attempts) == (True, 2, 2)
    else:
        assert (outcome.is_delivered, outcome.attempts, row.deliveries[0].attempts) == (False, 5, 5)
        finishing.close()
        left[0] = 0
        assert finishing.is_staged(one)
        assert [found.is_delivered for found in finishing.finish_staged(one)] == [True]
    assert staged(ledger) == []
    assert Raw.written == 1
