"""What a run does where an action fails."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import DamagedError, DocumentError, FieldError, PlanError, RunError
from dtedask.pipeline import Plan, Run
from dtedask.pipeline.runs.dead_letters import DeadLetters
from dtedask.pipeline.runs.policy import OnError
from tests.pipeline.failing import Broken, BrokenTwice, Collect, SumAction, collected, collector, fields, pipeline
from tests.pipeline.fields import field


def run_of(*pipelines, tmp_path=None, **options):
    plan = Plan.from_yaml({"actions": [{"type": "null"}]})
    plan.pipelines = pipelines
    return Run(plan, folder=tmp_path, sleep=options.pop("sleep", lambda _: None), **options)


def fed(run, messages):
    with run:
        for message in messages:
            run.feed(message)
    return run


def sums(values):
    """What SumAction gives for the values that are not negative, by numpy alone."""
    kept = [value for value in values if value >= 0]
    return [[float(sum(kept[: n + 1]) + 1000 * sum(one * one for one in kept[: n + 1]))] * 3 for n in range(len(kept))]


@pytest.mark.slow
@given(st.lists(st.integers(-3, 9), max_size=12))
def test_a_skipped_field_leaves_the_state_as_if_it_had_never_come(values):
    run = fed(run_of(pipeline("a", SumAction, Collect, on_error="skip")), fields(*values))
    assert collected(run) == sums(values)
    assert run.summary.skipped == sum(value < 0 for value in values)
    assert run.summary.pipelines[0].actions[0].fields == len(values)


def test_without_a_policy_the_first_error_ends_the_run_and_names_the_place():
    run = run_of(pipeline("daily", SumAction, Collect))
    with pytest.raises(
        FieldError,
        match=r"Pipeline 'daily', action 1 \(sumaction\), at the field param=130,.*step=1: A negative value\. "
        r"Give it a positive one\.",
    ):
        fed(run, fields(1, -1, 2))
    assert collected(run) == sums([1])
    assert run.summary.pipelines[0].failed


def test_one_pipeline_that_fails_does_not_stop_the_other_and_fails_the_run_at_the_end():
    run = run_of(pipeline("a", SumAction, Collect), pipeline("b", Collect))
    with pytest.raises(FieldError, match=r"Pipeline 'a'.*A negative value"):
        fed(run, fields(1, -1, 2))
    assert collected(run, 1) == [[1.0] * 3, [-1.0] * 3, [2.0] * 3]
    assert [one.pipeline for one in run.summary.failures] == ["a"]


def test_several_pipelines_that_fail_are_summed_up():
    run = run_of(pipeline("a", SumAction), pipeline("b", Broken))
    with pytest.raises(RunError, match=r"2 pipelines failed:\n  Pipeline 'a'.*negative.*\n  .*'b'.*No such luck"):
        fed(run, fields(1, -1))


def test_an_error_of_another_library_becomes_one_of_ours_with_its_name():
    with pytest.raises(RunError, match=r"action 1 \(broken\).*OSError: No such luck"):
        fed(run_of(pipeline("a", Broken)), fields(1))


def test_retry_tries_as_often_as_it_is_told_and_waits_in_between(caplog):
    waits = []
    policy = {"type": "retry", "retries": 2, "delay": 0.25}
    run = run_of(pipeline("a", BrokenTwice, Collect, on_error=policy), sleep=waits.append)
    with caplog.at_level(logging.ERROR):
        fed(run, fields(7))
    assert collected(run) == [[7.0] * 3]
    assert waits == [0.25, 0.25]
    assert run.summary.pipelines[0].retried == 2


def test_recover_of_multio_ends():
    run = run_of(pipeline("a", Broken, on_error="recover"))
    with pytest.raises(RunError, match="No such luck"):
        fed(run, fields(7))
    assert run.summary.pipelines[0].actions[0].errors == 4


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("recover", OnError(type="retry", retries=3)),
        ({"type": "recover", "maxRetries": 7}, OnError(type="retry", retries=7)),
        ("ignore", OnError(type="skip")),
        ("abort-all-transports", OnError(type="propagate")),
    ],
)
def test_words_of_multio_are_read(said, meant):
    document = {"actions": [{"type": "null", "on-error": said}], "on-error": said}
    plan = Plan.from_yaml(document)
    assert plan.pipelines[0].on_error == meant
    assert plan.pipelines[0].actions[0].options.on_error == meant


def test_what_an_action_says_counts_more_than_what_the_plan_says():
    run = run_of(pipeline("a", SumAction, Collect, on_error="propagate", policies=[OnError(type="skip")]))
    assert collected(fed(run, fields(1, -1, 2))) == sums([1, 2])


def test_a_flush_that_fails_is_never_left_out():
    class OnFlush(Broken):
        def handle(self, message, state, compute):  # noqa: ARG002
            if not message.is_field:
                raise OSError("full disk")
            yield message

    with pytest.raises(RunError, match="at the flush.*full disk"):
        fed(run_of(pipeline("a", OnFlush, on_error="skip")), fields(1))


def test_a_dead_letter_keeps_the_field_and_what_happened(tmp_path):
    policy = {"type": "retry", "retries": 1, "then": "dead-letter"}
    run = fed(run_of(pipeline("a", SumAction, Collect, on_error=policy), tmp_path=tmp_path), fields(1, -2, 3))
    assert collected(run) == sums([1, 3])
    (letter,) = DeadLetters(tmp_path / "dead-letters")
    np.testing.assert_array_equal(letter.message.values, np.full(3, -2.0))
    assert letter.message.keys["step"] == "1"
    assert (letter.pipeline, letter.position, letter.action, letter.code) == ("a", 0, "sumaction", "field")
    assert letter.plan_hash == run.plan.document.digest
    assert "A negative value" in letter.error


@pytest.mark.slow
def test_a_dead_letter_of_a_real_field_is_the_field_to_the_last_bit(tmp_path, grib_folder):
    from dtedask.pipeline.sources import messages_of_files

    messages = [one for one in messages_of_files([str(grib_folder / "ifs-oper-surface.grib2")]) if one.is_field]
    fed(run_of(pipeline("a", Broken, on_error="dead-letter"), tmp_path=tmp_path), messages)
    for before, letter in zip(messages, DeadLetters(tmp_path / "dead-letters"), strict=True):
        assert letter.message.description == before.description
        assert letter.message.keys == before.keys
        np.testing.assert_array_equal(letter.message.values, before.values)
        for name, one in before.coordinates.items():
            np.testing.assert_array_equal(letter.message.coordinates[name].values, one.values)
            assert letter.message.coordinates[name].attrs == one.attrs


def test_a_field_that_fails_again_at_the_same_place_is_one_letter(tmp_path):
    for _ in range(2):
        fed(run_of(pipeline("a", SumAction, on_error="dead-letter"), tmp_path=tmp_path), fields(-1, -2))
    letters = list(DeadLetters(tmp_path / "dead-letters"))
    assert [letter.message.keys["step"] for letter in letters] == ["0", "1"]


@settings(max_examples=40)
@given(st.data())
def test_a_bit_that_flips_in_a_dead_letter_is_found(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("letters")
    fed(run_of(pipeline("a", Broken, on_error="dead-letter"), tmp_path=folder), fields(1))
    (path,) = DeadLetters(folder / "dead-letters").paths()
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(DamagedError, match=r"The dead letter .* is damaged"):
        list(DeadLetters(folder / "dead-letters"))


def test_dead_letters_without_a_place_are_refused_before_the_run():
    with pytest.raises(PlanError, match=r"'a' keeps dead letters, but has no place for them\. Name a folder"):
        run_of(pipeline("a", Broken, on_error="dead-letter"))


def test_an_unknown_policy_is_named():
    with pytest.raises(DocumentError, match="on-error"):
        Plan.from_yaml({"actions": [{"type": "null"}], "on-error": "hope"})


def test_dead_letters_are_kept_in_a_folder():
    with pytest.raises(DocumentError, match=r"'s3://bucket/letters' is none"):
        Plan.from_yaml(
            {"actions": [{"type": "null"}], "on-error": {"type": "dead-letter", "to": "s3://bucket/letters"}}
        )


def test_a_summary_says_what_was_done_in_one_line_and_in_html(tmp_path):
    bad = pipeline("<bad>", SumAction, Collect, on_error="skip")
    summary = fed(run_of(bad, tmp_path=tmp_path), fields(1, -1)).summary
    assert repr(summary) == "<RunSummary: 2 fields in, 0 out; 1 skipped>"
    assert "<td>&lt;bad&gt;</td><td>2</td><td>1</td><td>0</td><td>1</td>" in summary._repr_html_()
    assert summary.to_dict()["failures"][0]["outcome"] == "skip"


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["130", "167"])), max_size=15))
def test_statistics_go_on_as_if_a_late_field_had_never_come(given_fields):
    """Which fields are late is found by looking at the largest step before, of each parameter."""
    newest: dict[str, int] = {}
    good = []
    for step, param in given_fields:
        if step > newest.get(param, 0):
            newest[param] = step
            good.append((step, param))
    statistics = {"type": "statistics", "operations": ["average", "stddev"], "output-frequency": "4h"}

    def results(messages, on_error):
        plan = Plan.from_yaml({"actions": [{**statistics, "on-error": on_error}, {"type": "null"}]})
        plan.pipelines = (replace(plan.pipelines[0], actions=(plan.pipelines[0].actions[0], collector())),)
        run = fed(Run(plan), messages)
        return [(one.keys, one.values.tobytes()) for one in run._chains[0].links[-1].state if one.is_field]

    def stream(chosen):
        return [field(np.full((3, 4), step / 3), step=str(step), param=param) for step, param in chosen]

    assert results(stream(given_fields), "skip") == results(stream(good), "propagate")
