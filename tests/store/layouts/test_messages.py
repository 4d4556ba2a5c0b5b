"""Layout `messages`: GRIB goes in and comes out as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DamagedError, GribSyntaxError, GribUnsupportedError
from dtedask.grib import scan
from dtedask.grib.library import eccodes
from dtedask.store import Schema
from dtedask.store.layouts import Packs, packs
from dtedask.store.layouts.messages import PackedMessage
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles


@pytest.fixture(params=["ens-50.grib", "o32.grib2", "missing-values.grib", "spherical-harmonics.grib", "icon.grib"])
def real_file(request, grib_folder):
    return grib_folder / request.param


@pytest.mark.slow
def test_messages_come_back_byte_by_byte(tmp_path, real_file):
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(real_file)
    store.flush()
    data = real_file.read_bytes()
    messages = [data[one.offset : one.offset + one.length] for one in scan(real_file)]
    assert sorted(store.to_grib()) == sorted(messages)


@pytest.mark.slow
def test_values_are_those_of_the_layout_map(tmp_path, real_file):
    kept, decoded = dtedask.open(tmp_path / "a", schema=Schema(layout="messages")), dtedask.open(tmp_path / "b")
    for store in (kept, decoded):
        store.archive(real_file)
        store.flush()
    for (one, values), (two, expected) in zip(kept.values(""), decoded.values(""), strict=True):
        assert one.keys == two.keys
        np.testing.assert_array_equal(values, expected)


@pytest.mark.slow
def test_an_array_becomes_a_message_that_keeps_every_bit(tmp_path, grib_folder):
    source = dtedask.open(tmp_path / "a")
    source.archive(grib_folder / "o32.grib2")
    source.flush()
    dataset = source.retrieve("param=t").load()
    dataset["t"].data *= np.float32(np.pi)
    target = dtedask.open(tmp_path / "b", schema=Schema(layout="messages"))
    target.archive(dataset)
    target.flush()
    np.testing.assert_array_equal(target.retrieve("param=t")["t"], dataset["t"])


def test_a_flipped_bit_in_a_pack_is_damage_and_no_data(tmp_path, grib_folder):
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(grib_folder / "o32.grib2")
    store.flush()
    (pack,) = Path(tmp_path / "root").rglob("packs/*.grib")
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    with pytest.raises(DamagedError, match="The GRIB message of"):
        next(store.values(""))


@given(st.binary(max_size=40), st.binary(max_size=44))
def test_a_packed_message_equals_exactly_the_bytes_that_it_becomes(message, other):
    packed = PackedMessage(message)
    whole = bytes(packed)
    assert len(whole) == len(packed)
    assert whole == packed
    assert (packed == other) == (whole == other)
    assert whole[:-4] + b"\0" + whole[-4:] != packed
    assert whole[:-1] + bytes([whole[-1] ^ 1]) != packed


def test_a_message_that_does_not_fit_into_float32_is_kept_and_said_so(tmp_path, grib_folder):
    message = encode_huge(grib_folder)
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(message)
    store.flush()
    assert list(store.to_grib()) == [message]
    with pytest.raises(GribUnsupportedError, match=r"The message of the field .* cannot be decoded: .* do not fit"):
        list(store.values(""))
    assert store.verify().is_whole


def encode_huge(grib_folder):
    """A field of 1e300, as IEEE values of 64 bits."""
    handle = eccodes.codes_new_from_message((grib_folder / "o32.grib2").read_bytes())
    eccodes.codes_set(handle, "packingType", "grid_ieee")
    eccodes.codes_set(handle, "precision", 2)
    eccodes.codes_set_values(handle, np.full(eccodes.codes_get_size(handle, "values"), 1e300))
    message = eccodes.codes_get_message(handle)
    eccodes.codes_release(handle)
    return message


def test_a_task_that_fails_leaves_no_pack(tmp_path, make_field):
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.archive(*make_field(1.0, number="1", levelist="0.0001"))
    with pytest.raises(GribUnsupportedError, match="0.0001"):
        store.flush()
    assert list((tmp_path / "root").rglob("packs/*")) == []


def test_big_packs_of_object_stores_are_cut(tmp_path, grib_folder, monkeypatch):
    monkeypatch.setattr(packs, "MOST_IN_MEMORY", 10_000)
    location = Location("memory://cut")
    writer = packs.ObjectPack(location, "x/packs/1.grib", "s3://bucket/x/packs/1.grib")
    assert [writer.add(bytes(4_000)).offset for _ in range(2)] == [0, 4_000]
    assert not writer.is_full
    writer.add(bytes(4_000))
    assert writer.is_full
    writer.close()
    assert RootFiles(location).sizes("x/packs") == {"x/packs/1.grib": 12_000}


def test_a_pack_is_begun_to_be_written_to_disk_before_it_is_complete(tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(packs, "start_writing", lambda _descriptor, offset, length: begun.append((offset, length)))
    pack = Packs(Location.parse(tmp_path), "od/oper/0001").writer("grib")
    found = [pack.add(bytes([number]) * 3 * 2**20, b"sum") for number in range(7)]
    pack.close()
    (path,) = (tmp_path / "od/oper/0001/packs").iterdir()
    data = path.read_bytes()
    assert [data[one.offset : one.offset + one.length][-4:] for one in found] == [bytes([n]) + b"sum" for n in range(7)]
    ends = [offset + length for offset, length in begun]
    assert [offset for offset, _ in begun] == [0, *ends[:-1]]
    assert ends[-1] == len(data)
    assert len(begun) == 3


def test_small_packs_leave_it_to_the_sync(tmp_path, monkeypatch):
    monkeypatch.setattr(packs, "start_writing", lambda *_: pytest.fail("began to write a small pack"))
    pack = Packs(Location.parse(tmp_path), "od/oper/0001").writer("grib")
    pack.add(b"GRIB")
    pack.close()


def test_a_file_that_changed_before_the_flush_is_refused(tmp_path, grib_folder):
    file = tmp_path / "o32.grib2"
    file.write_bytes((grib_folder / "o32.grib2").read_bytes())
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(file)
    file.write_bytes(file.read_bytes()[:-100] + bytes(100))
    with pytest.raises(GribSyntaxError, match="is no whole message any more"):
        store.flush()
    assert list(tmp_path.rglob("packs/*")) == []


@pytest.mark.slow
def test_other_readers_of_grib_read_a_pack(tmp_path, grib_folder):
    file = grib_folder / "pl-regular-ll.grib"
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(file)
    store.flush()
    (pack,) = (tmp_path / "root").rglob("packs/*.grib")
    assert by_eccodes(pack) == by_eccodes(file)
    index = {"backend_kwargs": {"indexpath": ""}, "engine": "cfgrib", "chunks": None}
    xr.testing.assert_equal(xr.open_dataset(pack, **index).load(), xr.open_dataset(file, **index).load())


def by_eccodes(path):
    """Messages as ecCodes finds them one after the other."""
    found = []
    with path.open("rb") as opened:
        while (handle := eccodes.codes_grib_new_from_file(opened)) is not None:
            found.append(eccodes.codes_get_message(handle))
            eccodes.codes_release(handle)
    return found


def test_a_path_may_be_text(grib_folder):
    store = dtedask.open("memory://text-path")
    assert store.archive(str(grib_folder / "o32.grib2")) == 1
    store.discard()
