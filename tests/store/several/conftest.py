"""Documents of several roots."""

import itertools

import pytest

import dtedask
from dtedask.testing.fields import make_field

_NAMES = itertools.count()


@pytest.fixture
def open_roots(tmp_path):
    """Write a document and open it."""

    def open_roots(text, **options):
        path = tmp_path / f"roots-{next(_NAMES)}.yaml"
        path.write_text(text)
        return dtedask.open(path, **options)

    return open_roots


@pytest.fixture
def put():
    """Archive one field and commit it."""

    def put(store, value, **keys):
        store.archive(*make_field(value, **keys))
        return store.flush()

    return put


@pytest.fixture
def roots_of(tmp_path):
    """Names of the roots that hold each listed field, by the values of a key."""

    def roots_of(store, key, request=None):
        return {one.keys[key]: one.location.removeprefix(f"{tmp_path}/").split("/")[0] for one in store.list(request)}

    return roots_of
