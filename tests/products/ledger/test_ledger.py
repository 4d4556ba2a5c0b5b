"""The ledger remembers what became of each product, for threads, processes and power cuts."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import DeliveryError, ProductError
from dtedask.products import Receipt
from dtedask.products.finishing import Outcome
from dtedask.products.ledger import Ledger
from dtedask.products.ledger.place import state_folder
from tests.products.made import CYCLE, NOW, product

HOUR = timedelta(hours=1)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "state") as found:
        yield found


def there(one, target="a", checksum="sha256:1"):
    return Outcome(one, target, Receipt(f"{target}/{one.file_name}", checksum, 10, NOW))


def failed(one, target="a", *, attempts=1, is_lasting=False):
    return Outcome(one, target, error=DeliveryError("It is away.", is_lasting=is_lasting), attempts=attempts)


@pytest.mark.slow
def test_what_was_delivered_is_known_to_the_next_process(ledger):
    one, other = product("one"), product("other")
    ledger.record(there(one), "d1", now=NOW)
    ledger.record(failed(other), "d1", now=NOW)
    program = "import sys; from dtedask.products.ledger import Ledger; print(Ledger(sys.argv[1]).delivered_all())"
    found = subprocess.run([sys.executable, "-c", program, ledger.folder], capture_output=True, check=True, text=True)
    assert found.stdout.strip() == str({(one.id, "a"): "d1"})
    assert (ledger.delivered(one.id, "a"), ledger.delivered(one.id, "b")) == ("d1", None)
    assert ledger.delivered(other.id, "a") is None


def test_a_failure_leaves_what_was_delivered_before(ledger):
    one = product()
    ledger.record(there(one), "d1", now=NOW)
    ledger.record(failed(one), "d2", now=NOW + HOUR)
    ((row,),) = (found.deliveries for found in ledger.products())
    assert (row.state, row.digest, row.delivered, row.error) == ("failed", "d2", "d1", "It is away.")
    assert ledger.delivered(one.id, "a") == "d1"


def test_attempts_of_one_content_are_counted(ledger):
    one = product()
    for attempts in (1, 3):
        ledger.record(failed(one, attempts=attempts), "d1", now=NOW)
    assert ledger.delivery(one.id, "a").attempts == 4
    ledger.record(there(one), "d1", now=NOW)
    assert ledger.delivery(one.id, "a").attempts == 5
    ledger.made([(one, "a")], "d2", "sha256:2", 10, now=NOW)
    assert (ledger.delivery(one.id, "a").attempts, ledger.delivery(one.id, "a").state) == (0, "due")


def test_a_product_goes_through_its_states(ledger):
    one = product()
    states = []
    for note in (
        lambda: ledger.waiting({one: [{"param": "167", "step": "6"}]}, now=NOW),
        lambda: ledger.planned([(one, "d1")], now=NOW),
        lambda: ledger.running([(one, "d1")], now=NOW),
        lambda: ledger.failed(one, ValueError("It is broken."), digest="d1", now=NOW),
        lambda: ledger.made([(one, "a")], "d1", "sha256:1", 10, now=NOW),
    ):
        note()
        (row,) = ledger.products()
        states.append((row.state, row.digest, row.missing, row.error))
    assert states == [
        ("waiting", "", ({"param": "167", "step": "6"},), ""),
        ("planned", "d1", (), ""),
        ("running", "d1", (), ""),
        ("failed", "d1", (), "It is broken."),
        ("made", "d1", (), ""),
    ]
    assert (row.product, row.owner, row.cycle, row.due) == (one.id, "me", str(CYCLE), one.due)
    assert not row.is_delivered
    ledger.record(there(one), "d1", now=NOW)
    assert ledger.products()[0].is_delivered


def test_what_could_not_be_made_is_a_failure_until_it_is_made(ledger):
    one = product()
    ledger.record(Outcome(one, "", error=ProductError("A field is broken.")), "d1", now=NOW)
    assert [(row.target, row.state, row.error) for row in ledger.states()] == [("", "failed", "A field is broken.")]
    assert ledger.failure(one.id).error == "A field is broken."
    ledger.made([(one, "a")], "d1", "sha256:1", 10, now=NOW)
    assert ledger.failure(one.id) is None
    assert [row.state for row in ledger.states()] == ["due"]


def test_products_are_found_by_owner_cycle_and_state(ledger):
    mine, yours = product("mine"), product("yours", owner="you")
    ledger.planned([(mine, "d1")], now=NOW)
    ledger.made([(yours, "a"), (yours, "b")], "d2", "sha256:1", 10, now=NOW)
    assert [row.requirement for row in ledger.products(owner="you")] == ["yours"]
    assert [row.requirement for row in ledger.products(state="planned")] == ["mine"]
    assert len(ledger.products(cycle=str(CYCLE))) == 2
    assert ledger.products(cycle="20240101T0000") == ledger.states(cycle="20240101T0000") == []
    assert [row.target for row in ledger.products(owner="you")[0].deliveries] == ["a", "b"]


def test_contents_are_finished_when_they_are_everywhere_or_others_came(ledger):
    one = product()
    ledger.made([(one, "a"), (one, "b")], "d1", "sha256:1", 10, now=NOW)
    ledger.record(there(one), "d1", now=NOW)
    assert ledger.finished() == set()
    ledger.record(there(one, "b"), "d1", now=NOW)
    assert ledger.finished() == {"d1"}
    ledger.made([(one, "a"), (one, "b")], "d2", "sha256:2", 10, now=NOW)
    assert ledger.finished() == {"d1"}


def test_the_old_is_forgotten_and_the_new_is_kept(ledger):
    for hours, name in ((0, "old"), (2, "new")):
        one = product(name)
        ledger.made([(one, "a")], name, "sha256:1", 10, now=NOW + hours * HOUR)
        ledger.record(there(one), name, now=NOW + hours * HOUR)
    assert ledger.forget(NOW + HOUR, doit=False) == 1
    assert len(ledger.products()) == len(ledger.delivered_all()) == len(ledger.finished()) == 2
    assert ledger.forget(NOW + HOUR) == 1
    assert [row.requirement for row in ledger.products()] == ["new"]
    assert set(ledger.delivered_all().values()) == ledger.finished() == {"new"}


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["d1", "d2"]), st.booleans())))
def test_the_last_delivery_to_a_place_is_what_lies_there(tmp_path_factory, events):
    one, expected = product(), {}
    with Ledger(tmp_path_factory.mktemp("state")) as ledger:
        for target, digest, comes in events:
            ledger.record(there(one, target) if comes else failed(one, target), digest, now=NOW)
            if comes:
                expected[one.id, target] = digest
        assert ledger.delivered_all() == expected


def record_some(folder, first):
    with Ledger(folder) as ledger:
        for number in range(first, first + 20):
            ledger.record(there(product(f"p{number}")), "d1", now=NOW)


@pytest.mark.slow
def test_processes_and_threads_write_side_by_side(ledger):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=record_some, args=(ledger.folder, first)) for first in (0, 20)]
    for process in processes:
        process.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: ledger.record(there(product(f"p{number}")), "d1", now=NOW), range(40, 80)))
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert len(ledger.delivered_all()) == 80


def test_a_newer_ledger_and_a_broken_one_are_named(ledger, tmp_path):
    ledger.delivered_all()
    ledger.close()
    with sqlite3.connect(ledger.folder / "products.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(Exception, match="ledger of products .* has format 99; this dtedask knows 1"):
        Ledger(ledger.folder).delivered_all()
    (tmp_path / "products.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(ProductError, match="ledger of products .* cannot be used"):
        Ledger(tmp_path).delivered_all()


@pytest.mark.slow
def test_ten_thousand_products_are_looked_up_at_once(ledger):
    products = [product(f"p{number}") for number in range(50)]
    ledger.record_all([(there(one, str(place)), None) for one in products for place in range(200)], "d1", now=NOW)
    assert len(ledger.delivered_all()) == 10_000


def test_the_state_of_an_output_is_beside_it_or_in_the_users_folder(tmp_path, monkeypatch):
    import dask

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    assert state_folder(tmp_path / "out") == tmp_path / "out" / ".dtedask-products"
    url = state_folder("s3://bucket/out")
    assert url.parent == tmp_path / "home" / "dtedask" / "products"
    with dask.config.set({"dtedask.products.state": str(tmp_path / "state")}):
        assert state_folder("s3://bucket/out") == tmp_path / "state" / url.name
        assert state_folder(tmp_path / "out").parent == tmp_path / "state"
