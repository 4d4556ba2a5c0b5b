"""Damage of packs: reads tell of it, verify finds it, and the remedy works."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DamagedError
from dtedask.grib import scan
from dtedask.store import Schema
from dtedask.store.layouts import MessageCodec
from dtedask.store.layouts.messages import PackedMessage, is_whole_message

FIELD = "class=od,stream=oper,expver=0001,type=fc,levtype=pl,date=20240603,time=0000,step=0,levelist=300,param=129"


@pytest.fixture
def file(grib_folder):
    return grib_folder / "pl-regular-ll.grib"


@pytest.fixture
def root(tmp_path, file):
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(file)
    store.flush()
    return tmp_path / "root"


@pytest.fixture
def pack(root):
    (found,) = root.rglob("packs/*.grib")
    return found


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["o32.grib2", "ens-50.grib"])
def test_whatever_bit_of_a_message_flips_is_noticed(grib_folder, name):
    source = grib_folder / name
    first = next(iter(scan(source)))
    chunk = bytes(PackedMessage(source.read_bytes()[first.offset : first.offset + first.length]))
    assert is_whole_message(chunk)
    for place in [*range(160), len(chunk) // 2, *range(len(chunk) - 12, len(chunk))]:
        for bit in range(8):
            changed = bytearray(chunk)
            changed[place] ^= 1 << bit
            assert not is_whole_message(bytes(changed))


@given(st.binary(max_size=40), st.binary(max_size=8))
def test_messages_of_others_need_no_checksum(body, end):
    message = b"GRIB\0\0\0\2" + (len(body) + 20 + len(end)).to_bytes(8, "big") + body + end + b"7777"
    assert MessageCodec("float32").message(message, "it") == message
    assert MessageCodec("float32").message(bytes(PackedMessage(message)), "it") == message


@pytest.mark.slow
@pytest.mark.parametrize("place", ["head", "data", "checksum"])
def test_verify_names_the_field_of_a_flipped_bit(root, pack, file, place):
    size = 1480
    number = next(number for number, one in enumerate(scan(file)) if one.field.keys == _keys(FIELD))
    flip(pack, number * size + {"head": 6, "data": size // 2, "checksum": size - 1}[place])
    (finding,) = dtedask.open(root).verify().findings
    assert finding.requests == (FIELD,)
    assert finding.problem == "its checksum does not match: its bytes have changed"
    assert finding.remedy == "Archive the fields again, which replaces the chunk."
    with pytest.raises(DamagedError, match="The GRIB message of the field .*param=129.* is damaged"):
        list(dtedask.open(root).values(""))


def _keys(text):
    return dict(part.split("=") for part in text.split(","))


@pytest.mark.slow
def test_what_verify_advises_helps(root, pack, file):
    flip(pack, 5000)
    store = dtedask.open(root)
    store.archive(file)
    (commit,) = store.flush()
    assert (commit.replaced, commit.unchanged) == (1, 239)
    assert store.verify().is_whole


@pytest.mark.slow
@pytest.mark.parametrize("quick", [False, True])
def test_a_pack_that_is_cut_loses_the_fields_behind_the_cut(root, pack, quick):
    pack.write_bytes(pack.read_bytes()[: 1480 * 200])
    findings = dtedask.open(root).verify(quick=quick).findings
    assert len(findings) == 40
    assert "the file that it is a part of is too short" in findings[0].problem
    with pytest.raises(DamagedError, match="the file that it is a part of is too short"):
        list(dtedask.open(root).values(""))


def test_a_pack_that_is_gone_is_named(root, pack):
    pack.unlink()
    findings = dtedask.open(root).verify().findings
    assert len(findings) == 240
    assert {finding.problem for finding in findings} == {f"it is missing: {pack}"}
    with pytest.raises(DamagedError, match=f"the file {pack} is missing"):
        list(dtedask.open(root).values(""))


def test_scanning_a_pack_gives_the_messages_that_went_into_it(pack, file):
    data = pack.read_bytes()
    found = [one.field.keys for one in scan(pack)]
    assert found == [one.field.keys for one in scan(file)]
    assert [one.field.keys for one in scan(io.BytesIO(data))] == found
    whole = sorted(data[one.offset : one.offset + one.length] for one in scan(data))
    source = file.read_bytes()
    assert whole == sorted(source[one.offset : one.offset + one.length] for one in scan(source))
