"""The storages of this machine pass the suite of storages; S3 does in tests/services."""

import itertools

import pytest

from dtedask.store.schema import Schema, Values
from dtedask.testing import StoreSuite

_NAMES = itertools.count()


class TestLocalDisk(StoreSuite):
    @pytest.fixture
    def root(self, tmp_path):
        return str(tmp_path / "root")


class TestTiles(TestLocalDisk):
    schema = Schema(values=Values(tiles=64))


class TestIntegers(TestLocalDisk):
    schema = Schema(values=Values(codec="grib-int"))


class TestSmallObjects(TestLocalDisk):
    schema = Schema(values=Values(codec="none", objects="pack"))


class TestMemory(StoreSuite):
    can_pickle = False

    @pytest.fixture
    def root(self):
        return f"memory://suite-{next(_NAMES)}"


class TestMessages(TestLocalDisk):
    """Fields are kept as GRIB messages, in packs."""

    schema = Schema(layout="messages")


class TestMessagesInMemory(TestMemory):
    """Messages of a root in memory are objects of their own."""

    schema = Schema(layout="messages")
