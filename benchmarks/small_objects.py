"""Small fields: an object each, packs of encoded chunks, and Zarr's shards, written and read.

python benchmarks/small_objects.py [--root FOLDER_OR_URL] [--fields 400] [--rounds 5] [--points 2000 40320 ...]
    [--json FILE]

1. Messages on O96 go through archive and flush, decoded by ecCodes, and come back as a dataset: with `objects: field`
   and `objects: pack`, in turns.
2. Chunks of some sizes, encoded before, are written into a cube and committed: as objects, as one pack, and as shards
   of one step by zarr-python (ten fields each, encoded on the way); then one is read and all are, by zarr-python from
   all of them. Files are counted.

The root is on disk, which is synced before time stops, or in an object store (`s3://bucket/prefix`). Medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import icechunk
import numpy as np
import zarr
from forecasts import write_forecast

import dtedask
from dtedask.grib import scan
from dtedask.store import Schema
from dtedask.store.layouts import ChunkCodec, Packs
from dtedask.store.location import Location
from dtedask.store.repository import authorization, container, own_prefixes
from dtedask.store.root_files import RootFiles
from dtedask.store.schema import Values
from dtedask.store.syncing import sync_to_disk

LEVELS = 10
CUBE, ONE = "cube", "step=0,param=t,levelist=500"
Times = dict[str, list[float]]


def timed(times: Times, name: str, call: Callable[[], Any]) -> Any:
    """Note how long a call takes, and give what it gives."""
    start = time.perf_counter()
    found = call()
    times.setdefault(name, []).append(time.perf_counter() - start)
    return found


def through_the_store(root: str, messages: list[Any], rounds: int) -> dict[str, float]:
    """Seconds of a flush of messages and of reading all of them."""
    times: Times = {}
    for number in range(rounds):
        for objects in ("field", "pack") if number % 2 else ("pack", "field"):
            place = f"{root}/{uuid.uuid4().hex}"
            store = dtedask.open(place, schema=Schema(values=Values(objects=objects)))
            store.archive(iter(messages))
            timed(times, f"flush, {objects}", store.flush)
            dataset = dtedask.open(place).retrieve(None)
            timed(times, f"read all, {objects}", dataset.load)
            dtedask.open(place).retrieve(ONE).load()
            timed(times, f"read one, {objects}", lambda place=place: dtedask.open(place).retrieve(ONE).load())
    return {name: statistics.median(found) for name, found in times.items()}


def make_cube(root: str) -> tuple[Location, icechunk.Repository]:
    """An empty cube in a root of its own."""
    location = Location(f"{root}/{uuid.uuid4().hex}")
    if location.is_local:
        Path(location.url).mkdir(parents=True)
    prefixes = own_prefixes(location, CUBE)
    config = icechunk.RepositoryConfig.default()
    for prefix in prefixes:
        config.set_virtual_chunk_container(container(prefix))
    storage = location.storage(CUBE)
    return location, icechunk.Repository.create(storage, config, authorization(prefixes))


def write_chunks(root: str, fields: np.ndarray, kind: str) -> tuple[Location, icechunk.Repository, float]:
    """Write fields as one of the kinds; the seconds that writing and committing take."""
    location, repo = make_cube(root)
    session = repo.writable_session("main")
    points = fields.shape[-1]
    shards = (1, LEVELS, points) if kind == "shards" else None
    options = {"compressors": [zarr.codecs.BloscCodec(cname="lz4", clevel=1, shuffle="bitshuffle", typesize=4)]}
    array = zarr.create_array(
        session.store, name="t", shape=fields.shape, chunks=(1, 1, points), shards=shards, dtype="float32", **options
    )
    codec = ChunkCodec("float32", "lz4", 1, "bitshuffle")
    data = {index: codec.encode(fields[index])[:-4] for index in np.ndindex(*fields.shape[:2])}
    start = time.perf_counter()
    if kind == "shards":
        array[...] = fields
    elif kind == "objects":
        asyncio.run(write_objects(session.store, data))
    else:
        write_pack(Packs(location, CUBE), session.store, data)
    session.commit("fields")
    sync_to_disk(location)
    return location, repo, time.perf_counter() - start


async def write_objects(store: Any, data: dict[tuple[int, ...], bytes]) -> None:
    """Each chunk an object."""
    limit = asyncio.Semaphore(64)

    async def one(index: tuple[int, ...], chunk: bytes) -> None:
        async with limit:
            await store.set(f"t/c/{index[0]}/{index[1]}/0", zarr.core.buffer.cpu.Buffer.from_bytes(chunk))

    await asyncio.gather(*(one(index, chunk) for index, chunk in data.items()))


def write_pack(packs: Packs, store: Any, data: dict[tuple[int, ...], bytes]) -> None:
    """All chunks one file, and references into it."""
    pack = packs.writer("chunks")
    references = {index: pack.add(chunk) for index, chunk in data.items()}
    pack.close()
    store.set_virtual_refs(
        "/t",
        [icechunk.VirtualChunkSpec([*index, 0], one.url, one.offset, one.length) for index, one in references.items()],
    )


def sizes(root: str, count: int, points: int, rounds: int) -> dict[str, float]:
    """Seconds of writing and reading chunks, and files that they became, by kind."""
    fields = np.random.default_rng(1).normal(280, 10, (count // LEVELS, LEVELS, points)).astype("float32")
    times, found = {}, {}
    for _ in range(rounds):
        for kind in ("objects", "pack", "shards"):
            location, repo, seconds = write_chunks(root, fields, kind)
            times.setdefault(f"write, {kind}", []).append(seconds)
            array = zarr.open_array(repo.readonly_session("main").store, path="t", mode="r")
            one = timed(times, f"read one, {kind}", lambda array=array: array[3, 4])
            every = timed(times, f"read all, {kind}", lambda array=array: array[...])
            if not (np.array_equal(one, fields[3, 4]) and np.array_equal(every, fields)):
                sys.exit("other values came back")
            files = RootFiles(location)
            found[f"files, {kind}"] = len(files.files(f"{CUBE}/chunks")) + len(files.files(f"{CUBE}/packs"))
    return found | {name: statistics.median(seconds) for name, seconds in times.items()}


def show(name: str, found: dict[str, float]) -> None:
    """Print a table: seconds by kind."""
    kinds = sorted({key.split(", ")[1] for key in found})
    print(f"\n{name:28}" + "".join(f"{kind:>12}" for kind in kinds))
    for what in dict.fromkeys(key.split(", ")[0] for key in sorted(found)):
        unit = 1 if what == "files" else 1000
        label = what if what == "files" else f"{what}, ms"
        print(f"{label:28}" + "".join(f"{unit * found[f'{what}, {kind}']:12.0f}" for kind in kinds))


def main() -> int:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root")
    parser.add_argument("--fields", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--points", type=int, nargs="*", default=[2_000, 20_000, 40_320, 160_000])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = given.root or folder
        file = Path(folder) / "o96.grib2"
        write_forecast(file, "o96", given.fields)
        summary = {"store": through_the_store(root, list(scan(file)), given.rounds)}
        show(f"{given.fields} messages on O96", summary["store"])
        for points in given.points:
            summary[str(points)] = sizes(root, given.fields, points, given.rounds)
            show(f"{given.fields} chunks, {4 * points // 1000} kB raw", summary[str(points)])
    print(json.dumps(summary))
    if given.json:
        given.json.write_text(json.dumps(summary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
