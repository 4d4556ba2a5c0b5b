"""Fields over intervals keep their keys through GRIB2, with and without timespan."""

import numpy as np
import pytest

from dtedask.grib import decode, encode, scan
from dtedask.grib.library import eccodes


def message(param, steps, tables):
    """An interval as ecCodes writes it."""
    handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
    for key, value in {
        "tablesVersion": tables, "setLocalDefinition": 1, "productDefinitionTemplateNumber": 8, "class": "od",
        "stream": "oper", "type": "fc", "expver": "0001", "dataDate": 20240603, "paramId": param, "stepRange": steps,
    }.items():  # fmt: skip
        eccodes.codes_set(handle, key, value)
    eccodes.codes_set_values(handle, np.linspace(0, 1, eccodes.codes_get_size(handle, "values")))
    data = eccodes.codes_get_message(handle)
    eccodes.codes_release(handle)
    return data


@pytest.mark.slow
@pytest.mark.parametrize("steps", ["0-24", "18-24"])
@pytest.mark.parametrize(("param", "tables"), [(228, 32), (228, 37), (228228, 32), (121, 32), (235001, 37)])
def test_an_interval_keeps_its_keys(param, steps, tables):
    data = message(param, steps, tables)
    told = next(iter(scan(data))).field
    values = decode(data, told.order)
    again = encode(values, told.keys, told.grid, attributes=told.attributes, interval=told.interval)
    field = next(iter(scan(again))).field
    assert dict(field.keys) == dict(told.keys)
    assert (field.interval, field.step_type) == (told.interval, told.step_type)
