"""A plan on an archive: tasks of Dask, and the bits, notices and order of a live run."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import PlanError, RunError
from dtedask.pipeline import Action, Plan, action
from dtedask.pipeline.graph.run import GraphRun
from dtedask.pipeline.sources import open_source

DAILY = {
    "type": "statistics",
    "operations": ["average", "maximum", "stddev"],
    "output-frequency": "1d",
}


def plan(*actions, sinks=({"type": "cube"},), output=""):
    return Plan.from_yaml({"actions": [*actions, {"type": "sink", "sinks": list(sinks)}]}, output=str(output))


def on_archive(plan, source, **options):
    with GraphRun(plan, **options) as run:
        for message in source.nodes(run.graph):
            run.feed(message)
    return run.summary


def written(root):
    return {tuple(sorted(record.keys.items())): values.tobytes() for record, values in dtedask.open(root).values({})}


def said(summary):
    return [(notice.keys, [(one.keys, one.checksum) for one in notice.values]) for notice in summary.notices]


@pytest.mark.slow
@pytest.mark.parametrize("at_once_bytes", [1, 20_000, 2**30])
def test_an_archive_gives_what_a_live_run_of_the_same_fields_gives(forecast, tmp_path, at_once_bytes):
    live = plan(DAILY, output=tmp_path / "live").run(open_source(forecast.files).messages())
    archive = on_archive(
        plan(DAILY, output=tmp_path / "archive"), open_source(forecast.root), at_once_bytes=at_once_bytes
    )
    assert written(tmp_path / "archive") == written(tmp_path / "live")
    assert len(written(tmp_path / "live")) == 2 * 2 * 2 * 3
    assert said(archive) == said(live)


def test_nothing_is_read_before_a_wave_is_full_and_states_live_on(forecast, tmp_path, monkeypatch):
    from dtedask.store.write import StoredField

    read = []
    original = StoredField.read
    monkeypatch.setattr(StoredField, "read", lambda self: read.append(self.key) or original(self))
    with GraphRun(plan(DAILY, output=tmp_path / "out"), threads=2, at_once_bytes=3 * 4 * 216 * 8) as run:
        for count, message in enumerate(open_source(forecast.root).nodes(run.graph), 1):
            run.feed(message)
            if count < 15:
                assert not read
            if count == 15:  # three steps of four fields, each with its flush; step 0 is in no window
                assert len(read) == 8
    assert len(read) == len(set(read)) == 8 * 4


def fails_for_u(values, param):
    if param == "131":
        raise ValueError("no wind today")
    return values


class FailsForU(Action):
    """Gives all fields but those of u."""

    def handle(self, message, state, compute):  # noqa: ARG002
        if message.is_field:
            message = message.replaced(values=compute.call("fails", fails_for_u, message.values, message.keys["param"]))
        yield message


@pytest.mark.slow
def test_pipelines_fail_alone_at_the_message_whose_values_cannot_be_made(forecast, tmp_path, monkeypatch):
    monkeypatch.setitem(action._OWN, "fails-for-u", f"{__name__}:FailsForU")
    document = {
        "plans": [
            {
                "name": "broken",
                "actions": [
                    {"type": "fails-for-u"},
                    {"type": "sink", "sinks": [{"type": "cube", "url": str(tmp_path / "broken")}]},
                ],
            },
            {
                "name": "whole",
                "actions": [{"type": "sink", "sinks": [{"type": "cube", "url": str(tmp_path / "whole")}]}],
            },
        ]
    }
    with pytest.raises(RunError, match=r"'broken'.*param=131.*no wind today"):
        on_archive(Plan.from_yaml(document), open_source(forecast.root))
    assert len(written(tmp_path / "whole")) == 36


def test_a_task_that_cannot_fit_is_refused_with_both_numbers(forecast, tmp_path, monkeypatch):
    from dtedask.pipeline.graph.workers import Threads

    monkeypatch.setattr(Threads, "memory_bytes", 1000)
    with pytest.raises(PlanError, match=r"A task of the plan needs \d+.* and there is 1.0 kB for each thread"):
        on_archive(plan(DAILY, output=tmp_path / "out"), open_source(forecast.root))


@pytest.mark.slow
def test_workers_of_a_cluster_give_the_same_bits_and_keep_the_states(forecast, tmp_path):
    from distributed import Client

    plan(DAILY, output=tmp_path / "live").run(open_source(forecast.files).messages())
    with Client(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as client:
        on_archive(
            plan(DAILY, output=tmp_path / "out"), open_source(forecast.root), client=client, at_once_bytes=20_000
        )
    assert written(tmp_path / "out") == written(tmp_path / "live")


@pytest.mark.slow
def test_files_give_nodes_too(forecast, tmp_path):
    plan(DAILY, output=tmp_path / "live").run(open_source(forecast.root).messages())
    on_archive(plan(DAILY, output=tmp_path / "out"), open_source(forecast.files))
    assert written(tmp_path / "out") == written(tmp_path / "live")


OPERATIONS = ("average", "minimum", "maximum", "stddev", "accumulate", "difference", "instant", "variance", "count")


@st.composite
def chains(draw):
    """Actions that change fields, take them together over time and over members, in any sensible order."""
    chain = []
    if draw(st.booleans()):
        chain.append({"type": "select", "match": [{"param": draw(st.sampled_from(["130", "131", "130/131"]))}]})
    if draw(st.booleans()):
        chain.append({"type": "scale", "custom-mappings": [{"param-in": 130, "param-out": 130, "scaling": 0.1}]})
    statistics = {
        "type": "statistics",
        "operations": draw(st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=3, unique=True)),
        "output-frequency": draw(st.sampled_from(["6h", "12h", "1d", "2d", "run"])),
        "partial": draw(st.booleans()),
    }
    ensemble = {
        "type": "ensemble",
        "operations": draw(st.sampled_from([["average"], ["stddev"], ["spread", "average"]])),
    }
    return [*chain, *draw(st.sampled_from([[statistics], [ensemble], [statistics, ensemble], []]))]


@pytest.mark.slow
@settings(max_examples=8)
@given(chains(), st.sampled_from([1, 10_000, 2**30]))
def test_any_plan_gives_on_an_archive_what_it_gives_live(forecast, chain, at_once_bytes):
    memory = [{"type": "memory"}]
    live = plan(*chain, sinks=memory).run(open_source(forecast.files))
    archive = on_archive(plan(*chain, sinks=memory), open_source(forecast.root), at_once_bytes=at_once_bytes)
    assert said(archive) == said(live)
    assert archive.fields == live.fields == 36
