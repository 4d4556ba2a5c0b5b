"""The roots document is checked as all documents are: file, line, key and the nearest legal one."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DocumentError, NoRuleError, RequestError
from dtedask.request import Request
from dtedask.store.several.choose import Choice, space_of
from dtedask.store.several.document import RootsDocument, load_roots


def test_forms_of_people_are_one_document(tmp_path):
    path = tmp_path / "roots.yaml"
    path.write_text(
        "spaces:\n- {select: 'class=od,stream=^enfo$', roots: a}\n- roots: [b, {path: c, writable: false}]\n"
    )
    first, second = load_roots(path).spaces
    assert first.select == {"class": "od", "stream": "^enfo$"}
    assert [(root.path, root.writable) for root in (*first.roots, *second.roots)] == [
        (f"{tmp_path}/a", True),
        (f"{tmp_path}/b", True),
        (f"{tmp_path}/c", False),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spaces:\n- {roots: a, polizy: first}", r"roots\.yaml:2: unknown key 'polizy'.*'policy'"),
        ("spaces:\n- {roots: a, policy: roundrobin}", r"roots\.yaml:2: .*'roundrobin' is not possible.*round-robin"),
        ("spaces:\n- {roots: a, select: {clas: od}}", r"clas.*Did you mean 'class'"),
        ("spaces:\n- {roots: a, select: {class: '(od'}}", r"roots\.yaml:2: .*expression '\(od' of 'class' is wrong"),
        ("spaces:\n- {roots: a, select: 'class=od,class=rd'}", r"the key 'class' is there twice"),
        ("spaces:\n- {roots: a, select: 'class'}", r"'class' is no 'key=expression'"),
        ("spaces:\n- {roots: [a, ./a]}", r"roots\.yaml:2: .*a' is there twice"),
        ("spaces:\n- {roots: []}", r"roots\.yaml:2: .*roots"),
        ("spaces: []", r"roots\.yaml:1: .*spaces"),
        ("version: 2\nspaces:\n- {roots: a}", r"roots\.yaml:1: .*version"),
        ("spaces:\n- {roots: a}\n- {roots: {path: a, writable: false}}", r"writable in one space and not in another"),
        ("spaces:\n- {roots: 's3://me:pass@bucket/x'}", r"credentials do not belong into a document"),
        ("spaces:\n- {roots: $DTEDASK_NO_SUCH_VARIABLE/a}", r"names a variable that is not set"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, text, message):
    path = tmp_path / "roots.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError, match=re.compile(message, re.DOTALL)):
        dtedask.open(path)


def test_a_document_that_is_not_there_is_no_root(tmp_path):
    (tmp_path / "roots.yaml").write_text("spaces:\n- {roots: a}\n")
    with pytest.raises(DocumentError, match=r"no roots file.*Did you mean 'roots.yaml'"):
        dtedask.open(tmp_path / "root.yaml")
    with pytest.raises(RequestError, match="on_unavailable is for a roots document"):
        dtedask.open(tmp_path, on_unavailable="warn")


def test_paths_take_variables_and_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISK", "/mnt/one")
    found = load_roots({"spaces": [{"roots": ["$DISK/a", "~/b", "s3://bucket/c/", "memory://d"]}]})
    home = tmp_path.home()
    assert [one.path for one in found.roots] == ["/mnt/one/a", f"{home}/b", "s3://bucket/c", "memory://d"]


def test_the_json_schema_takes_what_the_document_takes():
    schema = RootsDocument.json_schema()
    space = schema["$defs"]["Space"]["properties"]
    assert {"type": "string"} in space["roots"]["anyOf"]
    assert {"type": "string"} in space["select"]["anyOf"]
    assert "on-unavailable" in schema["properties"]
    json.dumps(schema)


def test_expressions_match_whole_values_in_canonical_form():
    choice = Choice({"expver": "1", "param": "130|2t"})
    assert not choice.takes({"expver": "0001", "param": "130"})
    assert Choice({"expver": "0*1", "param": "130|2t"}).takes({"expver": "0001", "param": "167"})
    assert not Choice({"number": ".*"}).takes({"class": "od"})


def test_a_field_without_a_space_is_refused_by_name():
    document = load_roots({"spaces": [{"select": {"class": "od"}, "roots": "a"}]})
    with pytest.raises(NoRuleError, match=r"No space of 'x' takes the field class=rd.*They take class=od"):
        space_of(document, {"class": "rd"}, "x")


CLASSES = st.sampled_from(["od", "rd", "ea"])
STREAMS = st.sampled_from(["enfo", "oper", "waef"])
SELECTS = st.fixed_dictionaries({}, optional={"class": CLASSES, "stream": STREAMS, "expver": STREAMS})


@given(SELECTS, st.lists(CLASSES, min_size=1, unique=True), STREAMS)
def test_a_space_that_may_not_hold_a_request_takes_no_field_of_it(select, values, other):
    choice = Choice(select)
    request = Request({"class": values, "stream": other})
    if not choice.may_take(request):
        assert not any(choice.takes({"class": value, "stream": other, "expver": other}) for value in values)
