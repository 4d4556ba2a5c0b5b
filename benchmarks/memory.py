"""Peak memory of an ingest of fields of 0.25 degrees, for a file and for one twice as long.

Run it with `python benchmarks/memory.py [fields]`; it prints a table, and a JSON object as the last line.
Each ingest runs in a process of its own; the peak is the most memory that it had resident, interpreter and libraries
included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from forecasts import write_forecast

LIMIT_MB = 350
_INGEST = """
import os, sys, resource
os.environ["ICECHUNK_LOG"] = "error"
import dtedask
from dtedask.ingest import ingest, plan_ingest
path, root = sys.argv[1:]
plan = plan_ingest(path, dtedask.open(root))
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
summary = ingest(path, dtedask.open(root))
first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
again = ingest(path, dtedask.open(root))
last = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert summary.new == again.unchanged == plan.fields, (summary, again)
print(*(value * 1024 / 1e6 for value in (start, first, last)), plan.memory_bytes / 1e6)
"""


def measure(folder: Path, fields: int) -> dict[str, float]:
    """Peaks in MB: before the ingest, of the ingest, and of the same once more; and what the plan said."""
    path = folder / f"{fields}.grib2"
    write_forecast(path, "0.25", fields)
    command = [sys.executable, "-c", _INGEST, str(path), str(folder / f"root-{fields}")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    names = ("before_mb", "ingest_mb", "again_mb", "planned_for_fields_mb")
    return {"fields": fields} | dict(zip(names, map(round, map(float, done.stdout.split())), strict=True))


def main() -> None:
    fields = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(Path(folder), count) for count in (fields, 2 * fields)]
    columns = list(rows[0])
    print("".join(f"{name:>24}" for name in columns))
    for row in rows:
        print("".join(f"{row[name]:>24}" for name in columns))
    print(f"limit {LIMIT_MB} MB: {'kept' if max(r['again_mb'] for r in rows) < LIMIT_MB else 'BROKEN'}")
    print(json.dumps({"limit_mb": LIMIT_MB, "runs": rows}))


if __name__ == "__main__":
    main()
