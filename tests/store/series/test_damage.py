"""Damage of time series: it is found, named, never read, and repaired by making them anew."""

import logging
from pathlib import Path

import numpy as np
import pytest

import dtedask

ALL = "class=rd,expver=test"


@pytest.fixture
def pack(store, archive_run):
    """The file that holds the time series of a root."""
    archive_run(store, levelist="500")
    store.rechunk(ALL)
    (path,) = Path(store.root).rglob("packs/*.chunks")
    return path


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def test_whole_time_series_verify(store, pack):
    found = store.verify(all_snapshots=True)
    assert found.is_whole
    assert found.size_bytes > pack.stat().st_size


@pytest.mark.slow
@pytest.mark.parametrize("place", [100, -3, -60], ids=["piece", "checksum of the index", "index"])
def test_a_flipped_bit_is_found_and_its_run_named(store, pack, place):
    flip(pack, place)
    (finding,) = dtedask.open(store.root).verify().findings
    assert finding.kind == "series"
    assert "date=20240101" in finding.requests[0]
    assert "step" not in finding.requests[0]
    assert "rechunk" in finding.remedy


@pytest.mark.parametrize("place", [100, -3])
def test_damaged_time_series_are_not_read_but_the_fields(store, pack, place, caplog):
    expected = store.retrieve({})["t"].to_numpy()[..., 1, 1]
    flip(pack, place)
    with caplog.at_level(logging.WARNING):
        found = dtedask.open(store.root).retrieve({})["t"][..., 1, 1].to_numpy()
    assert np.array_equal(found, expected)
    assert "The fields are read instead" in caplog.text


def test_a_missing_pack_is_found_and_made_anew(store, pack):
    pack.unlink()
    (finding,) = store.verify(quick=True).findings
    assert "missing" in finding.problem
    assert store.rechunk(finding.requests[0], rebuild=True).fields == 4
    assert store.verify().is_whole
