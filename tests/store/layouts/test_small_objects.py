"""Encoded fields in packs: `objects: pack`, and how the packs of an object store are read."""

from __future__ import annotations

from pathlib import Path

import dask
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import DamagedError
from dtedask.store import Schema
from dtedask.store.layouts import together
from dtedask.store.schema import Values
from dtedask.store.snapshot import Snapshot

PACKED = Schema(values=Values(objects="pack"))
LEVELS = ("500", "700", "850", "1000", "50")


def fill(store, make_field, base=0.0, levels=LEVELS):
    for number, level in enumerate(levels):
        store.archive(*make_field(base + number, shape=(3, 300), levelist=level))
    return store.flush()


@pytest.fixture
def packed(tmp_path, make_field):
    store = dtedask.open(tmp_path / "root", schema=PACKED)
    fill(store, make_field)
    return store


def packs(store):
    return sorted(Path(store.root).rglob("packs/*.chunks"))


def objects(store):
    return {path for path in Path(store.root).rglob("chunks/*") if path.is_file()}


def test_fields_of_a_task_are_one_pack(packed, tmp_path, make_field):
    alone = dtedask.open(tmp_path / "alone", schema=Schema(values=Values(objects="field")))
    fill(alone, make_field)
    assert len(packs(packed)) == 1
    assert packs(alone) == []
    assert len(objects(alone)) - len(objects(packed)) == len(LEVELS)
    for (one, values), (two, expected) in zip(packed.values(""), alone.values(""), strict=True):
        assert one.keys == two.keys
        assert one.size_bytes == two.size_bytes
        assert np.array_equal(values, expected)


@pytest.mark.parametrize("objects", ["auto", "field"])
def test_on_disk_fields_are_objects_unless_the_schema_asks_for_packs(tmp_path, make_field, objects):
    store = dtedask.open(tmp_path / "root", schema=Schema(values=Values(objects=objects)))
    fill(store, make_field)
    assert packs(store) == []


def test_in_memory_there_are_no_packs(make_field):
    store = dtedask.open("memory://small-objects", schema=PACKED)
    fill(store, make_field)
    assert len(list(store.values(""))) == len(LEVELS)


def test_fields_in_packs_are_replaced_and_those_sent_again_change_nothing(packed, make_field):
    assert fill(packed, make_field) == []
    packed.archive(*make_field(9, shape=(3, 300), levelist="500"))
    (commit,) = packed.flush()
    assert (commit.new, commit.replaced) == (0, 1)
    found = {record.keys["levelist"]: values for record, values in packed.values("")}
    assert found["500"][0, 0] == 9
    assert found["850"][0, 0] == 2


def test_purge_takes_packs_of_which_no_field_is_left(packed, make_field):
    fill(packed, make_field, base=50)
    before = packs(packed)
    assert len(before) == 2
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        packed.purge(keep_commits=1)
    assert len(packs(packed)) == 1
    assert [values[0, 0] for _, values in packed.values("levelist=500")] == [50]


@pytest.mark.slow
def test_verify_names_the_field_of_a_flipped_bit(packed):
    (pack,) = packs(packed)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 4
    pack.write_bytes(data)
    (finding,) = packed.verify().findings
    assert "levelist" in str(finding)
    with pytest.raises(DamagedError, match="checksum"):
        list(packed.values(""))


def test_parts_of_packs_that_are_read_together_are_what_icechunk_reads(packed, make_field, monkeypatch):
    fill(packed, make_field, base=20, levels=("500", "10"))
    (record, *_) = [record for record, _ in packed.values("")]
    snapshot = record.selection.snapshot
    keys = [record.chunk for record, _ in packed.values("")]
    one_by_one = snapshot.read_chunks(keys)
    monkeypatch.setattr(Snapshot, "is_remote", True)
    monkeypatch.setattr(together, "_RUN_BYTES", 3000)
    wanted = [*keys[::-1], "missing".join(keys[0].rpartition("t")[::2]), keys[0]][: len(keys)]
    found = together.read_together(snapshot, wanted)
    assert found == dict(enumerate(one_by_one[::-1]))
    assert snapshot.read_chunks(keys) == one_by_one


def test_a_pack_that_is_gone_is_damage_when_read_together(packed, monkeypatch):
    records = [record for record, _ in packed.values("")]
    (pack,) = packs(packed)
    pack.unlink()
    monkeypatch.setattr(Snapshot, "is_remote", True)
    with pytest.raises(DamagedError, match="pack"):
        records[0].selection.snapshot.read_chunks([record.chunk for record in records])
