"""A forecast in files and in a cube of those files."""

from dataclasses import dataclass
from pathlib import Path

import pytest

import dtedask
from dtedask.testing import make_field


@dataclass(frozen=True)
class Forecast:
    """The same fields twice."""

    files: list[str]
    root: str


def write_forecast(folder: Path, steps, *, members=("1", "2"), params=("t", "u")) -> Forecast:
    """Write one GRIB file a step, and a cube of the files."""
    made = dtedask.open(folder / "made")
    for step in steps:
        for number in members:
            for param in params:
                made.archive(
                    *make_field(step * 10 + int(number), number=number, step=str(step), type="pf", param=param)
                )
    made.flush()
    files = []
    for step in steps:
        path = folder / f"step-{step:03d}.grib2"
        path.write_bytes(b"".join(made.to_grib({"step": step})))
        files.append(str(path))
    root = dtedask.open(folder / "root")
    for path in files:
        root.archive(Path(path).read_bytes())
    root.flush()
    return Forecast(files, str(folder / "root"))


@pytest.fixture(scope="session")
def forecast(tmp_path_factory) -> Forecast:
    """Two members and two parameters over two days, each six hours."""
    return write_forecast(tmp_path_factory.mktemp("forecast"), range(0, 49, 6))
