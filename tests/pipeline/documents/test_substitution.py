"""`{VAR}` and `{~}` in plans."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.documents import Lines
from dtedask.core.errors import DocumentError
from dtedask.pipeline.documents.document import read_plan
from dtedask.pipeline.documents.substitution import Substitution

names = st.from_regex(r"[A-Z_][A-Z0-9_]{0,5}", fullmatch=True)
plain = st.text("ab/.: -", max_size=5)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(plain, names)), plain, st.dictionaries(names, st.text("xyz{}", min_size=1, max_size=4)))
def test_every_variable_is_replaced_once_or_named_where_it_is_not_set(parts, end, environment):
    text = "".join(f"{before}{{{name}}}" for before, name in parts) + end
    substitution = Substitution(environment, "folder")
    missing = [name for _, name in parts if name not in environment]
    if missing:
        with pytest.raises(DocumentError, match=rf"<plan>: a\[0\]: the environment variable '{missing[0]}' is not set"):
            substitution.apply({"a": [text]}, Lines("<plan>"))
    else:
        expected = "".join(f"{before}{environment[name]}" for before, name in parts) + end
        assert substitution.apply({"a": [text]}, Lines("<plan>")) == {"a": [expected]}


def prefix(text, **environment):
    document = read_plan(f"actions:\n- type: print\n  prefix: '{text}'\n", environment=environment)
    return document.actions[0].prefix


def test_the_folder_of_the_plan_and_that_of_multio_stand_for_the_tilde(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text("actions: [{type: print, prefix: '{~}/x'}]")
    assert read_plan(path, environment={}).actions[0].prefix == f"{tmp_path}/x"
    assert prefix("{~}/x", MULTIO_SERVER_CONFIG_PATH="/etc/multio") == "/etc/multio/x"


def test_keys_of_mars_are_left_for_sinks_to_fill_in_whatever_the_environment_has():
    assert prefix("{param}-{step:03}-{shortName}", param="no") == "{param}-{step:03}-{shortName}"


def test_names_in_small_letters_come_from_the_environment_where_it_has_them():
    assert prefix("{user_folder}/{other}", user_folder="/home") == "/home/{other}"


def test_an_empty_variable_is_not_set_and_the_nearest_one_is_named():
    with pytest.raises(DocumentError, match=r"<plan>:3: .*prefix: .*'FOLDER' is not set\. Did you mean 'FOLDERS'\?"):
        prefix("{FOLDER}", FOLDER="", FOLDERS="x")
    with pytest.raises(DocumentError, match=re.escape("Set it: export FOLDER=...")):
        prefix("{FOLDER}")


def test_the_digest_is_that_of_the_text_after_substitution():
    text = "actions: [{type: print, prefix: '{WHERE}'}]"
    here, there = (read_plan(text, environment={"WHERE": value}).digest for value in ("here", "there"))
    assert here != there
    assert here == read_plan("actions: [{type: print, prefix: here}]", environment={}).digest
