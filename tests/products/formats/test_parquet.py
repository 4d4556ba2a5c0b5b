"""Tables of points as Parquet, read by fastparquet and pandas."""

import json
import sys
from typing import ClassVar

import fastparquet
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from dtedask.core.errors import MissingExtraError
from dtedask.testing.formats import make_part, written
from tests.products.formats.tables import NEAREST, PLACES, TableSuite


class TestAllPoints(TableSuite):
    document: ClassVar = {"type": "parquet"}

    def table(self, path):
        return pd.read_parquet(path, engine="pyarrow")


class TestPlaces(TableSuite):
    document: ClassVar = {"type": "parquet", "points": PLACES, "outside": "nearest"}
    places = NEAREST

    def table(self, path):
        with path.open("rb") as file:
            return fastparquet.ParquetFile(file).to_pandas()


def test_columns_have_types_and_words(tmp_path):
    parts = [make_part(step=step, number="1", type="pf", stream="enfo", has_gap=True) for step in ("0", "6")]
    written(parts, {"type": "parquet", "points": PLACES}, tmp_path / "file")
    schema = pq.read_schema(tmp_path / "file")
    assert {name: str(schema.field(name).type) for name in schema.names} == {
        "name": "string", "latitude": "double", "longitude": "double",
        "forecast_reference_time": "timestamp[ms, tz=UTC]", "step": "double", "valid_time": "timestamp[ms, tz=UTC]",
        "member": "int64", "level": "double", "t": "float",
    }  # fmt: skip
    assert schema.field("t").metadata[b"units"] == b"K"
    assert schema.field("step").metadata[b"units"] == b"hours"
    assert json.loads(schema.metadata[b"lineage"]) == {"inputs": "the suite"}


def test_missing_values_are_null_and_times_are_right(tmp_path):
    written([make_part(has_gap=True, step="6")], {"type": "parquet"}, tmp_path / "file")
    table = pq.read_table(tmp_path / "file")
    assert table["t"].null_count == 1
    assert table["valid_time"].to_pandas().unique().tolist() == [pd.Timestamp("2024-01-01T06:00Z")]
    assert np.unique(table["step"].to_numpy()).tolist() == [6.0]


def test_without_pyarrow_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "dtedask.products.formats.arrow", raising=False)
    monkeypatch.delattr("dtedask.products.formats.arrow", raising=False)
    with pytest.raises(MissingExtraError, match="cannot be imported") as told:
        written([make_part()], {"type": "parquet"}, tmp_path / "file")
    assert "dtedask[parquet]" in told.value.hint
