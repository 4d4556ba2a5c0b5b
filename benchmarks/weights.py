"""Building weights: dtedask beside MIR, in turns, each in a process of its own; seconds and peak memory.

python benchmarks/weights.py [--rounds 3] [--cases linear-O320 ...] [--no-mir] [--json FILE]

Figures are the best of the rounds: others that use the machine only make a build slower. Nothing is read from a cache.
MIR's figure has one field interpolated with it. Exit status is 1 if a case is over its limit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SIDE = Path(__file__).with_name("_weights_side.py")
CASES = {
    "linear-O320": ("O320", "0.25/0.25", "linear"),
    "linear-O1280": ("O1280", "0.25/0.25", "linear"),
    "conservative-O320": ("O320", "0.25/0.25", "conservative"),
    "conservative-H256": ("H256", "0.25/0.25", "conservative"),
}
FIGURES = ("seconds", "core_seconds", "peak_bytes")
# seconds and bytes
LIMITS = {"linear-O320": (2.0, None), "linear-O1280": (20.0, 3e9), "conservative-O320": (15.0, None)}


def run(side: str, case: str) -> dict[str, Any]:
    """Build once in a new process."""
    command = [sys.executable, str(SIDE), side, *CASES[case], "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def measure(cases: list[str], sides: list[str], rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Best of the rounds of every case and side."""
    best: dict[str, dict[str, dict[str, float]]] = {case: {} for case in cases}
    for number in range(rounds):
        for case in cases:
            for side in sides[number % 2 :] + sides[: number % 2]:
                found = run(side, case)
                kept = best[case].setdefault(side, dict.fromkeys(FIGURES, float("inf")))
                kept["seconds"] = min(kept["seconds"], *found["seconds"])
                kept["core_seconds"] = min(kept["core_seconds"], *found["core_seconds"])
                kept["peak_bytes"] = min(kept["peak_bytes"], found["peak_bytes"])
                kept["weights"] = found["weights"]
    return best


def show(best: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """Print a table; return what is over its limit."""
    print(f"{'case':<20}{'side':<10}{'seconds':>9}{'of cores':>10}{'peak MB':>10}{'weights':>12}")
    over = []
    for case, sides in best.items():
        for side, found in sides.items():
            count = f"{found['weights']:,.0f}" if found["weights"] else ""
            figures = f"{found['seconds']:>9.2f}{found['core_seconds']:>10.2f}{found['peak_bytes'] / 1e6:>10.0f}"
            print(f"{case:<20}{side:<10}{figures}{count:>12}")
        seconds, peak = LIMITS.get(case, (None, None))
        ours = sides.get("dtedask", {"seconds": 0.0, "peak_bytes": 0.0})
        if (seconds and ours["seconds"] > seconds) or (peak and ours["peak_bytes"] > peak):
            over.append(case)
    return over


def main() -> int:
    """Measure, print, compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--no-mir", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    best = measure(arguments.cases, ["dtedask"] if arguments.no_mir else ["dtedask", "mir"], arguments.rounds)
    print(f"load before: {load:.1f}; cores: {len(os.sched_getaffinity(0))}")
    over = show(best)
    if arguments.json:
        arguments.json.write_text(json.dumps({"load": load, "best": best, "limits": LIMITS}, indent=1))
    for case in over:
        print(f"over its limit: {case}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
