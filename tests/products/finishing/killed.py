"""Finishing in processes that are killed: forks of this one die at each call that changes what is on disk.

``python killed.py FOLDER SCENARIO before|within`` does a scenario in a folder of its own for each call, the first that
comes to the end being the last; what each left is told by the folder's files.
"""

from __future__ import annotations

import itertools
import os
import pathlib
import shutil
import signal
import sys
from contextlib import contextmanager, suppress

import obstore

from dtedask.notify import database, log
from dtedask.products.deliveries.s3 import S3Options
from dtedask.products.finishing import Finishing, telling
from dtedask.products.ledger import Ledger
from tests.products.made import NOW, Raw, Tree, folder, make, part, product

COUNT = itertools.count(1)
CALLS = [
    (os, "fsync"),
    (os, "replace"),
    (os, "rename"),
    (os, "mkdir"),
    (os, "link"),
    (os, "unlink"),
    (os, "writev"),
    (pathlib.Path, "mkdir"),
    (pathlib.Path, "write_bytes"),
    (pathlib.Path, "write_text"),
    (pathlib.Path, "rmdir"),
    (pathlib.Path, "unlink"),
    (shutil, "rmtree"),
    (shutil, "copyfileobj"),
    (telling, "run_after_notices"),
    (log.NoticeLog, "append_notices"),
]
OF_BUCKETS = [(obstore, "put"), (obstore, "get"), (telling, "run_after_notices")]


def delivery_to(place, name, scenario):
    """A folder, or the prefix of the same name in the bucket that the environment names."""
    if scenario != "s3":
        return folder(place / name)
    return S3Options(url=f"{os.environ['PRODUCTS_URL']}/{place.name}/{name}")


def makes(place, scenario):
    """What is to be finished, in order: contents of two owners, and a later one of the same products."""
    kind = Tree if scenario == "tree" else Raw
    a, b = (delivery_to(place, name, scenario) for name in "ab")
    mine = product("mine", delivery=(a, b), file=f"x/mine{kind.suffix}")
    yours = product("yours", delivery=(b,), owner="you", file=f"yours{kind.suffix}")
    other = product("other", delivery=(a,), file=f"other{kind.suffix}")
    return [
        (make(mine, yours, digest="d1", written_as=kind), 1),
        (make(other, digest="d2", written_as=kind), 2),
        (make(mine, yours, digest="d3", written_as=kind), 3),
    ]


def run(place, scenario):
    """What a program does: complete what was begun, then make and finish what is not delivered."""
    with Ledger(place / "state") as ledger:
        finishing = Finishing(ledger, now=lambda: NOW)
        finishing.recover()
        for one, value in makes(place, scenario):
            if is_past(ledger, one):
                continue
            if finishing.finish_staged(one) is None:
                with (place / "written").open("a") as file:
                    file.write(f"{one.digest}\n")
                finishing(one, [part(value)])
        finishing.close()
    log.close_logs()


def is_past(ledger, one):
    """Whether a content, or one that came later, is everywhere."""
    return all(
        (ledger.delivered(product.id, options.target) or "") >= one.digest
        for product in one.products
        for options in product.requirement.delivery
    )


def dies_at(owner, name, limit, halves):
    original = getattr(owner, name)

    def call(*arguments, **options):
        if next(COUNT) == limit:
            if halves and name in ("write_bytes", "write_text"):
                original(arguments[0], arguments[1][: len(arguments[1]) // 2])
            if halves and name == "copyfileobj":
                arguments[1].write(arguments[0].read(100))
            if halves and name in (
                "link",
                "unlink",
                "writev",
                "rmtree",
                "run_after_notices",
                "replace",
                "rename",
                "put",
            ):
                with suppress(OSError):
                    original(*arguments, **options)
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)

    setattr(owner, name, call)


def dies_at_commits(limit, halves):
    original = database.Database.write

    @contextmanager
    def write(self):
        with original(self) as connection:
            yield connection
            is_last = next(COUNT) == limit
            if is_last and not halves:
                os.kill(os.getpid(), signal.SIGKILL)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)

    database.Database.write = write


def main():
    place, scenario, halves = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "within"
    place.mkdir()
    if scenario != "s3":  # whose client has threads, which would not come along
        run(place / "imported", scenario)
    for limit in range(1, 2000):
        child = os.fork()
        if child == 0:
            for owner, name in OF_BUCKETS if scenario == "s3" else CALLS:
                dies_at(owner, name, limit, halves)
            dies_at_commits(limit, halves)
            run(place / str(limit), scenario)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
