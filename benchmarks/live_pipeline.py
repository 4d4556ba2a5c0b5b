"""A plan on a running model: whether memory stays flat, and how long after a step's last field its statistics are told.

Run it with `python benchmarks/live_pipeline.py [steps] [fields] [degrees]`; it prints a table, and a JSON object as the
last line. A made model gives hourly steps of 50 fields on 0.25 degrees, 200 steps in all; a plan takes the mean and the
maximum of each day into a cube. Memory is that of the process after each step. Lag is the
time from the moment at which the last field of a step is handed over to the notice of that step's commit.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import icechunk
import numpy as np

from dtedask.geo import PointOrder, regular_latlon
from dtedask.grib import Coordinate, FieldDescription
from dtedask.pipeline import Kind, Message, Plan
from dtedask.pipeline.run import Run

STEPS, FIELDS, DEGREES = 200, 50, 0.25
PLAN = {
    "name": "days",
    "actions": [
        {"type": "statistics", "operations": ["average", "maximum"], "output-frequency": "1d"},
        {"type": "sink", "sinks": [{"type": "cube"}]},
    ],
}
KEYS = {"class": "rd", "stream": "oper", "expver": "live", "type": "fc", "levtype": "pl", "param": "130"}
KEYS |= {"date": "20240601", "time": "0000"}


class Model:
    """Gives the fields of one step after another, made of a few patterns."""

    def __init__(self, steps: int, fields: int, degrees: float) -> None:
        latitudes = np.arange(90, -90 - degrees / 2, -degrees)
        longitudes = np.arange(0, 360, degrees)
        self._grid = regular_latlon(latitudes, longitudes)
        self._coordinates = {
            "latitude": Coordinate(("latitude",), latitudes),
            "longitude": Coordinate(("longitude",), longitudes),
        }
        self._patterns = np.random.default_rng(1).normal(280, 20, (4, *self._grid.shape))
        self._steps, self._fields = steps, fields
        self.memory: list[int] = []

    def messages(self) -> Iterator[Message]:
        for step in range(1, self._steps + 1):
            for level in range(1, self._fields + 1):
                yield self._field(step, level)
            yield Message.flush("step", date=KEYS["date"], time=KEYS["time"], step=str(step))
            self.memory.append(resident_bytes())

    def _field(self, step: int, level: int) -> Message:
        values = self._patterns[level % 4] + (step + level / 100)
        keys = {**KEYS, "step": str(step), "levelist": str(level)}
        description = FieldDescription(
            keys=keys,
            short_name="t",
            name="Temperature",
            units="K",
            standard_name="air_temperature",
            step_type="instant",
            interval=None,
            step_seconds=step * 3600,
            level_type="isobaricInhPa",
            level=float(level),
            edition=2,
            grid=self._grid,
            order=PointOrder(self._grid.shape),
            packing="",
            bits_per_value=0,
            has_bitmap=False,
            product=(),
            attributes={},
        )
        return Message.of_field(description, values, coordinates=self._coordinates)


def resident_bytes() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096


def main() -> None:
    icechunk.set_logs_filter("error")
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else STEPS
    fields = int(sys.argv[2]) if len(sys.argv) > 2 else FIELDS
    model = Model(steps, fields, float(sys.argv[3]) if len(sys.argv) > 3 else DEGREES)
    lags: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        plan = Plan.from_yaml(PLAN, output=str(Path(place) / "data"))
        begin = time.perf_counter()
        with Run(plan) as run:
            for message in model.messages():
                run.feed(message)
                (pipeline,) = run.summary.pipelines
                if message.kind is Kind.FLUSH and pipeline.notices > len(lags):
                    lags.append(pipeline.lag_s)
        summary, seconds = run.summary, time.perf_counter() - begin
    day = model.memory[24:]
    half = len(day) // 2
    result = {
        "fields": summary.fields,
        "written": summary.written,
        "seconds": round(seconds, 1),
        "fields_per_s": round(summary.fields / seconds, 1),
        "memory_mb_after_a_day": round(day[0] / 1e6),
        "memory_mb_first_half": round(statistics.fmean(day[:half]) / 1e6),
        "memory_mb_second_half": round(statistics.fmean(day[half:]) / 1e6),
        "memory_mb_most": round(max(model.memory) / 1e6),
        "lag_ms_median": round(statistics.median(lags) * 1e3),
        "lag_ms_most": round(max(lags) * 1e3),
    }
    for name, value in result.items():
        print(f"{name:24} {value:>10}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
