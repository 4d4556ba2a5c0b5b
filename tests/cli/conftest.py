"""What the tests of the command line share: a way to run it, and a root to look into."""

import json
import shlex
from dataclasses import dataclass

import numpy as np
import pytest

from dtedask.cli import main


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(capsys):
    """Run a command line in this process."""

    def command(line, *words):
        capsys.readouterr()
        status = main([*shlex.split(line), *map(str, words)])
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return command


def analyses(days, members=2):
    """Analyses of temperature as ERA5's ensemble has them."""
    from dtedask.geo import regular_latlon
    from dtedask.grib import encode

    grid = regular_latlon(np.arange(90.0, -91, -30), np.arange(0.0, 360, 30))
    for day in days:
        for number in range(members):
            for level in (500, 850):
                keys = {
                    "class": "ea",
                    "stream": "enda",
                    "expver": "0001",
                    "type": "an",
                    "levtype": "pl",
                    "param": "130",
                }
                keys |= {"date": day, "time": "0000", "step": "0", "number": str(number), "levelist": str(level)}
                yield encode(np.full(grid.shape, 200.0 + number + level), keys, grid)


@pytest.fixture(scope="session")
def grib(tmp_path_factory):
    """A folder with forecast.grib2 and more/*.grib."""
    folder = tmp_path_factory.mktemp("grib")
    (folder / "more").mkdir()
    (folder / "forecast.grib2").write_bytes(b"".join(analyses(["20170101"])))
    (folder / "more" / "next.grib").write_bytes(b"".join(analyses(["20170102"])))
    return folder


@pytest.fixture(scope="session")
def root(grib, tmp_path_factory):
    """A root that holds both; tests only read it."""
    folder = tmp_path_factory.mktemp("root") / "data"
    sources = [str(grib / "forecast.grib2"), str(grib / "more")]
    assert main(["ingest", *sources, "--root", str(folder), "--unit", "file", "--quiet"]) == 0
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
