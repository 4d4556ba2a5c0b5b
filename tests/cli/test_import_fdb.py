"""The import of an FDB on the command line."""

import json
import subprocess
import sys

import pytest

BUILD = """
import json, sys
from pathlib import Path
import pyfdb

folder = Path.cwd()
(folder / "fdb").mkdir()
keys = "param: Param; step: Step; date: Date; time: Time; expver: Expver; levelist: Double; number: Integer;"
levels = "[ class, expver, stream, date, time, domain? [ type, levtype [ step, number?, levelist?, param ]]]"
(folder / "schema").write_text(keys + levels)
spaces = [{"handler": "Default", "roots": [{"path": str(folder / "fdb")}]}]
config = {"type": "local", "engine": "toc", "schema": str(folder / "schema"), "spaces": spaces}
(folder / "fdb.yaml").write_text(json.dumps(config))
fdb = pyfdb.FDB(folder / "fdb.yaml")
fdb.archive(Path(sys.argv[1]).read_bytes())
fdb.archive(b"GRIB and no more", json.loads(sys.argv[2]))
fdb.flush()
"""
BROKEN = {"class": "od", "expver": "0001", "stream": "oper", "date": "20240603", "time": "0000", "type": "fc"}
BROKEN |= {"levtype": "sfc", "param": "167", "step": "0"}


@pytest.fixture
def fdb(here, grib):
    """An FDB of what `root` was made of, and an entry that is no message."""
    command = [sys.executable, "-c", BUILD, str(grib / "forecast.grib2"), json.dumps(BROKEN)]
    subprocess.run(command, cwd=here, check=True, capture_output=True)
    return here / "fdb.yaml"


@pytest.mark.slow
def test_an_import_keeps_the_bytes_and_exits_with_1_where_something_was_not_taken(run, fdb, grib):
    assert "4 entries" in run("store import-fdb class=ea --fdb fdb.yaml --root data --dry-run").err
    done = run("store import-fdb class=ea --fdb fdb.yaml --root data --layout messages --json")
    assert done.status == 0
    assert (done.lines[0]["new"], done.lines[0]["not_taken"]) == (4, [])
    assert run(f"store compare --root data --with {grib}/forecast.grib2").status == 0
    rest = run("store import-fdb --fdb fdb.yaml --root data")
    assert rest.status == 1
    assert "4 unchanged, 1 not taken" in rest.err
    assert run("store import-fdb class=rd --fdb fdb.yaml --root data").status == 3
