"""A plan on a running model: whether memory stays flat, and how long after a step's last field its statistics are told.

Run it with `python benchmarks/live_pipeline.py [--steps 200] [--fields 50] [--degrees 0.25] [--operations average]
[--pace-ms 20]`; it prints a table, and a JSON object as the last line. A made model gives hourly steps as fast as they
are taken, or, with a pace, the fields of the last step of a day so many milliseconds one after the other; a plan takes
statistics of each day into a cube. Memory is that of the process after each step: the most of each day is
compared, since a day's results are held until they are written. Lag is the time from the moment at which the last field
of a step is handed over to the notice of that step's commit.
"""

from __future__ import annotations

import argparse
import json
import statistics
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

KEYS = {"class": "rd", "stream": "oper", "expver": "live", "type": "fc", "levtype": "pl", "param": "130"}
KEYS |= {"date": "20240601", "time": "0000"}


class Model:
    """Gives the fields of one step after another, made of a few patterns."""

    def __init__(self, steps: int, fields: int, degrees: float, pace_s: float) -> None:
        latitudes = np.arange(90, -90 - degrees / 2, -degrees)
        longitudes = np.arange(0, 360, degrees)
        self._grid = regular_latlon(latitudes, longitudes)
        self._coordinates = {
            "latitude": Coordinate(("latitude",), latitudes),
            "longitude": Coordinate(("longitude",), longitudes),
        }
        self._patterns = [pattern(self._grid.shape, seed) for seed in range(4)]
        self._steps, self._fields, self._pace_s = steps, fields, pace_s
        self.memory: list[int] = []

    def messages(self) -> Iterator[Message]:
        for step in range(1, self._steps + 1):
            for level in range(1, self._fields + 1):
                if step % 24 == 0:
                    time.sleep(self._pace_s)
                yield self._field(step, level)
            yield Message.flush("step", date=KEYS["date"], time=KEYS["time"], step=str(step))
            self.memory.append(resident_bytes())

    def _field(self, step: int, level: int) -> Message:
        values = np.roll(self._patterns[level % 4], 4 * step, axis=1) + level
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


def pattern(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Return a field whose variance falls with the third power of the wave number, as that of the atmosphere does.

    It is rounded to 16 bits, as GRIB brings fields.
    """
    noise = np.fft.rfft2(np.random.default_rng(seed).normal(size=shape))
    rows, columns = np.meshgrid(np.fft.fftfreq(shape[0]) * shape[0], np.arange(noise.shape[1]), indexing="ij")
    values = np.fft.irfft2(noise * np.maximum(np.hypot(rows, columns), 1) ** -2.0, shape)
    values = 280 + 15 * (values - values.mean()) / values.std()
    unit = 2.0 ** np.ceil(np.log2((values.max() - values.min()) / 65535))
    return np.asarray(values.min() + np.rint((values - values.min()) / unit) * unit)


def resident_bytes() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096


def plan_of(operations: list[str], output: Path) -> Plan:
    """Statistics of days, into a cube."""
    actions = [
        {"type": "statistics", "operations": operations, "output-frequency": "1d"},
        {"type": "sink", "sinks": [{"type": "cube"}]},
    ]
    return Plan.from_yaml({"name": "days", "actions": actions}, output=str(output))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--fields", type=int, default=50)
    parser.add_argument("--degrees", type=float, default=0.25)
    parser.add_argument("--operations", nargs="+", default=["average"])
    parser.add_argument("--pace-ms", type=float, default=0.0)
    parser.add_argument("--folder", help="where the root is made; by default where temporary files go")
    asked = parser.parse_args()
    icechunk.set_logs_filter("error")
    model = Model(asked.steps, asked.fields, asked.degrees, asked.pace_ms / 1e3)
    lags: list[float] = []
    with tempfile.TemporaryDirectory(dir=asked.folder) as place:
        begin = time.perf_counter()
        with Run(plan_of(asked.operations, Path(place) / "data")) as run:
            for message in model.messages():
                run.feed(message)
                (pipeline,) = run.summary.pipelines
                if message.kind is Kind.FLUSH and pipeline.notices > len(lags):
                    lags.append(pipeline.lag_s)
        summary, seconds = run.summary, time.perf_counter() - begin
    days = [max(model.memory[first : first + 24]) for first in range(0, len(model.memory) - 23, 24)]
    result = {
        "fields": summary.fields,
        "written": summary.written,
        "seconds": round(seconds, 1),
        "fields_per_s": round(summary.fields / seconds, 1),
        "memory_mb_most_of_days": " ".join(f"{day / 1e6:.0f}" for day in days),
        "lag_ms_median": round(statistics.median(lags) * 1e3),
        "lag_ms_most": round(max(lags) * 1e3),
    }
    for name, value in result.items():
        print(f"{name:24} {value}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
