"""The real FDB as an oracle: what pyfdb archives and lists is what the store archives and lists."""

import json
import subprocess
import sys

import pytest

import dtedask

FDB = """
import json, sys
from pathlib import Path
import pyfdb

folder, command = Path(sys.argv[1]), json.loads(sys.stdin.read())
(folder / "fdb").mkdir()
(folder / "schema").write_text(command["schema"])
space = {"handler": "Default", "roots": [{"path": str(folder / "fdb")}]}
fdb = pyfdb.FDB({"type": "local", "engine": "toc", "schema": str(folder / "schema"), "spaces": [space]})
for file in command["files"]:
    fdb.archive(Path(file).read_bytes())
for key, text in command["items"]:
    fdb.archive(text.encode(), key)
fdb.flush()
read = []
for key, _ in command["items"]:
    with fdb.retrieve(key) as data:
        read.append(data.readall().decode())
listed = [one.combined_key() for one in fdb.list(command["request"])]
axes = {key: list(values) for key, values in fdb.axes(command["request"]).items()}
print(json.dumps({"listed": [dict(one) for one in listed], "axes": axes, "read": read}))
"""

SCHEMA = """
param: Param; step: Step; date: Date; time: Time; expver: Expver; levelist: Double; number: Integer;

[ class, expver, stream, date, time, domain?
    [ type, levtype
        [ step, number?, levelist?, param ]]]
"""

ITEM = {"class": "rd", "stream": "oper", "expver": "xxxx", "date": "20240101", "time": "0000", "type": "fc"}
ITEM |= {"levtype": "sfc", "param": "167"}


def fdb(folder, request, *, files=(), items=()):
    """What FDB lists and reads of files and items, in a process of its own."""
    folder.mkdir()
    command = {"schema": SCHEMA, "files": [str(file) for file in files], "items": list(items), "request": request}
    script = [sys.executable, "-c", FDB, str(folder)]
    done = subprocess.run(script, input=json.dumps(command), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def sorted_keys(found):
    return sorted(tuple(sorted((key, value) for key, value in keys.items() if key != "domain")) for keys in found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "request_"), [("pl-regular-ll.grib", {"class": "od"}), ("era5-levels-members.grib", {"class": "ea"})]
)
def test_the_same_messages_are_listed_with_the_same_keys(tmp_path, grib_folder, name, request_):
    told = fdb(tmp_path / "fdb", request_, files=[grib_folder / name])
    with dtedask.open(tmp_path / "root") as store:
        store.archive((grib_folder / name).read_bytes())
    ours = [dict(record.keys) for record in store.list(request_)]
    assert sorted_keys(ours) == sorted_keys(told["listed"])
    axes = {key: set(values) for key, values in store.axes(request_).items() if key != "grid"}
    assert axes == {key: set(values) for key, values in told["axes"].items() if key != "domain" and any(values)}


@pytest.mark.slow
def test_bytes_with_a_key_come_back_from_both(tmp_path):
    items = [({**ITEM, "step": str(step)}, f"text of {step}") for step in (0, 6)]
    told = fdb(tmp_path / "fdb", {"class": "rd"}, items=items)
    with dtedask.open(tmp_path / "root") as store:
        for key, text in items:
            store.archive(text.encode(), key)
    assert [data.decode() for key, _ in items for _, data in store.read(key)] == told["read"]
    assert sorted_keys(dict(record.keys) for record in store.list()) == sorted_keys(told["listed"])
