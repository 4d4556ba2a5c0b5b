"""The part of `series.py` that needs pyfdb and pygribjump, for any interpreter that has them, and NumPy and ecCodes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _fdb_side import SCHEMA, answer, timed

Pair = tuple[int, int]


class GribJumpSide:
    """GribJump on an FDB on local disk; it knows the structure of messages since they were archived."""

    def __init__(self, folder: Path) -> None:
        root = folder / "fdb"
        root.mkdir(exist_ok=True)
        (folder / "fdb-schema").write_text(SCHEMA)
        space = {"handler": "Default", "roots": [{"path": str(root)}]}
        config = {"type": "local", "engine": "toc", "schema": str(folder / "fdb-schema"), "spaces": [space]}
        (folder / "fdb.json").write_text(json.dumps(config))
        os.environ["FDB5_CONFIG_FILE"] = str(folder / "fdb.json")
        os.environ["FDB_ENABLE_GRIBJUMP"] = "1"
        os.environ["GRIBJUMP_IGNORE_GRID"] = "1"
        import pyfdb
        import pygribjump

        self.folder = folder
        self.fdb = pyfdb.FDB(config)
        self.jump = pygribjump.GribJump()

    def build(self, name: str) -> list[float]:
        """Archive a file."""
        self.fdb.archive((self.folder / name).read_bytes())
        self.fdb.flush()
        return []

    def points(self, steps: str) -> list[float]:
        """Seconds for all steps at one point, for several points after each other."""
        points = json.loads((self.folder / "points.json").read_text())
        return [timed(lambda i=index: self._values(int(steps), (i, i + 1))) for index in points]

    def values(self, steps: str) -> list[float]:
        """The numbers at the first point."""
        index = json.loads((self.folder / "points.json").read_text())[0]
        return [float(value) for value in self._values(int(steps), (index, index + 1))]

    def _values(self, steps: int, points: Pair) -> Sequence[float]:
        request = json.loads((self.folder / "request.json").read_text())
        request["step"] = [str(step) for step in range(steps)]
        found = self.jump.extract_single(request, [points])
        return np.concatenate([np.array(one.values_flat) for one in found])


if __name__ == "__main__":
    sys.stdout = os.fdopen(os.dup(1), "w")  # GribJump writes of its threads to standard output
    os.dup2(2, 1)
    answer(GribJumpSide(Path(sys.argv[1])))
