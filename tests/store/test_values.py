"""Fields as NumPy arrays: what ecCodes decodes, in the order of the request."""

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import ControlledError, MissingFieldsError, NoMatchError, OpaqueError
from dtedask.grib import decode, scan


@pytest.fixture
def levels(tmp_path, grib_folder):
    store = dtedask.open(tmp_path / "root")
    store.archive(grib_folder / "era5-levels-members.grib")
    store.flush()
    return store


@pytest.mark.slow
def test_values_are_those_of_the_messages_in_the_order_of_the_request(levels, grib_folder):
    request = {"date": "20170102", "time": ["1200", "0000"], "number": [3, 0, 9], "levelist": [850, 500], "param": "t"}
    messages = {
        tuple(sorted(message.field.keys.items())): decode(message.read(), message.field.order)
        for message in scan(grib_folder / "era5-levels-members.grib")
    }
    found = list(levels.values(request))
    assert [dict(record.keys) for record, _ in found] == [
        dict(next(iter(scan(data))).field.keys) for data in levels.to_grib(request)
    ]
    for record, values in found:
        assert np.array_equal(values, messages[tuple(sorted(record.keys.items()))])


def test_missing_points_are_nan(tmp_path, grib_folder):
    store = dtedask.open(tmp_path / "root")
    store.archive(grib_folder / "missing-values.grib")
    store.flush()
    (message, *_) = scan(grib_folder / "missing-values.grib")
    ((_, values),) = store.values(dict(message.field.keys))
    assert np.isnan(values).any()
    assert np.array_equal(values, decode(message.read(), message.field.order), equal_nan=True)


@pytest.mark.slow
def test_what_is_missing_locked_or_no_field_is_an_error(levels):
    with pytest.raises(NoMatchError, match="param=u"):
        levels.values("param=u")
    with pytest.raises(MissingFieldsError, match="levelist=700"):
        levels.values("param=t,levelist=500/700")
    levels.archive(b"no field", {**dict(next(iter(levels.list())).keys)})
    levels.flush()
    with pytest.raises(OpaqueError, match="read"):
        levels.values("grid=opaque")
    levels.lock("param=t", ["retrieve"])
    with pytest.raises(ControlledError, match="param=130"):
        levels.values("param=t,levelist=500")
