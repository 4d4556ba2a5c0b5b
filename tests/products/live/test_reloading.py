"""Files of requirements are read again when they have changed."""

from __future__ import annotations

import os

import pytest

from dtedask.core.errors import DocumentError
from dtedask.products.live import Reloading


@pytest.fixture
def file(tmp_path):
    found = tmp_path / "orders" / "a.yaml"
    found.parent.mkdir()
    found.write_text("requirements: []")
    return found


def test_nothing_is_read_as_long_as_files_are_as_they_were(file):
    assert Reloading([file.parent], pytest.fail)() is None


def test_a_file_that_changes_comes_or_goes_is_noticed_once(file):
    reloading = Reloading([file.parent], lambda: ("new",))
    file.write_text("requirements: [] # more")
    assert [reloading(), reloading()] == [("new",), None]
    other = file.with_name("b.yaml")
    other.write_text("requirements: []")
    assert [reloading(), reloading()] == [("new",), None]
    other.unlink()
    assert [reloading(), reloading()] == [("new",), None]
    os.utime(file, ns=(1, 1))
    assert reloading() == ("new",)


def test_what_cannot_be_read_leaves_all_as_it_was_until_it_changes_again(file, caplog):
    answers = [("good",), DocumentError("Line 3 is no YAML.")]

    def load():
        answer = answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer

    reloading = Reloading([file], load)
    file.write_text("{")
    assert reloading() is None
    assert "stay as they were: Line 3" in caplog.text
    file.write_text("requirements: [] # good")
    assert reloading() == ("good",)
    file.unlink()
    assert answers == []
