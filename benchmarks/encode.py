"""Encoding real fields as GRIB2, with headers that are kept and without.

Run it with `python benchmarks/encode.py FOLDER [--rounds 5]`, where FOLDER holds GRIB files. Prints, for each file, CPU
time of a message in milliseconds, the median of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from dtedask.core.errors import GribError
from dtedask.grib import Encoder, Message, decode, forget_headers, scan

MOST = 40


def fields_of(path: Path) -> list[Message]:
    """The first fields of a file."""
    try:
        return list(scan(path))[:MOST]
    except GribError:
        return []


def time_of(path: Path, *, cached: bool) -> float | None:
    """CPU time of a message, or None where the fields cannot be encoded."""
    encoder, fields = Encoder(cached=cached), fields_of(path)
    values = [decode(message.read(), message.field.order, dtype="float64") for message in fields]
    forget_headers()
    start = time.process_time()
    try:
        for message, array in zip(fields, values, strict=True):
            field = message.field
            encoder.encode(array, field.keys, field.grid, attributes=field.attributes, interval=field.interval)
    except GribError:
        return None
    return (time.process_time() - start) / len(fields) if fields else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for path in sorted(arguments.folder.glob("*.gri*")):
        found = [[time_of(path, cached=cached) for cached in (False, True)] for _ in range(arguments.rounds)]
        if any(one is None for pair in found for one in pair):
            continue
        new, kept = (1e3 * statistics.median(column) for column in zip(*found, strict=True))
        points = fields_of(path)[0].field.grid.size
        print(f"{path.name:34} {points:9,} points  new {new:7.2f} ms  kept {kept:7.2f} ms  {new / kept:5.1f}")


if __name__ == "__main__":
    main()
