"""Copies, moves and comparisons between a disk and an object store."""

from uuid import uuid4

import numpy as np
import pytest

import dtedask
from dtedask.geo import regular_latlon
from dtedask.grib import encode
from dtedask.store.schema import Schema

pytestmark = pytest.mark.service

KEYS = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc", "param": "167"}
KEYS |= {"date": "20240603", "time": "0000"}


def filled(path, layout):
    """A root on disk of a hundred small fields."""
    grid = regular_latlon(np.arange(90.0, -91, -30), np.arange(0.0, 360, 30))
    store = dtedask.open(path, schema=Schema.model_validate({"layout": layout}))
    values = np.random.default_rng(1).normal(280, 10, grid.shape)
    store.archive([encode(values + step, {**KEYS, "step": str(step)}, grid) for step in range(100)])
    store.flush()
    return store


@pytest.mark.parametrize("layout", ["map", "messages"])
def test_a_root_goes_to_an_object_store_and_comes_back(s3, tmp_path, layout):
    store = filled(tmp_path / "root", layout)
    far = f"s3://{s3['S3_BUCKET']}/copy/{uuid4().hex}"
    assert store.copy(None, far).new == 100
    assert store.compare(None, far).is_equal
    assert store.copy(None, far).unchanged == 100
    moved = dtedask.open(far).move("class=od,expver=1", tmp_path / "back", doit=True)
    assert (moved.fields, moved.left) == (100, ())
    assert store.compare(None, tmp_path / "back").is_equal
    assert list(dtedask.open(far).list()) == []
