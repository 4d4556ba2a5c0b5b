"""Plans whose output, and whose state, is in an object store."""

from uuid import uuid4

import numpy as np
import pytest

import dtedask
from dtedask.pipeline import Message, Plan
from dtedask.pipeline.checkpoint import CheckpointOptions
from dtedask.pipeline.runs.running import run_plan
from tests.pipeline.fields import GRID, field

EVERY_FLUSH = CheckpointOptions(every=1, interval=0)
ACTIONS = [
    {"type": "statistics", "operations": ["average", "stddev"], "output-frequency": "6h"},
    {"type": "sink", "sinks": [{"type": "cube"}]},
]


class Interruption(BaseException):
    """As Ctrl-C is, it is no Exception."""


def stream(interrupted_at=None):
    for step in range(1, 13):
        if step == interrupted_at:
            raise Interruption
        values = np.random.default_rng(step).random(GRID.shape)
        yield field(values, param="130", levtype="pl", levelist="500", step=str(step))
        yield Message.flush("step", step=str(step))


def results(root):
    return {
        (record.keys["param"], record.keys["step"], record.keys.get("stattype", "")): values.tobytes()
        for record, values in dtedask.open(root).values({})
    }


@pytest.mark.parametrize("interrupted_at", [4, 10])
def test_a_plan_that_is_interrupted_goes_on_with_its_state_in_an_object_store(s3, tmp_path, interrupted_at):
    root = f"s3://{s3['S3_BUCKET']}/plans/{uuid4().hex}"
    plan = Plan.from_yaml({"name": "means", "actions": ACTIONS}, output=root)
    with pytest.raises(Interruption):
        run_plan(plan, stream(interrupted_at), checkpoint=EVERY_FLUSH)
    summary = run_plan(plan, stream(), resume="must", checkpoint=EVERY_FLUSH)
    assert summary.pipelines[0].repeated == interrupted_at - 1
    Plan.from_yaml({"name": "means", "actions": ACTIONS}, output=str(tmp_path)).run(stream())
    assert len(results(root)) == 4
    assert results(root) == results(tmp_path)
    assert len(list(dtedask.open(root).history())) == 2
