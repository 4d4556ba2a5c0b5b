"""Files fed by the real multio-feed and by ours: the same fields come out of the same plan."""

import importlib.util
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from dtedask.grib import encode
from dtedask.pipeline import Plan
from dtedask.pipeline.streams.feeding import feed
from tests.pipeline.fields import GRID, KEYS

PACKAGES = Path(importlib.util.find_spec("multiolib").origin).parents[1]


def multio_feed(file, plan, *options):
    """The tool of the wheel finds the libraries of other wheels by a path only."""
    libraries = ":".join(str(folder) for folder in sorted(PACKAGES.glob("*/lib64")))
    tool = PACKAGES / "multiolib" / "bin" / "multio-feed"
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
    subprocess.run(
        [tool, file, f"--plans={plan}", *options], env=environment, check=True, capture_output=True, timeout=60
    )


@pytest.mark.slow
def test_decoded_fields_that_a_plan_selects_are_those_of_multio_feed_to_the_last_bit(tmp_path):
    shape = GRID.shape
    fields = np.random.default_rng(2).normal(280, 9, (6, *shape))
    messages = [
        encode(one, {**KEYS, "step": str(number // 2 * 6), "param": str(166 + number % 2)}, GRID)
        for number, one in enumerate(fields)
    ]
    (tmp_path / "in.grib2").write_bytes(b"".join(messages))
    actions = [{"type": "select", "match": [{"param": ["167"]}]}]
    file = {"type": "file", "append": True, "path": str(tmp_path / "theirs")}
    plan = {"plans": [{"name": "test", "actions": [*actions, {"type": "sink", "sinks": [file]}]}]}
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    multio_feed(tmp_path / "in.grib2", tmp_path / "plan.yaml", "--decode")
    (select,) = Plan.from_yaml({"actions": actions}).pipelines[0].actions
    mine = [
        out.values.tobytes()
        for message in feed([str(tmp_path / "in.grib2")])
        for out in select.handle(message, None, None)
        if out.is_field
    ]
    assert len(mine) == 3
    assert (tmp_path / "theirs").read_bytes() == b"".join(mine)
