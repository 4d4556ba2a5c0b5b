"""The plug-ins of earthkit-data, with earthkit-data itself and real GRIB."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import MissingFieldsError, NoMatchError, RequestError
from dtedask.grib import scan
from dtedask.store import Schema

# Behind dtedask.grib, which tests/conftest.py imports: as users of the plug-ins need not do it is tried below.
import earthkit.data as ekd  # isort: skip

KEYS = ("shortName", "level", "number", "dataDate", "dataTime", "step", "class", "stream", "type", "expver")


def keys_of(field):
    return tuple(str(field.get(f"metadata.{key}", default="")) for key in KEYS)


def values_by_keys(fields):
    return {keys_of(field): field.to_numpy() for field in fields}


@pytest.fixture(scope="module")
def members(grib_folder):
    """Real fields, as earthkit-data reads them from their file."""
    return ekd.from_source("file", str(grib_folder / "era5-levels-members.grib"))


@pytest.fixture(scope="module")
def root(members, tmp_path_factory):
    root = tmp_path_factory.mktemp("earthkit") / "data"
    chosen = members.to_fieldlist().sel({"ensemble.member": ["0", "1"]})
    ekd.to_target("dtedask", root, data=chosen, message="from earthkit", sources=["era5"])
    return root


@pytest.mark.slow
def test_all_fields_come_back_with_equal_values_and_keys(members, tmp_path):
    ekd.to_target("dtedask", tmp_path / "data", data=members)
    (commit,) = dtedask.open(tmp_path / "data").history()
    assert commit.sources == (members.path,)
    sent = values_by_keys(members.to_fieldlist())
    back = values_by_keys(ekd.from_source("dtedask", tmp_path / "data", "class=ea").to_fieldlist())
    assert len(back) == 160
    assert back.keys() == sent.keys()
    for key, values in sent.items():
        np.testing.assert_array_equal(back[key], values.astype(np.float32))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["reduced-gg.grib", "o32.grib2", "missing-values.grib", "healpix-h8.grib2", "step-60m.grib"]
)
def test_other_grids_come_back_too(grib_folder, tmp_path, name):
    ekd.to_target("dtedask", tmp_path / "data", data=ekd.from_source("file", str(grib_folder / name)))
    sent = ekd.from_source("file", str(grib_folder / name)).to_fieldlist()
    back = ekd.from_source("dtedask", tmp_path / "data").to_fieldlist()
    count = {str(field.get("metadata.shortName")) for field in sent}
    assert {str(field.get("metadata.shortName")) for field in back} == count
    sums = sorted(float(np.nansum(field.values.astype(np.float32), dtype=float)) for field in back)
    assert sums == pytest.approx(sorted({float(np.nansum(field.values, dtype=float)) for field in sent}), rel=1e-5)


@pytest.mark.slow
def test_a_target_writes_one_commit_with_its_message_and_sources(root):
    (commit,) = dtedask.open(root).history()
    assert (commit.new, commit.message, commit.sources) == (32, "from earthkit", ("era5",))


TEXT = "class=ea,param=t,levelist=500,number=1/0,date=20170101,time=0"
REQUEST = {"class": "ea", "param": "t", "levelist": 500, "number": [1, 0], "date": 20170101, "time": 0}


def test_fields_stand_in_the_order_of_the_request(root):
    fields = ekd.from_source("dtedask", root, REQUEST).to_fieldlist()
    assert [field.get("metadata.number") for field in fields] == [1, 0]


@pytest.mark.parametrize(
    "call",
    [
        lambda root: ekd.from_source("dtedask", root, REQUEST),
        lambda root: ekd.from_source("dtedask", REQUEST, root=root),
        lambda root: ekd.from_source("dtedask", root, request=REQUEST),
        lambda root: ekd.from_source(
            "dtedask", "class=ea,param=t,levelist=500,number=1/0,date=20170101,time=0", root=root
        ),
        lambda root: ekd.from_source(
            "dtedask", str(root), "class=ea,levelist=500,time=0,number=1/0", param="t", date=20170101
        ),
        lambda root: ekd.from_source("dtedask", root=root, **REQUEST),
    ],
)
def test_root_and_request_may_be_given_in_several_ways(root, call):
    assert len(call(root).to_fieldlist()) == 2


def test_the_root_of_the_settings_is_taken_where_none_is_named(root):
    import dask.config

    with dask.config.set({"dtedask.store.root": str(root)}):
        assert len(ekd.from_source("dtedask", "class=ea,param=t,levelist=500,number=0").to_fieldlist()) == 4


def test_three_words_are_too_many(root):
    with pytest.raises(RequestError, match="is too much"):
        ekd.from_source("dtedask", root, REQUEST, "param=t")
    with pytest.raises(RequestError, match="root of the source"):
        ekd.from_source("dtedask", REQUEST, "param=t")


def test_what_is_missing_is_the_error_of_the_store(root):
    with pytest.raises(NoMatchError, match="levelist=300"):
        ekd.from_source("dtedask", root, "class=ea,levelist=300")
    with pytest.raises(MissingFieldsError, match="300"):
        ekd.from_source("dtedask", root, "class=ea,param=t,levelist=300/500")
    found = ekd.from_source("dtedask", root, "class=ea,param=t,levelist=300/500,number=0", allow_missing=True)
    assert len(found.to_fieldlist()) == 4


@pytest.mark.slow
def test_fields_are_selected_and_listed_as_those_of_a_file(members, root):
    fields = ekd.from_source("dtedask", root, "class=ea,levelist=500,number=0/1").to_fieldlist()
    chosen = fields.sel({"parameter.variable": "t", "ensemble.member": "1"})
    assert len(chosen) == 4
    names = ["parameter.variable", "vertical.level", "time.valid_datetime", "ensemble.member"]
    of_file = members.to_fieldlist().sel({"parameter.variable": "t", "ensemble.member": "1", "vertical.level": 500})
    order = names[2]
    expected = of_file.order_by(order).ls(keys=names).to_dict("list")
    assert chosen.order_by(order).ls(keys=names).to_dict("list") == expected


def test_as_xarray_the_arrays_of_the_root_are_read(root):
    data = ekd.from_source("dtedask", root, "class=ea,param=t,levelist=500,number=0/1")
    found = data.to_xarray()
    assert found.identical(dtedask.open(root).retrieve("class=ea,param=t,levelist=500,number=0/1"))
    of_earthkit = data.to_fieldlist().to_xarray()["t"].transpose("forecast_reference_time", "member", ...)
    assert of_earthkit.shape == (4, 2, 61, 120)
    np.testing.assert_array_equal(of_earthkit.values.astype(np.float32), found["t"].values[:, :, 0, 0])


def test_a_message_is_made_when_it_is_looked_at_and_forgotten_when_memory_is_short(root, monkeypatch):
    from dtedask.earthkit import fields as module

    made = []
    encode = module.encode_record
    monkeypatch.setattr(module, "encode_record", lambda record: made.append(record.chunk) or encode(record))
    monkeypatch.setattr(module, "_MESSAGES", module._Messages(1))
    fields = ekd.from_source("dtedask", root, "class=ea,param=t,levelist=500,number=0").to_fieldlist()
    assert (len(fields), made) == (4, [])
    assert np.isfinite(fields[1].values).all()
    assert made == []
    for _ in range(2):
        assert fields[1].get("metadata.shortName") == "t"
    assert len(made) == 1
    assert fields[2].message()[:4] == b"GRIB"
    assert fields[1].message()[:4] == b"GRIB"
    assert len(made) == 3
    assert len(module._MESSAGES._held) == 1


def test_fields_travel_as_places(root):
    fields = ekd.from_source("dtedask", root, "class=ea,param=t,levelist=500,number=0").to_fieldlist()
    data = pickle.dumps(fields[3])
    assert len(data) < 3000
    np.testing.assert_array_equal(pickle.loads(data).values, fields[3].values)
    again = pickle.loads(pickle.dumps(fields))
    assert keys_of(again[3]) == keys_of(fields[3])


@pytest.mark.slow
def test_a_source_shows_one_state_of_the_root(tmp_path, members):
    chosen = members.to_fieldlist().sel({"parameter.variable": "t", "vertical.level": 500, "ensemble.member": "0"})
    ekd.to_target("dtedask", tmp_path / "data", data=chosen)
    before = ekd.from_source("dtedask", tmp_path / "data").to_fieldlist()
    changed = dtedask.open(tmp_path / "data").retrieve("param=t")["t"] + 1
    key = {"class": "ea", "stream": "enda", "expver": "0001", "type": "an", "levtype": "pl"}
    ekd.to_target("dtedask", tmp_path / "data", data=changed, key=key)
    after = ekd.from_source("dtedask", tmp_path / "data")
    np.testing.assert_allclose(after.to_fieldlist()[0].values, before[0].values + 1, rtol=1e-6)
    np.testing.assert_allclose(before.to_dataset()["t"] + 1, after.to_xarray()["t"], rtol=1e-6)
    old = ekd.from_source("dtedask", tmp_path / "data", at=dtedask.open(tmp_path / "data").history()[0].snapshot)
    np.testing.assert_array_equal(old.to_fieldlist()[0].values, before[0].values)


def write_and_fail(root, field):
    with ekd.create_target("dtedask", root) as target:
        target.write(field)
        raise KeyError("model")


@pytest.mark.slow
def test_a_target_that_is_left_by_an_exception_writes_nothing(tmp_path, members):
    fields = members.to_fieldlist()
    with pytest.raises(KeyError, match="model"):
        write_and_fail(tmp_path / "data", fields[0])
    assert dtedask.open(tmp_path / "data").cubes() == []
    with ekd.create_target("dtedask", tmp_path / "data") as target:
        target.write(fields[0])
        target.flush()
        target.write(fields[1])
    assert [commit.new for commit in target.commits] == [1, 1]
    with pytest.raises(ValueError, match="closed"):
        target.write(fields[2])


@pytest.mark.slow
@pytest.mark.parametrize("first", ["earthkit.data", "dtedask"])
def test_no_library_is_mixed_up_whoever_loads_eccodes_first(grib_folder, tmp_path, first):
    """A projected grid needs PROJ, of which ecCodes brings a copy; mixed up they crash at the end of the process."""
    script = f"""
import {first}
import earthkit.data as ekd
source = ekd.from_source("file", {str(grib_folder / "lambert.grib")!r})
print(source.to_fieldlist().ls())
ekd.to_target("dtedask", {str(tmp_path / "data")!r}, data=source)
print(ekd.from_source("dtedask", {str(tmp_path / "data")!r}).to_xarray())
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "lambert" in done.stdout


@pytest.mark.slow
def test_dtedask_imports_no_earthkit():
    script = "import dtedask, dtedask.store.store, dtedask.cli.app, sys; sys.exit('earthkit' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.slow
def test_without_earthkit_the_extra_is_named():
    script = """
import sys
sys.modules["earthkit"] = None
import dtedask
try:
    import dtedask.earthkit.source
except dtedask.DtedaskError as error:
    assert error.code == "missing-extra", error
    assert 'pip install "dtedask[earthkit]"' in str(error)
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_root_of_messages_keeps_the_bytes_that_earthkit_read(tmp_path, grib_folder):
    store = dtedask.open(tmp_path / "data", schema=Schema(layout="messages"))
    store.archive(grib_folder / "o32.grib2")
    store.flush()
    source = grib_folder / "ens-50.grib"
    ekd.to_target("dtedask", tmp_path / "data", data=ekd.from_source("file", str(source)))
    data = source.read_bytes()
    expected = sorted(data[one.offset : one.offset + one.length] for one in scan(data))
    assert sorted(dtedask.open(tmp_path / "data").to_grib("stream=enfo")) == expected
