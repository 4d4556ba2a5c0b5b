"""Requirements: the time to read and check 10,000 of them, in YAML and in MARS-like text.

python benchmarks/requirements.py [--count 10000] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path
from statistics import median

from dtedask.products.requirements import load_requirements

LIMIT_S = 2.0
HEAD = """defaults: {class: od, stream: oper, expver: 1, type: fc, levtype: sfc}
requirements:
"""


def make_orders(count: int) -> list[dict[str, str]]:
    """Requirements of 500 users: each has an area of its own, most else is there many times."""
    some = random.Random(7)
    return [
        {
            "name": f"u{number % 500}-{number}",
            "owner": f"u{number % 500}",
            "param": "/".join(some.sample(["2t", "2d", "10u", "10v", "msl", "tp"], 2)),
            "step": f"0/to/{some.choice([24, 48, 120])}/by/6",
            "time": "00/12",
            "grid": some.choice(["0.1/0.1", "0.25/0.25", "1/1", "O320"]),
            "area": f"{some.randint(50, 80)}/{some.randint(-30, 0)}/{some.randint(20, 45)}/{some.randint(10, 50)}",
            "accuracy": "12",
            "packing": "ccsds",
            "delivery": f"/data/out/u{number % 500}",
            "deadline": f"+{some.randint(4, 9)}h",
            "priority": str(some.randint(0, 99)),
            "file": "{owner}/{name}-{date}{time}-{step}.grib2",
        }
        for number in range(count)
    ]


def as_yaml(orders: list[dict[str, str]]) -> str:
    lines = []
    for order in orders:
        lines += [f"{'-' if key == 'name' else ' '} {key}: '{value}'" for key, value in order.items()]
    return HEAD + "\n".join(lines).replace("'12'", "12")


def as_mars_text(orders: list[dict[str, str]]) -> str:
    first = "disseminate, class=od, stream=oper, expver=1, type=fc, levtype=sfc,\n  "
    texts = [
        ",\n  ".join(
            f'{key}="{value}"' if key in ("file", "delivery") else f"{key}={value}" for key, value in order.items()
        )
        for order in orders
    ]
    return first + "\ndisseminate,\n  ".join(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    orders = make_orders(options.count)
    results = {}
    for name, text in (("YAML", as_yaml(orders)), ("MARS-like text", as_mars_text(orders))):
        walls, processor = [], []
        for _ in range(options.rounds):
            begin, begin_processor = time.perf_counter(), time.process_time()
            found = load_requirements(text)
            walls.append(time.perf_counter() - begin)
            processor.append(time.process_time() - begin_processor)
            assert (len(found), found.broken) == (options.count, ())
            del found
        results[name] = {"wall_s": median(walls), "processor_s": median(processor), "megabytes": len(text) / 1e6}
        print(f"{name:15} {median(walls):5.2f} s, of the processor {median(processor):5.2f} s (limit {LIMIT_S} s)")
    if options.json:
        options.json.write_text(json.dumps({"count": options.count, "rounds": options.rounds, **results}, indent=1))


if __name__ == "__main__":
    main()
