"""Accuracy and packing mean what they mean to MIR."""

import numpy as np
import pytest

from dtedask.grib import coordinates, decode, scan
from dtedask.products import Part
from dtedask.testing.formats import written


def parts_of(path):
    return [
        Part(one.field, decode(one.read(), one.field.order, dtype="float32"), coordinates(one)) for one in scan(path)
    ]


def by_mir(path, to, **keywords):
    mir = pytest.importorskip("mir")
    job = mir.Job()
    for key, value in keywords.items():
        job.set(key, str(value))
    job.execute(mir.GribFileInput(str(path)), mir.GribFileOutput(str(to)))


@pytest.mark.parametrize("name", ["o32.grib2", "missing-values.grib", "healpix-h8.grib2"])
@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"accuracy": 9},
        {"accuracy": 20},
        {"packing": "archived-value"},
        {"packing": "ccsds"},
        {"packing": "simple", "accuracy": 12},
        {"packing": "ieee"},
    ],
    ids=str,
)
def test_messages_have_the_packing_bits_and_values_of_mir(tmp_path, grib_folder, monkeypatch, name, keywords):
    monkeypatch.chdir(tmp_path)  # where MIR writes files when it fails
    first = next(iter(scan(grib_folder / name)))
    (tmp_path / "one.grib").write_bytes(first.read())
    by_mir(tmp_path / "one.grib", tmp_path / "mir.grib", edition=2, **keywords)
    parts = parts_of(tmp_path / "one.grib")
    written(parts, {"type": "grib2", **keywords}, tmp_path / "ours.grib")
    (ours,), (theirs,) = (list(scan(tmp_path / f"{who}.grib")) for who in ("ours", "mir"))
    assert ours.field.packing == theirs.field.packing or first.field.edition == 1
    assert ours.field.bits_per_value == theirs.field.bits_per_value or "ieee" in ours.field.packing
    found, expected = (decode(one.read(), one.field.order, dtype="float64") for one in (ours, theirs))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    bits = 23 if "ieee" in ours.field.packing else max(ours.field.bits_per_value, 1)
    step = 2 * (np.nanmax(expected) - np.nanmin(expected)) / (2**bits - 1)
    assert np.nanmax(np.abs(found - expected)) <= step
