"""Plan files of MultIO are read as they are: sections, files of plans, and what pymultio writes."""

import pickle
from importlib import import_module

import numpy as np
import pytest
import yaml

from dtedask.core.errors import DocumentError, PlanError
from dtedask.pipeline import Message, Plan
from dtedask.pipeline.message import Kind

CLIENT_AND_SERVER = """
client:
  plans:
    - name: maps
      actions:
        - {type: select, match: [{category: [map]}]}
        - {type: transport, target: server}
    - name: fields
      actions:
        - {type: select, match: [{category: [field]}]}
        - {type: transport, target: server}
server:
  transport: mpi
  group: multio
  count: 2
  plans:
    - name: both
      actions: [{type: sink, sinks: [{type: memory}]}]
    - name: fields
      actions: [{type: select, match: [{category: [field]}]}, {type: sink, sinks: [{type: memory}]}]
"""


def field(category):
    return Message(Kind.FIELD, {"category": category}, np.zeros(3))


def read(text, **options):
    return Plan.from_yaml(text, **options)


def test_transport_hands_what_the_client_selects_to_every_plan_of_the_server():
    plan = read(CLIENT_AND_SERVER)
    assert [(one.name, one.upstream) for one in plan.pipelines] == [
        ("maps", ()),
        ("fields", ()),
        ("both", ("maps", "fields")),
        ("server/fields", ("maps", "fields")),
    ]
    summary = plan.run([field("map"), field("field"), field("other"), Message.flush("step", step="1")])
    written = [(notice.keys["pipeline"], len(notice.values)) for notice in summary.notices]
    assert written == [("both", 2), ("server/fields", 1)]


def test_a_plan_of_sections_travels_and_gives_the_same_elsewhere():
    plan = pickle.loads(pickle.dumps(read(CLIENT_AND_SERVER)))
    assert plan.digest == read(CLIENT_AND_SERVER).digest
    summary = plan.run([field("map"), field("field"), Message.flush("step", step="1")])
    assert [len(notice.values) for notice in summary.notices] == [2, 1]


def test_a_flush_comes_once_to_the_server_after_all_fields_of_the_clients():
    plan = read(CLIENT_AND_SERVER)
    notices = plan.run([field("map"), Message.flush("step", step="1"), field("map")]).notices
    assert [notice.keys.get("step") for notice in notices] == ["1", None]


def test_the_section_of_the_server_can_run_alone():
    plan = read(CLIENT_AND_SERVER, section="server")
    assert [(one.name, one.upstream) for one in plan.pipelines] == [("both", ()), ("fields", ())]


def test_a_section_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(DocumentError, match=r"no section 'sever'\. Did you mean 'server'\?"):
        read(CLIENT_AND_SERVER, section="sever")


def test_a_transport_to_a_section_that_is_not_there_has_its_line():
    text = CLIENT_AND_SERVER.replace("target: server}\nserver", "target: sever}\nserver")
    with pytest.raises(
        DocumentError,
        match=r":11: client\.plans\[1\]\.actions\[1\]\.target: there is no section 'sever'\. Did you mean",
    ):
        read(text)


def test_a_client_alone_is_read_and_says_when_it_runs_that_its_server_is_missing():
    plan = read("plans: [{name: a, actions: [{type: transport, target: server}]}]")
    with pytest.raises(PlanError, match=r"hands its fields to 'server', and there is no section .* into the same file"):
        plan.run([])


def test_of_several_sections_without_a_client_one_must_be_named():
    text = "one: {plans: [{actions: [{type: print}]}]}\ntwo: {transport: thread, plans: [{actions: [{type: print}]}]}"
    with pytest.raises(DocumentError, match=r"has the sections one, two, and none .*'client'\. Name the one to run"):
        read(text)
    assert [one.section for one in read(text, section="two").pipelines] == ["two"]


def test_nothing_may_stand_after_a_transport():
    with pytest.raises(DocumentError, match=r":1: plans\[0\]: nothing after 'transport' is ever reached"):
        read("plans: [{name: a, actions: [{type: transport, target: server}, {type: print}]}]")


def test_two_plans_of_one_name_are_refused_with_both_lines():
    text = "plans:\n- name: a\n  actions: [{type: print}]\n- name: a\n  actions: [{type: print}]\n"
    with pytest.raises(DocumentError, match=r"<plan>:4: two plans have the name 'a', the first in <plan>:2\."):
        read(text)


def test_a_plan_in_a_file_of_its_own_is_brought_in_and_its_mistakes_have_its_lines(tmp_path):
    (tmp_path / "inner.yaml").write_text("name: inner\nactions:\n- type: print\n  prefix: deep\n")
    (tmp_path / "outer.yaml").write_text("client:\n  plans:\n  - file: '{~}/inner.yaml'\n")
    (pipeline,) = read(tmp_path / "outer.yaml").pipelines
    assert (pipeline.name, pipeline.actions[0].options.prefix) == ("inner", "deep")
    (tmp_path / "inner.yaml").write_text("name: inner\nactions:\n- type: print\n  prefax: deep\n")
    with pytest.raises(DocumentError, match=r"inner\.yaml:4: unknown key 'prefax' in client\.plans\[0\]\.actions\[0\]"):
        read(tmp_path / "outer.yaml")
    (tmp_path / "outer.yaml").write_text("client:\n  plans:\n  - file: iner.yaml\n")
    with pytest.raises(
        DocumentError, match=r"outer\.yaml:3: There is no plan file .*iner\.yaml'\. Did you mean 'inner"
    ):
        read(tmp_path / "outer.yaml")


def test_a_chain_of_next_is_read_as_a_list_and_its_mistakes_have_their_lines():
    text = "plans:\n- actions:\n  - type: print\n    next:\n      type: select\n      match: []\n      next:\n"
    text += "        type: 'null'\n"
    actions = read(text).pipelines[0].actions
    assert [action.options.type for action in actions] == ["print", "select", "null"]
    with pytest.raises(
        DocumentError, match=r"<plan>:8: plans\[0\]\.actions\[2\]: There is no action of the type 'nul'"
    ):
        read(text.replace("'null'", "nul"))


def test_a_key_beside_the_sections_that_is_no_section_is_unknown():
    with pytest.raises(DocumentError, match=r"<plan>:1: unknown key 'mpi-comunicators'\. Did you mean 'mpi-communic"):
        read("mpi-comunicators: {}\nplans: [{actions: [{type: print}]}]")
    with pytest.raises(DocumentError, match=r"<plan>:4: unknown key 'grup' in server\. Did you mean 'group'\?"):
        read("server:\n  plans:\n  - {actions: [{type: print}]}\n  grup: a\n")
    with pytest.raises(
        DocumentError, match=r"<plan>:3: unknown key 'actons' in server\.plans\[0\]\. Did you mean 'act"
    ):
        read("server:\n  plans:\n  - {actons: [{type: print}]}\n")


def test_a_plan_that_is_off_does_not_run():
    plan = read("plans: [{name: a, enabled: off, actions: [{type: print}]}, {name: b, actions: [{type: print}]}]")
    assert [one.name for one in plan.pipelines] == ["b"]


def test_what_pymultio_writes_is_read():
    plans = import_module("multio.plans")
    client = plans.Client(plans=[plans.Plan(name="out", actions=[plans.Transport(target="server")])])
    server = plans.Server(plans=[plans.Plan(name="in", actions=[plans.Null()])], transport="mpi")
    document = {"client": client.dump(), "server": server.dump()}
    assert [one.name for one in read(yaml.safe_dump(document)).pipelines] == ["out", "in"]
    assert [one.name for one in read(client.dump_yaml()).pipelines] == ["out"]
