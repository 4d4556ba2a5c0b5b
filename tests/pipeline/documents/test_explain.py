"""What a plan says of itself before it runs."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.pipeline import Message, Plan
from dtedask.pipeline.sources import open_source
from dtedask.request import Request
from tests.pipeline.fields import field

DAILY = """
name: daily
plans:
- name: means
  actions:
  - {type: select, match: [{param: [2t]}]}
  - {type: statistics, operations: [average], output-frequency: 1d}
  - {type: sink, sinks: [{type: memory}]}
- name: all
  actions: [{type: print, prefix: "# "}]
- name: never
  enabled: false
  actions: [{type: print}]
"""
STREAM = [field(param=param, step=step) for step in ("0", "6") for param in ("167", "168")]


def test_without_an_input_it_says_what_is_done_and_nothing_of_fields():
    lines = Plan.from_yaml(DAILY).explain().text.splitlines()
    assert lines[0].startswith("plan daily (")
    assert lines[1:7] == [
        "pipeline means",
        "  stream -> select -> statistics -> sink",
        "  1. select      match: {param: 2t}",
        "  2. statistics  average over windows (start, end] of 1 day",
        "  3. sink        memory",
        "pipeline all",
    ]
    assert lines[-1] == "off: never"


def test_with_fields_it_says_which_each_pipeline_takes_and_how_much_memory_that_needs():
    found = Plan.from_yaml(DAILY).explain([*STREAM, Message.flush("step")])
    means, everything = found.pipelines
    assert (found.fields, means.fields, everything.fields) == (4, 2, 4)
    assert means.requests == (
        "class=od,stream=oper,expver=0001,type=fc,levtype=sfc,date=20240601,time=0000,step=0/6,param=167",
    )
    size = 8 * STREAM[0].description.grid.size
    expected = Plan.from_yaml(DAILY).pipelines[0].actions[1].memory_bytes(1, size)
    assert means.actions[1].memory_bytes == expected > 0
    assert found.memory_bytes == means.memory_bytes


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["167", "168", "151"]), st.sampled_from(["0", "6", "12"])), unique=True))
def test_the_requests_name_exactly_the_fields_that_are_taken(pairs):
    fields = [field(param=param, step=step) for param, step in pairs]
    (means, _) = Plan.from_yaml(DAILY).explain(fields).pipelines
    requests = [Request.parse(text) for text in means.requests]
    for message in fields:
        assert sum(request.matches(message.keys) for request in requests) == (message.keys["param"] == "167")


def test_values_of_a_source_are_not_read(grib_folder):
    path = grib_folder / "ifs-oper-surface.grib2"
    (pipeline,) = Plan.from_yaml("actions: [{type: print}]").explain(open_source(path)).pipelines
    assert pipeline.fields == 5


def test_behind_other_actions_the_number_of_fields_is_an_upper_bound():
    text = """
client:
  plans: [{name: a, actions: [{type: select, match: [{param: [167]}]}, {type: %s}, {type: transport, target: s}]}]
s: {plans: [{name: b, actions: [{type: select, match: [{param: [151]}]}]}]}
"""
    *_, certain = Plan.from_yaml(text % "print").explain(STREAM).pipelines
    *_, bound = Plan.from_yaml(text % "scale, preset-mappings: local-to-wmo").explain(STREAM).pipelines
    assert (certain.fields, certain.is_certain) == (0, True)
    assert (bound.fields, bound.taken) == (2, "takes at most 2 fields")


def test_the_graph_is_drawn_as_json_mermaid_dot_and_html_without_a_network():
    found = Plan.from_yaml(DAILY).explain(STREAM)
    assert json.loads(json.dumps(found.to_json()))["pipelines"][0]["actions"][2]["type"] == "sink"
    assert "  stream --> p0a0\n  p0a0 --> p0a1\n  p0a1 --> p0a2\n  stream --> p1a0\n" in found.mermaid
    assert found.dot.count("{") == found.dot.count("}")
    html = found._repr_html_()
    assert "takes 2 fields" in html
    assert "http" not in html
    assert "<script" not in html


def test_what_a_plan_says_is_escaped_in_html():
    html = Plan.from_yaml("actions: [{type: print, prefix: '<img src=x>'}]")._repr_html_()
    assert "<img" not in html


def test_upstream_pipelines_are_edges_of_the_graph():
    text = "client: {plans: [{name: a, actions: [{type: transport, target: s}]}]}\n"
    text += "s: {plans: [{name: b, actions: [{type: print}]}]}"
    found = Plan.from_yaml(text).explain()
    assert "  p0a0 --> p1a0\n" in found.mermaid
    assert "  a -> print" in found.text


def test_a_plan_has_a_short_repr():
    assert repr(Plan.from_yaml(DAILY)) == "<Plan daily (means: select -> statistics -> sink; all: print)>"


def test_keys_of_multio_without_effect_are_listed():
    found = Plan.from_yaml("run: {}\ntransport: none\nplans: [{actions: [{type: print}]}]").explain()
    assert found.text.splitlines()[-1] == "without effect here: run, transport"
    assert found.ignored == ("run", "transport")


@pytest.mark.parametrize("kind", ["select", "print"])
def test_explained_pipelines_have_no_memory_without_states(kind):
    options = ", match: [{param: [167]}]" if kind == "select" else ""
    (pipeline,) = Plan.from_yaml(f"actions: [{{type: {kind}{options}}}]").explain(STREAM).pipelines
    assert pipeline.memory_bytes == 0
