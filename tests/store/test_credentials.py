"""Credentials of profiles, as the files of AWS' tools have them."""

import pytest

from dtedask.store.credentials import profile_provider, region

FILE = """
[default]
aws_access_key_id = one
aws_secret_access_key = first
[weather]
aws_access_key_id = two
aws_secret_access_key = second
aws_session_token = short
[incomplete]
aws_access_key_id = three
"""


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "credentials").write_text(FILE)
    (tmp_path / "config").write_text("[default]\nregion = eu-west-2\n[profile weather]\nregion = eu-south-1\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


@pytest.mark.parametrize(
    ("profile", "expected"),
    [(None, ("one", "first", None, "eu-west-2")), ("weather", ("two", "second", "short", "eu-south-1"))],
)
def test_the_profile_of_the_user_gives_keys_and_region(monkeypatch, profile, expected):
    if profile:
        monkeypatch.setenv("AWS_PROFILE", profile)
    found = profile_provider()()
    assert (found["access_key_id"], found["secret_access_key"], found["token"], region()) == expected


def test_the_environment_comes_first(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_REGION", "us-west-1")
    assert profile_provider() is None
    assert region() == "us-west-1"


@pytest.mark.parametrize("profile", ["incomplete", "unknown"])
def test_a_profile_without_keys_leaves_it_to_containers_and_instances(monkeypatch, profile):
    monkeypatch.setenv("AWS_PROFILE", profile)
    assert profile_provider() is None
    assert region() is None


def test_a_file_that_cannot_be_read_gives_nothing_and_shows_nothing(tmp_path):
    (tmp_path / "credentials").write_text("aws_secret_access_key = outside of a section\n")
    assert profile_provider() is None
