"""A real S3 keeps what we put and refuses a second writer of the same name."""

import os
from uuid import uuid4

import pytest
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store


@pytest.fixture
def store(s3):
    """The bucket of the tests, opened by what stands in the environment."""
    return S3Store(
        s3["S3_BUCKET"],
        prefix=f"smoke/{uuid4().hex}",
        endpoint=os.environ["AWS_ENDPOINT_URL"],
        client_options={"allow_http": True},
    )


def test_what_was_put_is_what_comes_back(store):
    store.put("a", b"some bytes")
    assert bytes(store.get("a").bytes()) == b"some bytes"


def test_only_one_of_two_creators_wins(store):
    store.put("a", b"first", mode="create")
    with pytest.raises(AlreadyExistsError, match="a"):
        store.put("a", b"second", mode="create")
    assert bytes(store.get("a").bytes()) == b"first"


def test_a_put_on_a_version_that_is_gone_is_refused(store):
    first = store.put("a", b"first")
    store.put("a", b"second", mode={"e_tag": first["e_tag"]})
    with pytest.raises(PreconditionError, match="a"):
        store.put("a", b"third", mode={"e_tag": first["e_tag"]})
    assert bytes(store.get("a").bytes()) == b"second"
