"""Files in a bucket: referred to where they are, refused when they changed."""

from __future__ import annotations

import os
import uuid

import obstore
import pytest

import dtedask
from dtedask.core.errors import NotFoundError, SourceChangedError, SourceMissingError
from dtedask.grib import scan
from dtedask.store.location import object_store

NAMES = ("ens-50.grib", "o32.grib2", "missing-values.grib")


@pytest.fixture
def prefix(s3):
    return f"virtual-{uuid.uuid4().hex}/a b/ü #%25"


@pytest.fixture
def bucket(s3, prefix, grib_folder):
    """The bucket with some files below a prefix whose name has what URLs quote."""
    found = object_store(f"s3://{os.environ['S3_BUCKET']}")
    for name in NAMES:
        obstore.put(found, f"{prefix}/{name}", (grib_folder / name).read_bytes())
    return found


@pytest.fixture(params=["local", "s3"])
def store(request, s3, tmp_path):
    local = request.param == "local"
    return dtedask.open(tmp_path / "root" if local else f"s3://{os.environ['S3_BUCKET']}/root-{uuid.uuid4().hex}")


def url(prefix, name=""):
    return f"s3://{os.environ['S3_BUCKET']}/{prefix}/{name}"


def test_a_prefix_becomes_a_cube(store, bucket, prefix, grib_folder):
    done = store.virtualize(url(prefix))
    assert done.files == len(NAMES)
    messages = [
        (grib_folder / name).read_bytes()[one.offset : one.offset + one.length]
        for name in NAMES
        for one in scan(grib_folder / name)
    ]
    assert sorted(store.to_grib()) == sorted(messages)
    assert store.virtualize(url(prefix, "*.grib*")).unchanged == done.fields
    store.purge(keep_commits=1)
    assert len(list(store.to_grib())) == len(messages)
    with pytest.raises(NotFoundError, match="There is no GRIB at"):
        store.virtualize(url(prefix, "*.nothing"))


def test_an_object_that_changed_or_is_gone_is_refused(store, bucket, prefix, grib_folder):
    store.virtualize(url(prefix, "o32.grib2"))
    obstore.put(bucket, f"{prefix}/o32.grib2", (grib_folder / "o32.grib2").read_bytes() + b"\0")
    with pytest.raises(SourceChangedError, match="o32.grib2.* has changed since"):
        next(store.to_grib())
    (finding,) = store.verify().findings
    assert "levtype=ml" in finding.requests[0]
    assert store.virtualize(url(prefix, "o32.grib2")).replaced == 1
    assert len(list(store.to_grib())) == 1
    obstore.delete(bucket, f"{prefix}/o32.grib2")
    with pytest.raises(SourceMissingError, match="o32.grib2.* is gone"):
        next(store.to_grib())
