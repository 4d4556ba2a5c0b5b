"""Size and speed of the codec grib-int against blosc and ecCodes, and of the ways in which it could predict.

python benchmarks/integers.py [FILE ...] [--rounds 11] [--least-points 500000] [--json FILE]

Fields are all of the GRIB files that have so many points, and three made ones of 0.25 degrees: of 12, 16 and 24 bits.
Every field is written and read in one thread by all in turn, so that whatever else the machine does meets all alike;
figures are medians and the least. Values are compared with those of ecCodes bit by bit. Reading is into an array of
float32 that exists; writing begins with decoded values.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from forecasts import quarter_degree_handle, smooth_field
from numcodecs import blosc
from numcodecs.blosc import Blosc

from dtedask.grib import decode, describe, scale_of, scan
from dtedask.grib.library import eccodes
from dtedask.store.layouts import ChunkCodec, IntegerCodec, prediction

LIMIT = 1.1
PREDICTORS = {"as they are": prediction.NOTHING, "point before": prediction.BEFORE, "plane": prediction.PLANE}
Times = dict[str, list[float]]


def made_fields() -> Iterator[tuple[str, bytes]]:
    """Messages of 0.25 degrees, packed by CCSDS."""
    for bits in (12, 16, 24):
        handle, points = quarter_degree_handle()
        eccodes.codes_set(handle, "packingType", "grid_ccsds")
        eccodes.codes_set(handle, "bitsPerValue", bits)
        eccodes.codes_set_values(handle, smooth_field(points, bits))
        yield f"made, {bits} bits", eccodes.codes_get_message(handle)
        eccodes.codes_release(handle)


def fields(files: list[Path], least_points: int) -> Iterator[tuple[str, bytes]]:
    """Names and messages of all fields to measure."""
    for file in files:
        for message in scan(file):
            if message.field.grid.size >= least_points:
                yield f"{file.name} {message.field.short_name}", message.read()
    yield from made_fields()


def timed(times: Times, name: str, call: Callable[[], Any]) -> Any:
    """Note how long a call takes, and give what it gives."""
    start = time.perf_counter()
    found = call()
    times.setdefault(name, []).append(time.perf_counter() - start)
    return found


def measure(message: bytes, rounds: int) -> dict[str, Any]:
    """Sizes against the message, and seconds of everything."""
    order, scale = describe(message).order, scale_of(message)
    exact = decode(message, order, dtype="float64")
    expected = exact.astype("float32")
    out = np.empty_like(expected)
    codecs = {
        "lz4": ChunkCodec("float32", "lz4", 1, "bitshuffle"),
        "zstd": ChunkCodec("float32", "zstd", 1, "bitshuffle"),
    }
    packed, times, sizes = IntegerCodec("float32"), {}, {}
    for _ in range(rounds):
        timed(times, "read ecCodes", lambda: decode(message, order, out=out))
        chunk = timed(times, "write grib-int", lambda: packed.encode_scaled(exact, scale, len(message)))
        timed(times, "read grib-int", lambda chunk=chunk: packed.decode_into(out, chunk, "a field"))
        if out.tobytes() != expected.tobytes():
            sys.exit("grib-int gives other values than ecCodes")
        sizes["grib-int"] = len(chunk) / len(message)
        for name, codec in codecs.items():
            data = timed(times, f"write {name}", lambda codec=codec: codec.encode(expected))
            timed(times, f"read {name}", lambda codec=codec, data=data: codec.decode_into(out, data, "a field"))
            sizes[name] = len(data) / len(message)
    sizes |= sizes_of_predictors(exact, message)
    least = {name: min(found) for name, found in times.items()}
    medians = {name: statistics.median(found) for name, found in times.items()}
    return {"bytes": len(message), "size": sizes, "median": medians, "least": least}


def sizes_of_predictors(exact: np.ndarray, message: bytes) -> dict[str, float]:
    """What each way to predict would leave, compressed by LZ4."""
    scale = scale_of(message)
    integers = scale.integers(exact[~np.isnan(exact)]) if scale else None
    if integers is None or integers.size != exact.size:
        return {}
    press = Blosc("lz4", 1, Blosc.BITSHUFFLE)
    shaped = integers.reshape(exact.shape)
    return {
        name: len(press.encode(prediction.differences(shaped, predictor))) / len(message)
        for name, predictor in PREDICTORS.items()
        if shaped.ndim == 2 or predictor != prediction.PLANE
    }


def show(found: dict[str, dict[str, Any]]) -> float:
    """Print tables, and give the size of all fields against that of their messages."""
    names = list(PREDICTORS)
    print(f"{'size against GRIB':40}{'grib-int':>10}{'lz4':>8}{'zstd':>8}" + "".join(f"{name:>14}" for name in names))
    for field, one in found.items():
        size = one["size"]
        row = "".join(f"{size.get(name, float('nan')):14.3f}" for name in names)
        print(f"{field:40}{size['grib-int']:10.3f}{size['lz4']:8.3f}{size['zstd']:8.3f}{row}")
    columns = ["read ecCodes", "write grib-int", "read grib-int", "write lz4", "read lz4", "write zstd", "read zstd"]
    for what in ("median", "least"):
        print(f"\n{f'milliseconds, {what}':40}" + "".join(f"{name:>16}" for name in columns))
        for field, one in found.items():
            print(f"{field:40}" + "".join(f"{1000 * one[what][name]:16.2f}" for name in columns))
    total = sum(one["bytes"] for one in found.values())
    return sum(one["size"]["grib-int"] * one["bytes"] for one in found.values()) / total


def main() -> int:
    """Measure all fields; 1 where they take more room than they may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--least-points", type=int, default=500_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    blosc.use_threads = False
    found = {name: measure(message, given.rounds) for name, message in fields(given.files, given.least_points)}
    size = show(found)
    summary = {"size of all": size, "limit": LIMIT, "fields": found}
    print(json.dumps(summary))
    if given.json:
        given.json.write_text(json.dumps(summary))
    return int(size > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
