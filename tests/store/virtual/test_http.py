"""Files on HTTP: referred to by ranges, refused when they changed."""

from __future__ import annotations

import os
import shutil
from urllib.parse import quote, unquote

import pytest

import dtedask
from dtedask.core.errors import NotFoundError, SourceChangedError, SourceMissingError, StoreError
from dtedask.grib import scan
from dtedask.store.virtual.urls import canonical_url


@pytest.fixture
def store(tmp_path):
    return dtedask.open(tmp_path / "root")


@pytest.fixture
def surface(web, grib_folder):
    """A file of 0.25 degree fields, whose data is not to be fetched for its heads."""
    shutil.copy(grib_folder / "ifs-oper-surface.grib2", web.folder / "surface.grib2")
    return web.folder / "surface.grib2"


def bytes_of(asked):
    """Bytes that were asked for by ranges."""
    ranges = [found.removeprefix("bytes=").split("-") for command, found in asked if command == "GET"]
    return sum(int(last) - int(first) + 1 for first, last in ranges)


@pytest.mark.slow
def test_only_heads_are_fetched_and_messages_are_the_very_bytes(store, web, surface):
    done = store.virtualize(f"{web.base}/surface.grib2")
    assert done.bytes == sum(one.length for one in scan(surface))
    data = surface.read_bytes()
    assert sorted(store.to_grib()) == sorted(data[one.offset : one.offset + one.length] for one in scan(surface))


@pytest.mark.slow
def test_big_messages_are_passed_over(store, web, surface):
    with surface.open("ab") as file:
        file.write(surface.read_bytes() * 3)
    store.virtualize(f"{web.base}/surface.grib2")
    assert bytes_of(web.asked) < surface.stat().st_size


@pytest.mark.parametrize("name", ["a b/ü.grib2", quote("a b/ü.grib2"), quote("a b/ü #%25.grib2")])
def test_names_that_urls_quote_are_found(store, web, grib_folder, name):
    (web.folder / "a b").mkdir()
    shutil.copy(grib_folder / "o32.grib2", web.folder / unquote(name))
    store.virtualize(f"{web.base}/{name}")
    assert len(next(store.to_grib())) > 1000


@pytest.mark.slow
@pytest.mark.parametrize("gives_etags", [True, False])
def test_a_file_that_changed_is_refused(store, web, surface, gives_etags):
    web.gives_etags = gives_etags
    store.virtualize(f"{web.base}/surface.grib2")
    assert len(list(store.to_grib())) == 5
    surface.write_bytes(surface.read_bytes() + b"\0")
    os.utime(surface, (2e9, 2e9))
    with pytest.raises(SourceChangedError, match="files.example/surface.grib2.* it had the (etag|time)"):
        next(store.to_grib())
    (finding, *_) = store.verify().findings
    assert "surface.grib2" in finding.problem
    assert store.virtualize(f"{web.base}/surface.grib2").replaced == 5
    assert len(list(store.to_grib())) == 5
    assert store.virtualize(f"{web.base}/surface.grib2").unchanged == 5


def test_a_file_that_is_gone_is_named(store, web, surface):
    store.virtualize(f"{web.base}/surface.grib2")
    surface.unlink()
    with pytest.raises(SourceMissingError, match="http://files.example/surface.grib2.* is gone"):
        next(store.to_grib())
    with pytest.raises(NotFoundError, match="There is no file at 'http://files.example/surface.grib2'"):
        store.virtualize(f"{web.base}/surface.grib2")


def test_a_server_without_ranges_is_refused(store, web, surface):
    web.gives_ranges = False
    with pytest.raises(StoreError, match="gives whole files only, no parts of them"):
        store.virtualize(f"{web.base}/surface.grib2")


@pytest.mark.parametrize(
    ("lacks", "match"), [("compares", "does not compare it"), ("gives_etags gives_times", "says no ETag and no time")]
)
def test_a_server_that_would_not_tell_of_a_change_is_refused_unless_wanted(store, web, surface, lacks, match):
    for name in lacks.split():
        setattr(web, name, False)
    with pytest.raises(StoreError, match=match):
        store.virtualize(f"{web.base}/surface.grib2")
    assert store.virtualize(f"{web.base}/surface.grib2", checked=False).new == 5


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("http://host:8080/a.grib", "has the port 8080"),
        ("http://host/a.grib?token=1", "has a query"),
        ("http://me@host/a.grib", "has a user"),
        ("gs://bucket/a.grib", "begins with gs://"),
    ],
)
def test_urls_that_icechunk_cannot_refer_to_are_refused(url, match):
    with pytest.raises(StoreError, match=match):
        canonical_url(url)


def test_http_has_no_folders(store):
    with pytest.raises(StoreError, match="HTTP has no list of files"):
        store.virtualize("http://host/folder/")
