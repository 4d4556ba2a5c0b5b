"""Whatever fields a product has, every format gives back the same ones: to the last bit, missing ones missing."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.testing.formats import contents, labels_of, make_part
from tests.products.formats import test_cf, test_coveragejson, test_csv, test_grib, test_parquet

SUITES = {
    "grib2": test_grib.TestExact,
    "netcdf": test_cf.TestNetcdf,
    "zarr": test_cf.TestZarr,
    "csv": test_csv.TestAllPoints,
    "csv, long": test_csv.TestLong,
    "parquet": test_parquet.TestAllPoints,
    "coveragejson": test_coveragejson.TestGrid,
}
LABELS = st.tuples(
    st.sampled_from(("0", "3", "12", "240")),
    st.sampled_from(("1", "500", "850", "1000")),
    st.sampled_from(("1", "7", "50")),
    st.sampled_from(("t", "z", "u", "q")),
)


@st.composite
def products(draw):
    """Some fields of a product in any order, of which many combinations of labels do not exist."""
    labels = draw(st.lists(LABELS, min_size=1, max_size=6, unique=True))
    shape = draw(st.sampled_from(((2, 3), (5, 4))))
    parts = []
    for number, (step, level, member, param) in enumerate(labels):
        part = make_part(
            float(number), shape=shape, step=step, levelist=level, number=member, param=param, type="pf", stream="enfo"
        )
        part.payload[:] *= np.float32(draw(st.sampled_from((1.0, 1e-7, -3e5))))
        part.payload.flat[draw(st.lists(st.integers(0, part.payload.size - 1), max_size=3))] = np.nan
        parts.append(part)
    return parts


@pytest.mark.slow
@pytest.mark.parametrize("name", SUITES)
@settings(max_examples=12)
@given(parts=products())
def test_every_format_gives_back_the_fields_of_a_product(tmp_path_factory, name, parts):
    suite, path = SUITES[name](), tmp_path_factory.mktemp("alike") / "file"
    suite.write(parts, path)
    found = suite.seen(path)
    # Tables and arrays have places for fields that do not exist: all of them are missing.
    wanted = {labels_of(part): part.payload.ravel() for part in parts}
    assert wanted.keys() <= found.keys()
    for labels, values in found.items():
        np.testing.assert_array_equal(
            np.asarray(values, "float32").ravel(), wanted.get(labels, np.full(values.size, np.nan, "float32"))
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "document",
    [{"type": name} for name in ("csv", "coveragejson", "grib2", "netcdf", "parquet", "png", "zarr")],
    ids=str,
)
def test_another_process_writes_the_same_bytes(tmp_path, document):
    code = (
        "import sys, json, pathlib; import dtedask.grib\n"
        "from dtedask.testing.formats import make_part, written\n"
        "parts = [make_part(2.0, step=step, number=n, type='pf', stream='enfo') for step in '06' for n in '12']\n"
        "written(parts, json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]))\n"
    )
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code, json.dumps(document), str(tmp_path / seed)],
            check=True, env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
