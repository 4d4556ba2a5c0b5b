"""Layout `messages`: GRIB goes in and comes out as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DamagedError
from dtedask.grib import scan
from dtedask.store import Schema
from dtedask.store.layouts.messages import PackedMessage


@pytest.fixture(params=["ens-50.grib", "o32.grib2", "missing-values.grib", "spherical-harmonics.grib", "icon.grib"])
def real_file(request, grib_folder):
    return grib_folder / request.param


def test_messages_come_back_byte_by_byte(tmp_path, real_file):
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(real_file)
    store.flush()
    data = real_file.read_bytes()
    messages = [data[one.offset : one.offset + one.length] for one in scan(real_file)]
    assert sorted(store.to_grib()) == sorted(messages)


def test_values_are_those_of_the_layout_map(tmp_path, real_file):
    kept, decoded = dtedask.open(tmp_path / "a", schema=Schema(layout="messages")), dtedask.open(tmp_path / "b")
    for store in (kept, decoded):
        store.archive(real_file)
        store.flush()
    for (one, values), (two, expected) in zip(kept.values(""), decoded.values(""), strict=True):
        assert one.keys == two.keys
        np.testing.assert_array_equal(values, expected)


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
