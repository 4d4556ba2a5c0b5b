"""What several roots cost beside one: finding a field, reading fields that lie here and there, archiving messages.

python benchmarks/several_roots.py [--roots 3] [--days 12] [--rounds 7]

The same analyses of 0.25 degrees are archived into one root, and into several in turns. Each round does the same with
both, one after the other; figures are medians, ratios are medians over the rounds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from forecasts import smooth_field

import dtedask
from dtedask.geo import regular_latlon
from dtedask.grib import encode
from dtedask.store import Store

KEYS = {"class": "rd", "stream": "oper", "expver": "0001", "type": "an", "levtype": "pl", "param": "130"}
LEVELS = ("500", "850")
GRID = regular_latlon(np.linspace(90, -90, 721), np.arange(1440) * 0.25)


def messages(days: int) -> list[bytes]:
    """Two levels a day, in GRIB."""
    values = smooth_field(721 * 1440, 1).reshape(721, 1440)
    found = []
    for day in range(1, days + 1):
        for level in LEVELS:
            keys = {**KEYS, "date": f"202401{day:02}", "time": "0000", "step": "0", "levelist": level}
            found.append(encode(values, keys, GRID))
    return found


def archive(store: Store, data: list[bytes]) -> None:
    """All messages in one flush."""
    store.archive(data)
    store.flush()


def time_of(what: Callable[[Store], object], store: Store) -> float:
    """Seconds that something takes."""
    start = time.perf_counter()
    what(store)
    return time.perf_counter() - start


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--roots", type=int, default=3)
    parser.add_argument("--days", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    data = messages(options.days)
    taken: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        names = ", ".join(f"r{number}" for number in range(options.roots))
        for number in range(options.rounds):
            place = Path(folder, str(number))
            place.mkdir()
            (place / "roots.yaml").write_text(f"spaces:\n- {{policy: round-robin, roots: [{names}]}}\n")
            stores = dtedask.open(place / "one"), dtedask.open(place / "roots.yaml")
            for what, do in (
                ("archive", lambda store: archive(store, data)),
                ("find one field", lambda store: list(store.list("date=20240103,levelist=500"))),
                ("open a dataset", lambda store: store.retrieve({})),
                ("read all fields", lambda store: store.retrieve({})["t"].to_numpy()),
            ):
                one, several = (time_of(do, store) for store in stores)
                taken.setdefault(what, []).append((one, several))
    print(f"{'':18}{'one root':>12}{f'{options.roots} roots':>12}{'ratio':>8}")
    for what, pairs in taken.items():
        one, several = (median(pair[place] for pair in pairs) for place in (0, 1))
        ratio = median(pair[1] / pair[0] for pair in pairs)
        print(f"{what:18}{one * 1e3:9.1f} ms{several * 1e3:9.1f} ms{ratio:8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
