"""The real FDB as an oracle of `select`: which root gets which field."""

import itertools
import json
import subprocess
import sys

import pytest

import dtedask
from dtedask.testing.fields import make_field

FDB = """
import json, sys
from pathlib import Path
import pyfdb

folder, command = Path(sys.argv[1]), json.loads(sys.stdin.read())
schema, fdbs = folder / "schema", []
schema.write_text("[ class, expver, stream, date, time, domain? [ type, levtype [ step, levelist?, param ]]]")
for name, select in command["spaces"]:
    (folder / name).mkdir()
    space = {"handler": "Default", "roots": [{"path": str(folder / name)}]}
    fdbs.append({"select": select, "type": "local", "engine": "toc", "schema": str(schema), "spaces": [space]})
fdb = pyfdb.FDB({"type": "select", "fdbs": fdbs})
for file in command["files"]:
    fdb.archive(Path(file).read_bytes())
fdb.flush()
held = {name: [one.name for one in (folder / name).iterdir() if one.is_dir()] for name, _ in command["spaces"]}
print(json.dumps(held))
"""

FIELDS = [("od", "oper"), ("od", "lwda"), ("rd", "oper"), ("rd", "scda"), ("ea", "oper")]


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    """One message a class and stream, each in a file."""
    folder, files = tmp_path_factory.mktemp("messages"), {}
    store = dtedask.open("memory://select-against-fdb")
    for name, stream in FIELDS:
        store.archive(*make_field(1, stream=stream, **{"class": name, "expver": "0001"}))
    store.flush()
    for record, message in store.read():
        files[record.keys["class"], record.keys["stream"]] = folder / f"{len(files)}.grib"
        files[record.keys["class"], record.keys["stream"]].write_bytes(message)
    return files


def by_fdb(folder, spaces, files):
    """Class and stream of what each root of FDB holds."""
    folder.mkdir()
    command = {"spaces": spaces, "files": [str(file) for file in files.values()]}
    script = [sys.executable, "-c", FDB, str(folder)]
    done = subprocess.run(script, input=json.dumps(command), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: {tuple(one.split(":")[place] for place in (0, 2)) for one in held} for name, held in found.items()}


def by_us(folder, spaces, files):
    """Class and stream of what each of our roots holds."""
    folder.mkdir()
    document = {"spaces": [{"select": select, "roots": name} for name, select in spaces]}
    (folder / "roots.yaml").write_text(json.dumps(document))
    store = dtedask.open(folder / "roots.yaml")
    for file in files.values():
        store.archive(file)
    store.flush()
    found = {name: set() for name, _ in spaces}
    for root, (name, _) in zip(store.apart(), spaces, strict=True):
        found[name] |= {(one.keys["class"], one.keys["stream"]) for one in root.list()}
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "spaces",
    [
        [("a", "class=^od$"), ("b", "class=^(rd|ea)$")],
        [("a", "class=od,stream=^(lwda|scda)$"), ("b", "stream=^oper$"), ("c", "class=..")],
        [("a", "stream=^sc..$"), ("b", "expver=^0+1$,class=^rd$"), ("c", "expver=....")],
    ],
    ids=str,
)
def test_anchored_expressions_choose_the_same_roots(tmp_path, messages, spaces):
    assert by_us(tmp_path / "ours", spaces, messages) == by_fdb(tmp_path / "theirs", spaces, messages)


@pytest.mark.slow
def test_a_part_of_a_value_is_enough_for_fdb_alone(tmp_path, messages):
    spaces = [("a", "stream=lw"), ("b", "class=.*")]
    theirs, ours = by_fdb(tmp_path / "theirs", spaces, messages), by_us(tmp_path / "ours", spaces, messages)
    assert (theirs["a"], ours["a"]) == ({("od", "lwda")}, set())
    written_out = [("a", "stream=.*lw.*"), ("b", "class=.*")]
    assert by_us(tmp_path / "out", written_out, messages) == theirs
    assert set(itertools.chain.from_iterable(theirs.values())) == set(FIELDS)
