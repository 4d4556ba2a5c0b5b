from importlib.metadata import EntryPoint

import pytest

from dtedask.core import registry
from dtedask.core.errors import GridError
from dtedask.core.registry import Registry


@pytest.fixture
def things(monkeypatch):
    broken = EntryPoint("broken", "no_such_module:Thing", "dtedask.things")
    monkeypatch.setattr(registry, "installed", lambda _group: (broken,))
    return Registry("thing", "dtedask.things", {"square": "math:sqrt", "cube": "math:cbrt"}, GridError)


def test_what_there_is_has_its_place_and_is_loaded_when_it_is_asked_for(things):
    assert things.places() == {"square": "math:sqrt", "cube": "math:cbrt", "broken": "no_such_module:Thing"}
    assert things.load("square")(16.0) == 4.0


def test_a_name_that_there_is_not_gets_the_nearest_one(things):
    with pytest.raises(GridError, match=r"no thing of the type 'sqare'.*square"):
        things.load("sqare")


def test_what_an_installed_package_does_not_have_is_told_with_its_place(things):
    with pytest.raises(GridError, match=r"'broken' of an installed package cannot be loaded"):
        things.load("broken")
