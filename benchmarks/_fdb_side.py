"""The part of `fdb.py` that needs pyfdb, ecCodes and NumPy and nothing else, for any interpreter that has them."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import eccodes
import numpy as np

SCHEMA = """
param: Param; step: Step; date: Date; time: Time; expver: Expver; levelist: Double; number: Integer;

[ class, expver, stream, date, time, domain?
    [ type, levtype
        [ step, number?, levelist?, param ]]]
"""


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def requests(folder: Path, name: str) -> list[dict[str, str]]:
    """Requests of single fields that the other side wrote down, so that both ask for the same."""
    return list(json.loads((folder / f"{name}.json").read_text()))


def flushes(path: Path, fields: int) -> Iterator[list[bytes]]:
    """Messages of a file, so many at a time."""
    messages = []
    with path.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            messages.append(eccodes.codes_get_message(handle))
            eccodes.codes_release(handle)
    for start in range(0, len(messages), fields):
        yield messages[start : start + fields]


def copies(path: Path, fields: int) -> list[list[bytes]]:
    """Ten messages of a file, which make a database or a cube, and then the others, so many at a time; 0 for all."""
    first, *others = flushes(path, 10)
    rest = [message for part in others for message in part]
    size = fields or len(rest)
    return [first, *(rest[start : start + size] for start in range(0, len(rest), size))]


def keys_of(data: bytes) -> dict[str, str]:
    """MARS keys of a message, as FDB wants them."""
    handle = eccodes.codes_new_from_message(data)
    iterator = eccodes.codes_keys_iterator_new(handle, "mars")
    found = {}
    while eccodes.codes_keys_iterator_next(iterator):
        name = eccodes.codes_keys_iterator_get_name(iterator)
        found[name] = eccodes.codes_get_string(handle, name)
    found["param"] = str(eccodes.codes_get_long(handle, "paramId"))
    eccodes.codes_keys_iterator_delete(iterator)
    eccodes.codes_release(handle)
    return found


def decoded(data: bytes) -> np.ndarray:
    handle = eccodes.codes_new_from_message(data)
    values = eccodes.codes_get_values(handle)
    eccodes.codes_release(handle)
    return np.asarray(values)


class FdbSide:
    """FDB with its own index and store on local disk, as it is delivered: a flush syncs data, index and contents."""

    def __init__(self, folder: Path) -> None:
        import pyfdb

        self.folder = folder
        root = folder / "fdb"
        root.mkdir(exist_ok=True)
        (folder / "fdb-schema").write_text(SCHEMA)
        space = {"handler": "Default", "roots": [{"path": str(root)}]}
        config = {"type": "local", "engine": "toc", "schema": str(folder / "fdb-schema"), "spaces": [space]}
        self.fdb = pyfdb.FDB(config)

    def build(self, name: str) -> list[float]:
        for path in sorted((self.folder / name).iterdir()):
            self.fdb.archive(path.read_bytes())
            self.fdb.flush()
        return []

    def list(self) -> list[float]:
        many = {"class": "od", "expver": "0001", "stream": "enfo"}
        return [timed(lambda: sum(1 for _ in self.fdb.list(many))) for _ in range(2)]

    def list_keys(self) -> list[float]:
        many = {"class": "od", "expver": "0001", "stream": "enfo"}
        return [timed(lambda: sum(1 for one in self.fdb.list(many) if one.combined_key()))]

    def one(self) -> list[float]:
        return [timed(lambda r=r: next(self.fdb.list(r))) for r in requests(self.folder, "one")]

    def axes(self) -> list[float]:
        many = {"class": "od", "expver": "0001", "stream": "enfo"}
        return [timed(lambda: dict(self.fdb.axes(many).items())) for _ in range(5)]

    def read(self) -> list[float]:
        def one(request: dict[str, str]) -> np.ndarray:
            with self.fdb.retrieve({**request, "domain": "g"}) as data:
                return decoded(data.readall())

        return [timed(lambda r=r: one(r)) for r in requests(self.folder, "read")]

    def values(self) -> list[float]:
        """The same: FDB has no shorter way to the numbers."""
        return self.read()

    def load(self) -> list[float]:
        """The same again: FDB has no dataset that could be open."""
        return self.read()

    def begin(self, name: str, fields: str, how: str) -> list[float]:
        """Get ready to copy messages into a new FDB, which reads their keys or is told them ("given"); for `next`."""
        side = FdbSide(Path(tempfile.mkdtemp(dir=self.folder)))

        def flush(messages: list[tuple[bytes, dict[str, str] | None]]) -> None:
            for message, keys in messages:
                side.fdb.archive(message, keys)
            side.fdb.flush()

        parts = copies(self.folder / name, int(fields))
        keyed = [[(one, keys_of(one) if how == "given" else None) for one in messages] for messages in parts]
        self.waiting = iter([partial(flush, messages) for messages in keyed])
        return []

    def next(self) -> list[float]:
        """Seconds of the next flush, and seconds of processors in them."""
        before = time.process_time()
        return [timed(next(self.waiting)), time.process_time() - before]

    def archive(self, name: str) -> list[float]:
        def flush(messages: list[bytes]) -> None:
            for message in messages:
                self.fdb.archive(message)
            self.fdb.flush()
            for message in messages:
                decoded(message)

        return [timed(lambda m=m: flush(m)) for m in flushes(self.folder / name, 10)]


def answer(side: object) -> None:
    """Do what each line asks for and print the seconds that it took."""
    for line in sys.stdin:
        name, *arguments = line.split()
        print(json.dumps(getattr(side, name)(*arguments)), flush=True)


if __name__ == "__main__":
    answer(FdbSide(Path(sys.argv[1])))
