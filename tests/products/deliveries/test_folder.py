"""Products in folders: whole, on disk, and nothing else beside them."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dtedask.core.errors import DeliveryError
from dtedask.products.deliveries import aside
from dtedask.products.deliveries.folder import FolderDelivery, FolderOptions
from dtedask.products.deliveries.manifest import Known
from dtedask.products.delivery import AnyDelivery
from tests.products.made import content, product


@pytest.fixture
def there(tmp_path):
    return tmp_path / "there"


@pytest.fixture
def delivery(there):
    return FolderDelivery(FolderOptions(path=str(there)))


def made(folder, data, *, file="a.raw"):
    path = folder / f"made-{data.hex()[:16]}"
    path.write_bytes(data)
    return content(product(file=file), path)


def tree(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return content(product(file="a.zarr"), folder)


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ["", "../a", "/a", "a/../../b", "a/", "a\0b"])
def test_names_that_lead_elsewhere_are_refused(delivery, tmp_path, there, name):
    one = made(tmp_path, b"x")
    with pytest.raises(DeliveryError, match="no name below a place") as raised:
        delivery.deliver(replace(one, product=replace(one.product, file_name=name)))
    assert raised.value.is_lasting
    assert not there.exists()


def test_a_path_is_relative_to_the_document(tmp_path, monkeypatch):
    monkeypatch.setenv("WHERE", "there")
    document = {"type": "folder", "path": "../$WHERE/x"}
    options = TypeAdapter(AnyDelivery).validate_python(document, context={"path": tmp_path / "a" / "b.yaml"})
    assert options.target == str(tmp_path / "there" / "x")
    assert FolderOptions(path="~/x").target == str(Path.home() / "x")
    with pytest.raises(ValidationError, match="no name"):
        FolderOptions(path=" ")


@pytest.mark.parametrize("is_spare", [False, True])
def test_what_lies_there_is_nobody_elses(delivery, tmp_path, there, is_spare):
    """A copy, or the only name of the file once that aside is removed: who changes it changes no other product."""
    one = made(tmp_path, b"some bytes")
    delivery.deliver(replace(one, is_spare=is_spare))
    assert one.path.samefile(there / "a.raw") == is_spare
    one.path.unlink()
    assert (there / "a.raw").read_bytes() == b"some bytes"


def test_readers_see_the_old_or_the_new_and_never_nothing(delivery, tmp_path, there):
    """A file and a folder take each other's place, while somebody reads."""
    kinds = [made(tmp_path, b"file", file="a.zarr"), tree(tmp_path / "t1", zarr="1", c_0="1")]
    kinds += [tree(tmp_path / "t2", zarr="2", c_0="2"), made(tmp_path, b"other", file="a.zarr")]
    delivery.deliver(kinds[0])
    stop, seen = threading.Event(), []

    def read():
        while not stop.is_set():
            seen.append((there / "a.zarr").exists())

    reader = threading.Thread(target=read)
    reader.start()
    for one in kinds * 10:
        delivery.deliver(one)
    stop.set()
    reader.join(10)
    assert all(seen)
    assert names(there) == ["a.zarr"]


def test_a_folder_comes_as_it_is(delivery, tmp_path, there):
    one = tree(tmp_path / "t1", zarr="1", c_0="2", c_1_0="3")
    assert delivery.deliver(one).is_new
    assert names(there) == ["a.zarr/c/0", "a.zarr/c/1/0", "a.zarr/zarr"]
    assert not delivery.deliver(one).is_new
    assert delivery.deliver(tree(tmp_path / "t2", zarr="1", c_0="2")).is_new
    assert names(there) == ["a.zarr/c/0", "a.zarr/zarr"]


@pytest.mark.parametrize(("number", "lasts"), [(errno.ENOSPC, False), (errno.EIO, False), (errno.EROFS, True)])
def test_a_disk_that_fails_leaves_what_was_there(delivery, tmp_path, there, monkeypatch, number, lasts):
    delivery.deliver(made(tmp_path, b"old"))

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(aside.os, "fsync", fail)
    with pytest.raises(DeliveryError, match=os.strerror(number)) as raised:
        delivery.deliver(made(tmp_path, b"new"))
    assert raised.value.is_lasting == lasts
    monkeypatch.undo()
    assert names(there) == ["a.raw"]
    assert (there / "a.raw").read_bytes() == b"old"


def test_a_file_where_a_folder_should_be_is_told(tmp_path):
    (tmp_path / "there").write_text("I am a file")
    with pytest.raises(DeliveryError, match=r"cannot be delivered to .*(Not a directory|File exists)") as raised:
        FolderDelivery(FolderOptions(path=str(tmp_path / "there" / "x"))).deliver(made(tmp_path, b"x"))
    assert raised.value.is_lasting


def test_what_killed_processes_left_is_swept_and_what_others_write_is_not(there):
    mine = aside.Aside(there)
    with mine.name() as path:
        path.write_text("half")
        left = there / aside.ASIDE / "left"
        left.mkdir()
        (left / "content").write_text("half")
        assert aside.sweep(there) == 1
        assert path.read_text() == "half"
    assert names(there) == []
    mine.close()
    assert not (there / aside.ASIDE).exists()


def test_who_writes_aside_does_so_in_one_folder_until_it_closes(there):
    mine = aside.Aside(there)
    with mine.name(".a") as one, mine.name(".b") as other:
        assert one.parent == other.parent != there
        one.mkdir()
        other.write_text("b")
        other.rename(there / "b")
    assert [*(there / aside.ASIDE).rglob("*")] == [one.parent]
    mine.close()
    assert [*there.rglob("*")] == [there / "b"]


def test_what_is_aside_may_be_removed_by_anybody(there):
    mine = aside.Aside(there)
    with mine.name() as path:
        path.write_text("a")
        shutil.rmtree(there)
    with mine.name() as path:
        path.write_text("b")
    mine.close()
    assert [*there.iterdir()] == []


def test_a_fork_writes_aside_in_a_folder_of_its_own(there):
    mine = aside.Aside(there)
    with mine.name() as path:
        path.write_text("of the parent")
        child = os.fork()
        if child == 0:
            with mine.name() as own:
                is_alone = own.parent != path.parent
            os._exit(is_alone)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
        assert aside.sweep(there) == 1
        assert path.read_text() == "of the parent"
    mine.close()


@pytest.mark.parametrize("is_spare", [False, True])
def test_what_is_new_has_its_name_only_once_it_is_on_disk(delivery, tmp_path, there, monkeypatch, is_spare):
    """As `os` is called: the file synced, then named, then its folder synced."""
    calls = []

    def watch(name):
        original = getattr(os, name)

        def call(*arguments, **options):
            path = f"/proc/self/fd/{arguments[0]}" if name == "fsync" else arguments[-1]
            calls.append((name, Path(os.path.realpath(path)).name))
            return original(*arguments, **options)

        monkeypatch.setattr(os, name, call)

    there.mkdir()
    one = made(tmp_path, b"x")
    for name in ("fsync", "link", "replace"):
        watch(name)
    delivery.deliver(replace(one, is_spare=is_spare))
    synced, (named, target), folder = calls[-3:]
    assert synced[0] == "fsync"
    assert named == ("link" if is_spare else "replace")
    assert (target, folder) == ("a.raw", ("fsync", "there"))


def test_half_a_line_of_a_manifest_is_cut_off(delivery, there):
    first, second = '{"product":"a","id":"1"}', '{"product":"b","id":"2"}'
    delivery.record("m.jsonl", [first])
    for half in range(1, len(second)):
        with (there / "m.jsonl").open("a") as file:
            file.write(second[:half])
        delivery.record("m.jsonl", [first])
        assert (there / "m.jsonl").read_text() == f"{first}\n"
    delivery.record("m.jsonl", [second])
    assert (there / "m.jsonl").read_text() == f"{first}\n{second}\n"


def test_what_is_no_manifest_is_left_alone(delivery, there):
    there.mkdir()
    (there / "m.jsonl").write_text("my notes\n")
    with pytest.raises(DeliveryError, match="is no manifest of products: it has the line 'my notes'"):
        delivery.record("m.jsonl", ['{"product":"a","id":"1"}'])
    assert (there / "m.jsonl").read_text() == "my notes\n"


LINES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2))).map(
    lambda found: [f'{{"product":"{name}","id":"{number}"}}' for name, number in found]
)


@pytest.mark.slow
@given(LINES, LINES)
def test_after_recording_the_last_line_of_each_product_is_the_last_that_was_given(there_already, lines):
    known = Known("m")
    known.read(there_already)
    added = known.missing(lines)
    last = {line[12]: line for line in [*there_already, *added]}
    assert last == {line[12]: line for line in [*there_already, *lines]}
    known.read(added)
    assert known.missing(added[-1:]) == []
