"""Where chunks lie, beside what Icechunk says of them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlparse

import icechunk
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DamagedError, StoreError
from dtedask.store import Schema
from dtedask.store.layouts.locate import locate, references_of
from dtedask.store.layouts.manifest_refs import ManifestRefs
from dtedask.store.location import Location
from dtedask.store.repository import head

CUBE = "od/oper/0001"


@pytest.fixture
def snapshot(tmp_path, grib_folder):
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(grib_folder / "pl-regular-ll.grib")
    store.flush()
    return head(Location.parse(tmp_path / "root"), CUBE)


def test_the_bytes_of_a_reference_are_the_chunk(snapshot):
    keys = [f"fc/pl/10x10/t/c/{time}/{step}/{level}/0/0" for time in range(4) for step in range(2) for level in (0, 5)]
    for found, data in zip(locate(snapshot, keys), snapshot.read_chunks(keys), strict=True):
        path = Path(unquote(urlparse(found.url).path))
        assert path.read_bytes()[found.offset : found.offset + found.length] == data


def test_all_references_of_an_array_are_those_that_icechunk_knows(snapshot):
    arrays = [f"fc/pl/10x10/{name}" for name in ("r", "t", "u", "v", "z")]
    found = [reference for path in arrays for _, reference in references_of(snapshot, path)]
    assert sorted(one.url for one in found) == sorted(snapshot.session.all_virtual_chunk_locations())
    assert len({(one.url, one.offset) for one in found}) == 240


def test_objects_and_what_does_not_exist_have_no_reference(snapshot):
    keys = ["fc/pl/10x10/latitude/c/0", "fc/pl/10x10/t/c/9/9/9/0/0", "fc/pl/10x10/nothing/c/0"]
    assert locate(snapshot, keys) == [None, None, None]


def test_a_root_in_memory_cannot_be_asked(grib_folder):
    store = dtedask.open("memory://located")
    store.archive(grib_folder / "ens-50.grib")
    store.flush()
    (record, *_) = store.list("")
    with pytest.raises(StoreError, match="is in memory"):
        locate(record.selection.snapshot, [record.chunk])


def test_what_is_no_manifest_is_refused():
    with pytest.raises(DamagedError, match="does not begin as a manifest"):
        ManifestRefs.of(b"GRIB" * 20, "m")


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 3), st.integers(0, 2**40), st.integers(1, 2**31), st.booleans()),
        max_size=60,
        unique_by=lambda one: one[:2],
    )
)
def test_references_are_read_as_they_were_set(tmp_path_factory, chunks):
    root = tmp_path_factory.mktemp("repo")
    prefix = f"file://{root}/"
    config = icechunk.RepositoryConfig.default()
    store = icechunk.local_filesystem_store(str(root))
    config.set_virtual_chunk_container(icechunk.VirtualChunkContainer(prefix, store))
    allowed = icechunk.containers_credentials({prefix: None})
    repo = icechunk.Repository.create(icechunk.local_filesystem_storage(str(root / "r")), config, allowed)
    session = repo.writable_session("main")
    zarr.create_array(session.store, name="a", shape=(41, 4), chunks=(1, 1), dtype="f4")[40, 3] = 1.0
    specs = [
        icechunk.VirtualChunkSpec([x, y], f"{prefix}{x}-a%20b.grib", offset, length, f'"{x}"' if has_etag else None)
        for x, y, offset, length, has_etag in chunks
        if (x, y) != (40, 3)
    ]
    session.store.set_virtual_refs("/a", specs)
    session.commit("references")
    found = {}
    for path in (root / "r" / "manifests").iterdir():
        refs = ManifestRefs.of(path.read_bytes(), path.name)
        found |= dict(zip(map(tuple, refs.rows.tolist()), refs, strict=True))
    assert {(*row, one.url, one.offset, one.length, one.etag) for row, one in found.items()} == {
        (*spec.index, spec.location, spec.offset, spec.length, spec.etag_checksum or "") for spec in specs
    }
    assert zarr.open_array(repo.readonly_session("main").store, path="a", mode="r")[40, 3] == 1.0
