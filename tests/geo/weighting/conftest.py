import pytest

from dtedask.geo import Grid, weights
from dtedask.geo.interpolation import method as methods
from dtedask.geo.weighting.memory import MEMORY
from tests.geo.weighting.spread import Spread


@pytest.fixture(autouse=True)
def _spread(monkeypatch):
    monkeypatch.setitem(methods._OWN, "spread", "tests.geo.weighting.spread:Spread")
    Spread.made.clear()
    MEMORY.clear()
    yield
    MEMORY.clear()


@pytest.fixture
def cache(tmp_path):
    """Folder of a cache that is the test's own."""
    return tmp_path / "weights"


@pytest.fixture
def small():
    return Grid("H8")


@pytest.fixture
def large():
    return Grid("H64")


@pytest.fixture
def whole(small, large):
    """The weights, made without a cache."""
    found = weights(small, large, "spread", cache=False)
    Spread.made.clear()
    return found


@pytest.fixture
def chunks(monkeypatch):
    """Chunks of a few hundred weights."""
    monkeypatch.setattr("dtedask.geo.weighting.entry._CHUNK", 5000)
