"""Copies between layouts: the very bytes between messages, exact values otherwise, or a refusal that is counted."""

import numpy as np
import pytest

import dtedask
from dtedask.grib import scan
from dtedask.ingest import ingest
from dtedask.store.schema import Schema

MESSAGES = Schema.model_validate({"layout": "messages"})


def layouts(store):
    """Layout of each variable."""
    return {part.variable.codec.to_values().layout or "map" for part in store.select()}


def values(store):
    """Values of every field by keys, missing points in one form."""
    return {
        (*record.keys.items(), record.grid.label): np.where(np.isnan(found), np.float32("nan"), found).tobytes()
        for record, found in store.values(None)
    }


@pytest.fixture
def small(grib_folder):
    """A few real files of several kinds of grids, with missing points."""
    names = ("missing-values.grib", "reduced-gg.grib", "healpix-h8.grib2")
    return [grib_folder / name for name in names]


@pytest.mark.slow
def test_between_messages_the_very_bytes_are_copied(small, tmp_path):
    store = dtedask.open(tmp_path / "root", schema=MESSAGES)
    ingest(small, store)
    done = store.copy(None, tmp_path / "copy")
    copied = dtedask.open(tmp_path / "copy")
    assert layouts(copied) == {"messages"}
    assert sorted(data for _, data in copied.read()) == sorted(m.read() for file in small for m in scan(file))
    assert done.new == len(list(store.list()))
    assert store.copy(None, tmp_path / "copy").unchanged == done.new


@pytest.mark.slow
def test_from_messages_into_a_map_is_what_ingest_makes(small, store, tmp_path):
    messages = dtedask.open(tmp_path / "messages", schema=MESSAGES)
    ingest(small, messages)
    ingest(small, store)
    messages.copy(None, tmp_path / "copy", layout="map")
    copied = dtedask.open(tmp_path / "copy")
    assert layouts(copied) == {"map"}
    assert values(copied) == values(store)


@pytest.mark.slow
def test_from_a_map_into_messages_every_bit_is_kept(small, store, tmp_path):
    ingest(small, store)
    done = store.copy(None, tmp_path / "copy", layout="messages")
    copied = dtedask.open(tmp_path / "copy")
    assert done.refused == ()
    assert layouts(copied) == {"messages"}
    assert values(copied) == values(store)
    assert {frozenset(r.keys.items()) for r in copied.list()} == {frozenset(r.keys.items()) for r in store.list()}


@pytest.mark.slow
def test_what_no_message_can_hold_is_counted_and_all_else_is_copied(grib_folder, store, tmp_path):
    files = [grib_folder / name for name in ("spherical-harmonics.grib", "lambert.grib", "era5-levels-members.grib")]
    ingest(files, store)
    done = store.copy(None, tmp_path / "copy", layout="messages")
    refused = {one.variable: one for one in done.refused}
    assert refused.keys() == {"z", "nlwrs"}
    assert "values would change" in refused["z"].reason
    assert "param=3112" in refused["nlwrs"].reason
    assert (done.new, sum(one.fields for one in done.refused)) == (160, 2)
    assert all("T63" not in record.grid.label for record in dtedask.open(tmp_path / "copy").list())


@pytest.mark.slow
def test_a_single_field_that_no_message_can_hold_does_not_stop_its_batch(make_field, tmp_path):
    store = dtedask.open(tmp_path / "root", schema=Schema.model_validate({"values": {"dtype": "float64"}}))
    for step in range(4):
        field, keys = make_field(step, number="1", levelist="500", step=str(step))
        field = field.astype("float64")
        if step == 2:
            field[0, 0], field[1, 1] = 1e36, np.nan  # GRIB has one number for both
        store.archive(field, keys)
    store.flush()
    done = store.copy(None, tmp_path / "copy", layout="messages")
    assert (done.new, [one.fields for one in done.refused]) == (3, [1])
    assert dtedask.open(tmp_path / "copy").axes()["step"] == ["0", "1", "3"]
    again = store.copy(None, tmp_path / "copy", layout="messages")
    assert (again.unchanged, len(again.refused)) == (3, 1)


KINDS = {
    "map": {"values": {"tiles": "none"}},
    "tiles": {"values": {"tiles": 90}},
    "integers": {"values": {"codec": "grib-int"}},
    "messages": {"layout": "messages"},
    "wide": {"values": {"dtype": "float64", "codec": "blosc-zstd", "level": 3}},
}


def codecs(store):
    """Codec of every variable."""
    return {(part.cube, part.group.name, part.variable.name): part.variable.codec for part in store.select()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_of_any_layout_is_stored_in_the_same_way(grib_folder, tmp_path, kind):
    store = dtedask.open(tmp_path / "root", schema=Schema.model_validate(KINDS[kind]))
    ingest([grib_folder / "ifs-oper-surface.grib2", grib_folder / "missing-values.grib"], store)
    store.copy(None, tmp_path / "copy")
    copied = dtedask.open(tmp_path / "copy")
    assert codecs(copied) == codecs(store)
    assert store.compare(None, copied).is_equal
    again = store.copy(None, copied)
    assert (again.unchanged, again.commits) == (again.fields, ())


@pytest.mark.slow
@pytest.mark.parametrize("target", ["map", "tiles", "integers", "messages"])
@pytest.mark.parametrize("source", ["map", "tiles", "integers", "messages"])
def test_values_are_the_same_from_any_layout_into_any_other(grib_folder, tmp_path, source, target):
    store = dtedask.open(tmp_path / "root", schema=Schema.model_validate(KINDS[source]))
    ingest([grib_folder / "aifs-single-t500.grib2", grib_folder / "missing-values.grib"], store)
    done = store.copy(None, tmp_path / "copy", schema=Schema.model_validate(KINDS[target]))
    assert (done.new, done.rounded, done.refused) == (3, 0, ())
    assert values(dtedask.open(tmp_path / "copy")) == values(store)


@pytest.mark.slow
def test_a_copy_of_files_that_stay_where_they_are_needs_them_no_longer(grib_folder, tmp_path):
    file = tmp_path / "ens.grib"
    file.write_bytes((grib_folder / "ens-50.grib").read_bytes())
    store = dtedask.open(tmp_path / "root")
    store.virtualize(file)
    wanted = values(store)
    store.copy(None, tmp_path / "copy")
    file.unlink()
    assert values(dtedask.open(tmp_path / "copy")) == wanted
