"""placeholder"""
from __future__ import annotations
import argparse, itertools, json, statistics, subprocess, sys, tempfile
from pathlib import Path
import numpy as np
from forecasts import quarter_degree_handle, smooth_field
from dtedask.grib.library import eccodes
def write_run(path, steps):
    handle, points = quarter_degree_handle()
    for key, value in {
        "tablesVersion": 32, "setLocalDefinition": 1, "class": "od", "stream": "oper", "type": "fc", "expver": "0001",
        "dataDate": 20240603, "dataTime": 0, "bitsPerValue": 16, "packingType": "grid_ccsds", "paramId": 130, "level": 500,
    }.items():
        eccodes.codes_set(handle, key, value)
    first, second = smooth_field(points, 1), smooth_field(points, 2)
    noise = np.random.default_rng(1).standard_normal(points)*0.05
    with path.open("wb") as file:
        for step in range(steps):
            turn = 2*np.pi*step/120
            eccodes.codes_set_values(handle, 280+(first-280) * np.cos(turn) + (second-280) * np.sin(turn)+np.roll(noise, 997*step))
            eccodes.codes_set(handle, "step", step)
            file.write(eccodes.codes_get_message(handle))
    eccodes.codes_release(handle)
if __name__=="__main__":
    f=Path("/tmp/serb"); f.mkdir(exist_ok=True)
    if not (f/"run.grib2").exists(): write_run(f/"run.grib2", 240)
    print((f/"run.grib2").stat().st_size)
    rng=np.random.default_rng(0)
    (f/"points.json").write_text(json.dumps(rng.integers(0,1440*721,20).tolist()))
    (f/"request.json").write_text(json.dumps({"class":"od","stream":"oper","expver":"0001","date":"20240603","time":"0000","type":"fc","levtype":"pl","levelist":"500","param":"130","domain":"g"}))
