"""Fields that are seen under other keys too: copied and compared as they are seen, and never moved."""

import pytest

import dtedask
from dtedask.core.errors import ReadOnlyError
from dtedask.store.schema import Schema


@pytest.fixture(params=["map", "messages"])
def overlaid(request, make_field, tmp_path):
    store = dtedask.open(tmp_path / "root", schema=Schema.model_validate({"layout": request.param}))
    for step in ("0", "6"):
        store.archive(*make_field(int(step), number="1", levelist="500", step=step))
    store.flush()
    store.overlay("class=rd,stream=enfo,expver=test", {"expver": "0002"}, doit=True)
    return store


def test_they_are_copied_and_compared_under_the_keys_that_they_are_seen_by(overlaid, tmp_path):
    overlaid.copy("expver=0002", tmp_path / "copy")
    copied = dtedask.open(tmp_path / "copy")
    assert copied.cubes() == ["rd/enfo/0002"]
    assert overlaid.compare("expver=0002", copied).is_equal
    assert [data for _, data in copied.read()] == [data for _, data in overlaid.read("expver=0002")]


def test_they_are_not_moved_and_nothing_is_copied_then(overlaid, tmp_path):
    with pytest.raises(ReadOnlyError, match="lie in rd/enfo/test and are seen as rd/enfo/0002"):
        overlaid.move("class=rd,expver=0002", tmp_path / "other", doit=True)
    assert not (tmp_path / "other").exists()
    assert overlaid.move("class=rd,expver=test", tmp_path / "other", doit=True).fields == 2
    assert list(overlaid.list()) == []
