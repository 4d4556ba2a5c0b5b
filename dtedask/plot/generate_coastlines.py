"""Write `data/coastlines.npz` from Natural Earth, as the npm package `world-atlas` carries it.

Get it by `npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz`, and run
`python -m dtedask.plot.generate_coastlines package`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCALES = ("110m", "50m")
PER_DEGREE = 100
TARGET = Path(__file__).parent / "data" / "coastlines.npz"


def lines_of(topology: dict[str, Any]) -> Iterator[NDArray[np.int16]]:
    """Yield the lines of a TopoJSON topology: longitude and latitude in hundredths of a degree.

    What polygons add to coasts is left out: their sides along the date line, and along the South Pole.
    """
    scale, offset = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    for arc in topology["arcs"]:
        line = np.cumsum(np.array(arc), axis=0) * scale + offset
        on_date_line = np.abs(line[:, 0]) > 179.99
        on_pole = line[:, 1] < -89.9
        is_side = (on_date_line[1:] & on_date_line[:-1]) | (on_pole[1:] & on_pole[:-1]) | on_pole[1:] | on_pole[:-1]
        for part in np.split(np.arange(len(line)), np.flatnonzero(is_side) + 1):
            if len(part) > 1:
                yield np.round(line[part] * PER_DEGREE).astype(np.int16)


def main(folder: str) -> None:
    """Read the package's files in a folder and write ours."""
    arrays: dict[str, Any] = {}
    for scale in SCALES:
        lines = list(lines_of(json.loads(Path(folder, f"land-{scale}.json").read_text())))
        # Differences are small numbers, which compress to half of what the numbers themselves take. Those that do not
        # fit into 16 bits wrap around, and sums of them wrap back.
        arrays[f"steps_{scale}"] = np.diff(np.concatenate(lines).T, axis=1, prepend=np.int16(0))
        arrays[f"lengths_{scale}"] = np.array([len(line) for line in lines], np.int32)
    np.savez_compressed(TARGET, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
