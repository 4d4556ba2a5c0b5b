"""Products that are fields: they go into cubes, are kept where that failed, and are made once all the same."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import ConflictError, LockedError, SchemaError
from dtedask.products import delivery
from dtedask.products.deliveries import cube
from dtedask.products.deliveries.cube import CubeOptions
from dtedask.products.finishing import Finishing
from dtedask.products.ledger import Ledger
from dtedask.store import Store
from tests.products.failing import Failing, FailingOptions
from tests.products.made import NOW, Fields, Raw, content, folder, make, part, product


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "state") as found:
        yield found


@pytest.fixture
def finishing(ledger):
    with Finishing(ledger, now=lambda: NOW, sleep=lambda _: None) as found:
        yield found


@pytest.fixture
def root(tmp_path):
    return CubeOptions(url=str(tmp_path / "root"))


def values(root):
    return {
        record.keys["step"]: np.asarray(found)
        for record, found in dtedask.open(root.url).values({}, allow_missing=True)
    }


def test_fields_are_one_commit_whose_notes_say_what_it_is(finishing, ledger, root):
    parts = [part(1, step="0"), part(2, step="6")]
    (outcome,) = finishing(make(product(delivery=(root,)), written_as=Fields), parts)
    assert outcome.receipt.is_new
    assert {step: found.tobytes() for step, found in values(root).items()} == {
        one.description.keys["step"]: np.asarray(one.payload, found.dtype).tobytes()
        for one, found in zip(parts, values(root).values(), strict=True)
    }
    (commit,) = dtedask.open(root.url).history()
    notes = dict(commit.notes)
    assert (notes["product"], notes["digest"], notes["owner"]) == ("wind/20240603T0000/wind.raw", "d1", "me")
    assert json.loads(notes["lineage"]) == {"inputs": "a@1"}
    assert outcome.receipt.location == f"{commit.url}@{commit.snapshot}"
    assert ledger.products()[0].is_delivered


def test_one_content_goes_into_a_file_and_a_cube(finishing, root, tmp_path):
    outcomes = finishing(make(product(delivery=(folder(tmp_path / "out"), root))), [part(1)])
    assert [outcome.is_delivered for outcome in outcomes] == [True, True]
    assert (tmp_path / "out" / "wind.raw").exists()
    assert list(values(root)) == ["0"]


@pytest.mark.parametrize("error", [LockedError("It is locked."), ConflictError("It moved.")])
def test_a_cube_that_is_busy_is_tried_again(finishing, root, monkeypatch, error):
    flush, errors = Store.flush, [error, error]

    def busy(*arguments, **options):
        if errors:
            raise errors.pop()
        return flush(*arguments, **options)

    monkeypatch.setattr(Store, "flush", busy)
    (outcome,) = finishing(make(product(delivery=(root,)), written_as=Fields), [part(1)])
    assert (outcome.is_delivered, outcome.attempts) == (True, 3)
    assert len(list(dtedask.open(root.url).history())) == 1


def test_what_a_cube_refuses_lasts(finishing, root, monkeypatch):
    def refuse(*_, **__):
        raise SchemaError("It has no place for that.")

    monkeypatch.setattr(Store, "flush", refuse)
    (outcome,) = finishing(make(product(delivery=(root,)), written_as=Fields), [part(1)])
    assert outcome.attempts == 1
    assert outcome.error.is_lasting
    assert "It has no place for that." in str(outcome.error)


def test_what_failed_leaves_nothing_behind_for_the_next_product(finishing, root, monkeypatch):
    """Fields that were archived and not committed are not part of the commit that follows."""
    monkeypatch.setattr(Store, "flush", lambda *_, **__: (_ for _ in ()).throw(SchemaError("No.")))
    finishing(make(product("a", delivery=(root,)), written_as=Fields), [part(1, step="0")])
    monkeypatch.undo()
    finishing(make(product("b", delivery=(root,)), digest="d2", written_as=Fields), [part(2, step="6")])
    assert list(values(root)) == ["6"]


def test_parts_that_are_no_fields_are_named(root, tmp_path):
    one = part(1)
    for payload in (b"a,b\n", np.zeros(3)):
        with pytest.raises(Exception, match="has the format 'raw', whose parts are no fields") as raised:
            cube.CubeDelivery(root).deliver(content(product(), parts=(replace(one, payload=payload),)))
        assert raised.value.is_lasting
    assert not (tmp_path / "root").exists()


class FailingFields(Failing):
    """Takes fields."""

    takes = "fields"
    got = ()

    def deliver(self, content):
        receipt = super().deliver(content)
        type(self).got = content.parts
        return receipt


def test_fields_that_were_not_delivered_are_kept_and_not_made_again(ledger, monkeypatch, tmp_path):
    monkeypatch.setitem(delivery._OWN, "failing", f"{__name__}:FailingFields")
    monkeypatch.setattr(FailingFields, "left", 5)
    one = make(product(delivery=(FailingOptions(), folder(tmp_path / "out"))), written_as=Raw)
    with Finishing(ledger, sleep=lambda _: None) as finishing:
        assert [outcome.is_delivered for outcome in finishing(one, [part(1), part(2)])] == [False, True]
    with Finishing(ledger, sleep=lambda _: None) as again:
        again.recover()
        outcomes = again.finish_staged(one)
        assert [outcome.is_delivered for outcome in outcomes] == [True, True]
        assert not again.is_staged(one)
    for found, made in zip(FailingFields.got, [part(1), part(2)], strict=True):
        np.testing.assert_array_equal(found.payload, made.payload)
        assert found.description.keys == made.description.keys
        assert found.description.grid == made.description.grid


def test_fields_that_nobody_kept_must_be_made(ledger, root):
    with Finishing(ledger) as finishing:
        assert finishing.finish_staged(make(product(delivery=(root,)), written_as=Fields)) is None
