import io
import os
from pathlib import Path

import pytest

from dtedask.core.errors import NotFoundError
from dtedask.grib.files import SourceFile
from dtedask.ingest.sources import open_sources


def found(sources, folder, **options):
    with open_sources(sources, **options) as files:
        return [os.path.relpath(file.path, folder) for file in files]


@pytest.fixture
def tree(folder, grib_bytes):
    data = grib_bytes(steps=(0,), params=(130,), levels=(500,))
    for name in ("a.grib", "b.grib2", "deep/er/c", ".hidden.grib", "d.grib.part", "e.tmp", ".secret/f.grib"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "notes.txt").write_text("GRI")
    (folder / "a.grib.idx").write_bytes(b"index")
    return folder


def test_a_folder_gives_its_grib_by_content_and_leaves_hidden_and_unfinished_files_alone(tree):
    assert found(tree, tree) == ["a.grib", "b.grib2", "deep/er/c"]


def test_a_file_that_calls_itself_grib_counts_whatever_is_in_it(folder):
    (folder / "empty.grib2").touch()
    assert found(folder, folder) == ["empty.grib2"]


def test_a_pattern_that_nobody_expanded_is_expanded(tree):
    assert found(f"{tree}/*.grib*", tree) == ["a.grib", "a.grib.idx", "b.grib2"]
    assert found(f"{tree}/**/c", tree) == ["deep/er/c"]


def test_a_file_that_is_named_is_taken_whatever_its_name(tree):
    assert found(tree / "d.grib.part", tree) == ["d.grib.part"]


def test_a_file_that_is_named_twice_is_taken_once(tree):
    assert found([tree / "b.grib2", tree, tree / "deep" / ".." / "a.grib"], tree) == ["b.grib2", "a.grib", "deep/er/c"]


def test_a_file_whose_name_has_magic_characters_is_found(folder, grib_bytes):
    (folder / "a[1].grib").write_bytes(grib_bytes())
    assert found(folder / "a[1].grib", folder) == ["a[1].grib"]


def test_standard_input_is_read_to_its_end_and_removed_afterwards(grib_bytes):
    data = grib_bytes()
    with open_sources("-", stream=io.BytesIO(data)) as (file,):
        assert (file.name, file.size) == ("standard input", len(data))
        assert Path(file.path).read_bytes() == data
    assert not Path(file.path).exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.gribb", "Did you mean 'a.grib'"),
        ("*.nc", "No file matches"),
        ("none", "There is no GRIB below"),
    ],
)
def test_what_names_nothing_is_refused(tree, name, words):
    (tree / "none").mkdir()
    with pytest.raises(NotFoundError, match=words), open_sources(tree / name):
        pass


def test_a_tag_changes_with_size_and_time_to_the_nanosecond():
    tags = {SourceFile("/a", size, mtime, "/a").tag for size in (1, 2) for mtime in (10**18, 10**18 + 1)}
    assert len(tags) == 4
    assert "/a [1 bytes, 2001-09-09T01:46:40.000000001Z]" in tags
