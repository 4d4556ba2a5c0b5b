"""YAML read for requirements has the values that documents have, and their lines."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.documents import read_yaml
from dtedask.core.errors import DocumentError
from dtedask.products.requirements.yaml_nodes import NodePlace, nodes_of, value_of
from dtedask.products.requirements.yaml_text import read_yaml_text

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10000, 10000),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(["0600", "06:00", "no", "2024-06-03", "1e3", "<<", "0x1f", "~", "true", "+7h"]),
)
KEYS = st.text("abcdef_-", min_size=1, max_size=5)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=15
)


@pytest.mark.slow
@given(DOCUMENTS, st.booleans())
def test_values_are_those_of_documents(document, flow):
    text = yaml.safe_dump(document, default_flow_style=flow)
    (node,) = nodes_of(text)
    assert value_of(node, "x") == read_yaml(text, "x")[0]


@pytest.mark.parametrize(
    "text", ["0600", "'0600'", "1", "1.5", "+1", ".5", "-.inf", "yes", "True", "null", "", "~", "1_000"]
)
def test_a_plain_text_is_what_documents_make_of_it(text):
    (node,) = nodes_of(f"a: {text}\n")
    assert value_of(node, "x") == read_yaml(f"a: {text}\n", "x")[0]


@pytest.mark.slow
@given(DOCUMENTS)
def test_lines_are_those_of_documents(document):
    text = yaml.safe_dump({"a": document, "b": [document]})
    (node,) = nodes_of(text)
    _, lines = read_yaml(text, "x")
    for path in lines.numbers:
        assert NodePlace("x", node).at(path) == lines.at(path)


def test_a_document_that_contains_itself_is_an_error():
    (node,) = nodes_of("a: &x [*x]\n")
    with pytest.raises(DocumentError, match="x:1: this goes too deep"):
        value_of(node, "x")


@pytest.mark.parametrize("text", ["!!python/name:os.system x", "!secret y", "!!int 3.5"])
def test_other_kinds_of_values_are_refused(text):
    (node,) = nodes_of(f"a: {text}\n")
    with pytest.raises(DocumentError, match="none of a document"):
        value_of(node, "x")


GOOD = "- {name: n%d, param: 2t}\n"
BAD = [
    "- {name: b",
    "- 'x",
    "- name: b\n  a: b: c\n",
    "- name: b\n\tparam: 2t\n",
    "- [",
    "- name: *x\n",
    "- @x\n",
]


@given(st.lists(st.sampled_from([*BAD, ""]), min_size=1, max_size=6))
def test_every_requirement_that_is_yaml_is_read_whatever_stands_around_it(parts):
    text, wanted = "requirements:\n", []
    for number, bad in enumerate(parts):
        text += GOOD % number + (bad.rstrip("\n") + "\n" if bad else "")
        wanted.append((f"n{number}", f"x:{text.count(chr(10)) - (bad.count(chr(10)) or 1 if bad else 0)}"))
    (source,) = read_yaml_text(text, "x")
    found = [item for item in source.items if item.mistake is None]
    assert [item.data["name"] for item in found] == [name for name, _ in wanted]
    assert [item.place.at() for item in found] == [place for _, place in wanted]
    assert len(source.items) == len(parts) + sum(bool(bad) for bad in parts)
