"""Where a run begins: anew, or from where it was interrupted."""

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import FieldError, LockedError, PlanError
from dtedask.pipeline import Message, Plan
from dtedask.pipeline.checkpoint import CheckpointOptions, Checkpoints
from dtedask.pipeline.runs.places import url_of
from dtedask.pipeline.runs.running import run_plan
from dtedask.pipeline.runs.status import find_status
from tests.pipeline.failing import Broken, Collect, SumAction, fields, pipeline, tally

EVERY_FLUSH = CheckpointOptions(every=1, interval=0)


class Interruption(BaseException):
    """As Ctrl-C is, it is no Exception."""


def plan_of(folder, *pipelines, name="sums"):
    plan = Plan.from_yaml({"name": name, "actions": [{"type": "null"}]}, output=str(folder))
    plan.pipelines = pipelines
    return plan


def stream(*values, interrupted_at=None):
    for number, one in enumerate(fields(*values)):
        if number == interrupted_at:
            raise Interruption
        yield one
        yield Message.flush("step", step=str(number))


def gone(messages):
    """Values that reached the collecting action, flushes left out."""
    return [one.values.tolist() for one in messages if one.is_field]


class Kept(Collect):
    """Collects across runs of a test."""

    kept: ClassVar[list[Message]] = []

    def start(self):
        return type(self).kept


def sums():
    Kept.kept.clear()
    return pipeline("a", SumAction, Kept)


@pytest.mark.slow
@settings(max_examples=5)
@given(st.lists(st.integers(0, 50), min_size=2, max_size=6), st.data())
def test_a_run_that_goes_on_gives_what_an_undisturbed_one_gives(tmp_path_factory, values, data):
    folder = tmp_path_factory.mktemp("out")
    run_plan(plan_of(folder, sums()), stream(*values), resume=None)
    expected = gone(Kept.kept)
    at = data.draw(st.integers(0, len(values) - 1))
    plan = plan_of(folder, sums())
    with pytest.raises(Interruption):
        run_plan(plan, stream(*values, interrupted_at=at), checkpoint=EVERY_FLUSH)
    summary = run_plan(plan, stream(*values), checkpoint=EVERY_FLUSH)
    assert gone(Kept.kept) == expected
    assert summary.pipelines[0].repeated == at


def interrupted(folder, **options):
    plan = plan_of(folder, sums(), **options)
    with pytest.raises(Interruption):
        run_plan(plan, stream(1, 2, 3, interrupted_at=2), checkpoint=EVERY_FLUSH)
    return plan


def test_another_plan_is_refused_and_the_difference_is_told(tmp_path):
    interrupted(tmp_path)
    other = plan_of(tmp_path, pipeline("a", SumAction, Broken))
    other.digest = "another"
    with pytest.raises(PlanError, match=r"another plan.*\n  \[1\]\.actions\[2\]\.type: \"kept\" was, \"broken\" is"):
        run_plan(other, stream(1, 2, 3), checkpoint=EVERY_FLUSH)


def test_another_input_is_refused(tmp_path):
    plan = interrupted(tmp_path)
    found = Checkpoints(url_of(plan)).read()
    found.source = {"kind": "files", "names": ["a.grib2"]}
    Checkpoints(url_of(plan)).write(found)
    with pytest.raises(
        PlanError, match=r'(?s)another input.*\n  kind: "files" was, "messages" is.*begin anew \(--again\)'
    ):
        run_plan(plan, stream(1, 2, 3), checkpoint=EVERY_FLUSH)


def test_an_iterable_that_is_not_what_it_was_is_found_out(tmp_path):
    plan = interrupted(tmp_path)
    messages = list(stream(1, 2, 3))
    messages[3] = Message.flush("step", step="other")
    with pytest.raises(PlanError, match=r"Message 4 is the flush .*step=other; before the interruption it was the"):
        run_plan(plan, messages, checkpoint=EVERY_FLUSH)


def test_never_begins_anew(tmp_path):
    plan = interrupted(tmp_path)
    Kept.kept.clear()
    assert run_plan(plan, stream(1, 2, 3), resume="never", checkpoint=EVERY_FLUSH).pipelines[0].repeated == 0
    assert len(gone(Kept.kept)) == 3


def test_must_needs_something_to_go_on_with(tmp_path):
    plan = plan_of(tmp_path, sums())
    with pytest.raises(PlanError, match="'sums' has no run that was interrupted: there is nothing to go on with"):
        run_plan(plan, stream(1), resume="must", checkpoint=EVERY_FLUSH)
    with pytest.raises(PlanError, match="'sums' saves no state"):
        run_plan(plan, stream(1), resume="must", checkpoint=CheckpointOptions.model_validate("never"))


def test_a_run_that_came_to_its_end_begins_anew(tmp_path):
    plan = plan_of(tmp_path, sums())
    for _ in range(2):
        assert run_plan(plan, stream(1, 2), checkpoint=EVERY_FLUSH).pipelines[0].repeated == 0
    assert Checkpoints(url_of(plan)).read().complete


@pytest.mark.slow
def test_of_two_pipelines_the_one_that_failed_goes_on_from_its_own_state(tmp_path):
    class Fails(Broken):
        times = 1

        def handle(self, message, state, compute):  # noqa: ARG002
            if message.is_field and message.keys["step"] == "1" and tally[0] < 1:
                tally[0] += 1
                raise FieldError("No such luck.")
            yield message

    plan = plan_of(tmp_path, pipeline("a", SumAction, Fails, Kept), pipeline("b", Collect))
    Kept.kept.clear()
    with pytest.raises(FieldError, match="No such luck"):
        run_plan(plan, stream(1, 2, 3), checkpoint=EVERY_FLUSH)
    entries = {entry.pipeline: entry for entry in Checkpoints(url_of(plan)).read().entries}
    assert (entries["a"].seen, entries["a"].complete, entries["b"].complete) == (2, False, True)
    summary = run_plan(plan, stream(1, 2, 3), checkpoint=EVERY_FLUSH)
    assert [one.repeated for one in summary.pipelines] == [1, 3]
    np.testing.assert_array_equal([values[0] for values in gone(Kept.kept)], [1001.0, 3 + 1000 * 5, 6 + 1000 * 14])


@pytest.mark.slow
def test_the_status_says_what_came_of_a_run(tmp_path):
    plan = plan_of(tmp_path, sums())
    with pytest.raises(Interruption):
        run_plan(plan, stream(1, 2, 3, interrupted_at=2), checkpoint=EVERY_FLUSH)
    (status,) = find_status(tmp_path)
    assert (status.state, status.document["fields"], status.document["plan"]) == ("interrupted", 2, "sums")
    run_plan(plan, stream(1, 2, 3), checkpoint=EVERY_FLUSH)
    (status,) = find_status(tmp_path)
    (one,) = status.document["pipelines"]
    assert (status.state, one["fields_in"], one["repeated"]) == ("done", 1, 2)
    assert one["actions"][0]["seconds"] > 0
    assert one["last_checkpoint"]


def test_a_process_that_is_gone_has_lost_its_run(tmp_path):
    plan = plan_of(tmp_path, sums())
    run_plan(plan, stream(1), checkpoint=EVERY_FLUSH)
    (status,) = find_status(tmp_path)
    status.document["status"] = "running"
    assert status.state == "running"
    status.document["process"] = "another"
    assert status.state == "lost"


def test_nobody_else_runs_the_plan_into_the_same_output_meanwhile(tmp_path):
    plan = plan_of(tmp_path, sums())

    def messages():
        yield from stream(1)
        run_plan(plan, stream(1), checkpoint=EVERY_FLUSH)

    with pytest.raises(LockedError, match=r"The plan 'sums' is running already: its state in .*sums' is held"):
        run_plan(plan, messages(), checkpoint=EVERY_FLUSH)


def test_an_output_in_memory_gets_no_cubes_beside_its_own(tmp_path):
    plan = Plan.from_yaml({"actions": [{"type": "null"}]}, output=f"memory://{tmp_path.name}")
    run_plan(plan, stream(1), checkpoint=EVERY_FLUSH)
    assert url_of(plan) == ""
