"""A cube that is made by several at once, or whose maker died."""

import shutil

import pytest

import dtedask
from dtedask.core.errors import StoreError
from dtedask.store.creation import create_repository
from dtedask.store.location import Location
from tests.store.faults.workers import LEVELS, archive_step

CUBE = "rd/oper/test"


@pytest.mark.slow
def test_a_cube_whose_maker_died_before_the_branch_was_there_is_made_anew(tmp_path, caplog):
    create_repository(Location.parse(tmp_path), CUBE, [])
    shutil.rmtree(tmp_path / CUBE / "refs")
    store = dtedask.open(tmp_path)
    archive_step(store, 0)
    assert "left half made" in caplog.text
    assert len(list(store.list())) == len(LEVELS)


@pytest.mark.slow
def test_a_folder_that_holds_something_else_is_not_taken_for_a_cube_and_nothing_in_it_is_touched(tmp_path):
    (tmp_path / CUBE).mkdir(parents=True)
    (tmp_path / CUBE / "notes.txt").write_text("mine")
    store = dtedask.open(tmp_path)
    with pytest.raises(StoreError, match="could not be written: repositories can only be created in clean prefixes"):
        archive_step(store, 0)
    store.discard()
    assert [path.name for path in (tmp_path / CUBE).iterdir()] == ["notes.txt"]
