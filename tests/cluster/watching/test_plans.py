"""The page of the dashboard that shows runs of plans."""

import json
from urllib.request import urlopen

import pytest

from dtedask.cluster.watching.plans import newest, page, plans_link


def status(run="a", **changes):
    action = {"type": "statistics", "fields": 3, "seconds": 0.25, "errors": 0}
    pipeline = {"name": "daily", "fields_in": 3, "fields_out": 1, "written": 1, "skipped": 0, "dead_letters": 0}
    pipeline |= {"lag_s": 0.125, "waiting_bytes": 0, "failed": "", "actions": [action]}
    return {"run": run, "plan": "<b>", "status": "running", "fields": 3, "pipelines": [pipeline], **changes}


def test_of_each_run_the_newest_is_shown():
    events = [(0.0, json.dumps(status())), (1.0, json.dumps(status("b"))), (2.0, json.dumps(status(fields=9)))]
    assert [(one["run"], one["fields"]) for one in newest(events)] == [("a", 9), ("b", 3)]


def test_the_page_shows_lag_and_time_of_actions_and_takes_names_for_text():
    shown = page([status()])
    assert "<b>" not in shown
    assert "&lt;b&gt;: running" in shown
    for cell in ("<td>0.125</td>", "<td>daily: statistics</td>", "<td>0.250</td>"):
        assert cell in shown


@pytest.mark.slow
def test_a_run_is_seen_on_the_dashboard_of_a_cluster(tmp_path):
    from distributed import Client, LocalCluster

    from dtedask.pipeline import Message, Plan
    from dtedask.pipeline.runs.running import run_plan

    plan = Plan.from_yaml({"name": "watched", "actions": [{"type": "null"}]}, output=str(tmp_path))
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        for _ in range(2):
            run_plan(plan, [Message.flush("step", step="1")], client=client)
        link = plans_link(client)
        with urlopen(link) as answer:
            assert "watched: done" in answer.read().decode()
        with urlopen(f"{link}.json") as answer:
            assert [one["plan"] for one in json.load(answer)] == ["watched", "watched"]
