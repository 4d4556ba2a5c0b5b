"""Names of streams and subjects, and what is said where NATS cannot be used: all that needs no server."""

import importlib
import sys

import dask.config
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import MissingExtraError, NoticeError
from dtedask.notify.jetstream import JetStreamOptions
from dtedask.notify.jetstream.names import Names


@given(st.text(min_size=1))
def test_names_are_one_word_of_a_subject_and_turn_back(name):
    names = Names("dtedask")
    subject = names.subject(name)
    assert subject.isascii()
    assert not set(subject.removeprefix("dtedask.event.")) & set(" .*>/\\")
    assert names.event_type(subject) == names.event_type(names.written(name)) == name


@given(st.text(), st.text())
def test_two_types_have_two_streams(one, other):
    assert (Names("x").stream(one) == Names("x").stream(other)) == (one == other)


def test_options_are_those_of_the_settings():
    given = {"name": "other", "replicas": 3, "timeout": "2 s", "token-env": "OUR_TOKEN"}
    with dask.config.set({f"dtedask.notify.nats.{key}": value for key, value in given.items()}):
        found = JetStreamOptions.of_settings()
    assert found == JetStreamOptions(name="other", replicas=3, timeout_s=2.0, token_env="OUR_TOKEN")


@pytest.mark.parametrize("name", ["", "a.b", "a b", "ä", "a*", "a>"])
def test_a_name_that_nats_does_not_take_is_refused(name):
    with pytest.raises(NoticeError, match=r"other characters than letters.*dtedask\.notify\.nats\.name"):
        JetStreamOptions(name=name)


def test_secrets_are_read_from_the_variables_that_are_named(monkeypatch):
    monkeypatch.setenv("OUR_USER", "eva")
    monkeypatch.setenv("OUR_PASSWORD", "wheel")
    options = JetStreamOptions(user_env="OUR_USER", password_env="OUR_PASSWORD")
    assert options.secrets() == {"user": "eva", "password": "wheel"}
    assert "wheel" not in repr(options)


def test_without_nats_py_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "nats", None)
    monkeypatch.delitem(sys.modules, "dtedask.notify.jetstream.library", raising=False)
    with pytest.raises(MissingExtraError, match=r'needs nats-py.*pip install "dtedask\[nats\]"'):
        importlib.import_module("dtedask.notify.jetstream.library")
