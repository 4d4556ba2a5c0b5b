import os
import signal
import subprocess
import sys

import pytest

import dtedask
from dtedask.core.errors import NotFoundError
from dtedask.ingest import ingest

# Prints a line before every chunk, and waits for one in return: the test decides where it dies.
SLOW_INGEST = """
import os, sys
os.environ["ICECHUNK_LOG"] = "error"
import dask.config
import dtedask
from dtedask.ingest import ingest
from dtedask.store.write import WriteItem
encoded = WriteItem.encoded
def slowly(item):
    print("chunk", flush=True)
    sys.stdin.readline()
    return encoded(item)
WriteItem.encoded = slowly
with dask.config.set({"dtedask.ingest.threads": 1, "dtedask.ingest.batch-bytes": 1}):
    ingest(sys.argv[1], dtedask.open(sys.argv[2]), unit=sys.argv[3])
print("done", flush=True)
"""


def fields_seen(root):
    """What a reader that starts now sees."""
    try:
        return len(list(dtedask.open(root).list()))
    except NotFoundError:
        return 0


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "whole"), [("all", {0, 16}), ("file", {0, 8, 16})])
@pytest.mark.parametrize("chunks", [1, 6, 11, 16])
def test_a_reader_never_sees_a_part_of_an_ingest_that_is_killed_and_run_again(
    folder, tmp_path, grib_bytes, unit, whole, chunks
):
    (folder / "a.grib").write_bytes(grib_bytes(steps=(0, 6)))
    (folder / "b.grib").write_bytes(grib_bytes(steps=(12, 18)))
    root = str(tmp_path / "root")
    command = [sys.executable, "-c", SLOW_INGEST, str(folder), root, unit]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        seen = []
        for _ in range(chunks):
            assert process.stdout.readline() == "chunk\n"
            seen.append(fields_seen(root))
            process.stdin.write("\n")
            process.stdin.flush()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    after_death = fields_seen(root)
    assert {*seen, after_death} <= whole
    assert seen == sorted(seen)
    summary = ingest(folder, dtedask.open(root), unit=unit)
    assert summary.unchanged == after_death
    assert (summary.fields, fields_seen(root)) == (16, 16)
