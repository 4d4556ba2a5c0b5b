"""Who interrupts a run finds no product half: what has begun is finished, and nothing more begins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dtedask.products import Nodes
from dtedask.products.making import make
from tests.products.making.orders import Given, Waits, delivered, order, plan

SCRIPT = """
import os, sys
from pathlib import Path
from dtedask.products import Nodes
from dtedask.products.making import make
from tests.products.making.orders import Given, Waits, delivered, order, plan

def finish(one, parts):
    aside = folder / f"{one.digest}.half"
    aside.write_bytes(parts[0].payload.tobytes())
    aside.rename(folder / one.digest)
    print(one.digest, flush=True)
    return delivered(one)

folder, nodes = Path(sys.argv[1]), Nodes()
values = (nodes.make(Waits(0.01), nodes.make(Given(step))) for step in range(3000))
make(plan(*(order(one, name=str(number)) for number, one in enumerate(values))), finish=finish)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("interrupts")
def test_an_interruption_ends_what_has_begun_and_nothing_more():
    nodes, begun, ended = Nodes(), [], []
    lock = threading.Lock()

    def finish(one, parts):
        with lock:
            begun.append(one.digest)
        if len(begun) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        with lock:
            ended.append(one.digest)
        return delivered(one)

    makes = [order(nodes.make(Waits(0.01), nodes.make(Given(step))), name=str(step)) for step in range(2000)]
    with pytest.raises(KeyboardInterrupt):
        make(plan(*makes), finish=finish)
    assert sorted(begun) == sorted(ended)
    assert 3 <= len(ended) < 2000
    assert not [one.name for one in threading.enumerate() if one.name.startswith(("make-", "finish-"))]


@pytest.mark.slow
def test_an_interrupted_process_ends_soon_and_leaves_whole_products(tmp_path):
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    for _ in range(5):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    names = [path.name for path in tmp_path.iterdir()]
    assert len(names) >= 5
    assert not [name for name in names if name.endswith(".half")]
