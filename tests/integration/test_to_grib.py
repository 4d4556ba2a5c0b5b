"""Fields that come out as GRIB2 are the fields that went in."""

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import GribUnsupportedError
from dtedask.grib import decode, scan
from dtedask.store.encoding import values_of

FILES = (
    "aifs-single-t500.grib2",
    "alternate-scanning.grib",
    "ens-50.grib",
    "era5-levels-members.grib",
    "healpix-h8.grib2",
    "icon.grib",
    "missing-values.grib",
    "o32.grib2",
    "reduced-gg.grib",
    "regular-gg-model-levels.grib2",
    "spherical-harmonics.grib",
    "step-60m.grib",
    "t-on-different-level-types.grib",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_keys_grid_and_values_survive_to_grib(tmp_path, grib_folder, name):
    store = dtedask.open(tmp_path)
    store.archive(scan(grib_folder / name))
    store.flush()
    records = sorted(store.list(), key=lambda record: sorted(record.keys.items()))
    messages = [next(iter(scan(data))) for data in store.to_grib({})]
    messages.sort(key=lambda message: sorted(message.field.keys.items()))
    assert [dict(message.field.keys) for message in messages] == [dict(record.keys) for record in records]
    for record, message in zip(records[:20], messages[:20], strict=True):
        stored, told = values_of(record), decode(message.read(), message.field.order)
        spread = np.nanmax(stored) - np.nanmin(stored)
        assert message.field.grid == record.grid
        assert np.allclose(told, stored, rtol=1e-7, atol=float(spread) * 2.0**-16, equal_nan=True)


def test_what_grib2_cannot_say_is_named(tmp_path, grib_folder):
    store = dtedask.open(tmp_path)
    store.archive(scan(grib_folder / "lambert.grib"))
    store.flush()
    with pytest.raises(GribUnsupportedError, match="no GRIB2 parameter for param=3112"):
        list(store.to_grib({}))
