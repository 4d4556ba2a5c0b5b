"""Actions of one plan on a stream into a cube, and on a cube of the same fields: the same bits and the same words."""

import numpy as np
import pytest

import dtedask
from dtedask.geo import regular_latlon
from dtedask.grib import encode, scan
from dtedask.pipeline import Plan
from dtedask.pipeline.sources import open_source

GRID = regular_latlon(np.arange(90.0, -91.0, -10.0), np.arange(0.0, 360.0, 10.0))
KEYS = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc"}
KEYS |= {"date": "20240601", "time": "0000"}
PLAN = """
plans:
  - name: temperature
    actions:
      - {type: select, match: {shortName: 2t, step: 0/to/12/by/6}}
      - {type: mask, masks: [{file: lsm.grib2}]}
      - {type: scale, custom-mappings: [{param-in: 2t, param-out: 2t, scaling: 1, offset: -273.15, units: degC}]}
      - {type: interpolate, area: 70/-20/30/40}
      - {type: sink, sinks: [{type: cube}]}
  - name: precipitation
    actions:
      - {type: select, match: {param: tp, step: ">0"}}
      - {type: scale, preset-mappings: local-to-wmo}
      - {type: average-rate}
      - {type: interpolate, grid: O16}
      - {type: sink, sinks: [{type: cube}]}
"""


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(5)
    fields = []
    for step in (0, 3, 6, 12):
        values = 250 + 40 * random.random(GRID.shape)
        fields.append(encode(values, {**KEYS, "param": "167", "step": str(step)}, GRID))
        if step:
            keys = {**KEYS, "param": "228", "step": str(step)}
            fields.append(encode(random.random(GRID.shape), keys, GRID, interval=(0, step * 3600)))
    (tmp_path / "in.grib2").write_bytes(b"".join(fields))
    mask = encode((random.random(GRID.shape) > 0.4) * 1.0, {**KEYS, "param": "172", "step": "0"}, GRID)
    (tmp_path / "lsm.grib2").write_bytes(mask)
    (tmp_path / "plan.yaml").write_text(PLAN)
    return tmp_path


@pytest.mark.slow
def test_a_plan_of_actions_gives_the_same_live_and_on_the_archive(folder):
    plan = Plan.from_yaml(folder / "plan.yaml", output=str(folder / "live"))
    source = open_source([str(folder / "in.grib2")])
    plan.run(source.messages())
    raw = dtedask.open(folder / "raw")
    for message in scan(folder / "in.grib2"):
        raw.archive(message.read())
    raw.flush()
    found = {
        name: array for part in plan.apply(raw.retrieve("class=od")).subtree for name, array in part.data_vars.items()
    }
    live = {
        name: array
        for part in dtedask.open(folder / "live").retrieve_tree("class=od").subtree
        for name, array in part.data_vars.items()
    }
    assert found.keys() == live.keys() == {"2t", "avg_tprate"}
    for name, array in live.items():
        np.testing.assert_array_equal(found[name].values.astype("float32"), array.values)
        assert found[name].attrs["units"] == array.attrs["units"]
    assert live["2t"].attrs["units"] == "degC"
    assert live["avg_tprate"].attrs["units"] == "kg m**-2 s**-1"
    assert live["2t"].sizes["longitude"] == 7
    assert live["avg_tprate"].sizes["values"] == 1600
    assert np.isnan(live["2t"].values).any()
