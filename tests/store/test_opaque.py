"""Bytes of any kind under MARS keys: they come back as they went in, and stand beside fields of the same keys."""

import itertools
from pathlib import Path

import icechunk
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DamagedError, FieldError, OpaqueError, UnknownKeyError

KEYS = {"class": "rd", "stream": "oper", "expver": "0001"}
FULL = {**KEYS, "type": "fc", "levtype": "sfc", "param": "167", "date": "20240101", "time": "0000", "step": "6"}
_NAMES = itertools.count()

optional = {
    "type": st.sampled_from(["fc", "an", "cf"]),
    "levtype": st.sampled_from(["sfc", "pl"]),
    "param": st.sampled_from(["130", "167", "999999"]),
    "step": st.sampled_from(["0", "90m", "0-24", "6-12"]),
    "levelist": st.sampled_from(["500", "0.5"]),
    "quantile": st.sampled_from(["1:5", "2:5"]),
    "channel": st.sampled_from(["7", "12"]),
}
keys = st.fixed_dictionaries(
    {"expver": st.sampled_from(["0001", "test"])},
    optional=optional | {"date": st.sampled_from(["20240101", "20231231"])},
)
contents = st.binary(max_size=2000).filter(lambda data: data[:4] != b"GRIB")


def identity(keys):
    return tuple(sorted(keys.items()))


@pytest.mark.slow
@settings(max_examples=15)
@given(st.lists(st.tuples(keys, contents, st.booleans()), min_size=1, max_size=12))
def test_any_bytes_under_any_keys_come_back(items):
    store = dtedask.open(f"memory://opaque-{next(_NAMES)}")
    model = {}
    for given_keys, data, flushes in items:
        whole = {**KEYS, **given_keys}
        assert store.archive(data, whole) == 1
        model[identity(whole | ({"time": "0000"} if "date" in whole else {}))] = data
        if flushes:
            store.flush()
    store.flush()
    assert {identity(record.keys): data for record, data in store.read()} == model
    assert {identity(record.keys) for record in store.list("grid=opaque")} == model.keys()
    for one, data in model.items():
        exact = [found for record, found in store.read(dict(one)) if identity(record.keys) == one]
        assert exact == [data]


def test_a_later_archive_replaces_and_the_past_keeps_what_was(store):
    for data in (b"first", b"second"):
        store.archive(data, FULL)
        store.flush()
    first, second = store.history()
    assert (second.new, second.replaced) == (0, 1)
    assert [data for _, data in store.read("step=6")] == [b"second"]
    assert [data for _, data in store.at(first.snapshot).read()] == [b"first"]
    store.archive(b"second", FULL)
    assert store.flush() == []
    assert store.unchanged == 1


def test_bytes_stand_beside_fields_of_the_same_keys(store, make_field):
    array, field_keys = make_field(3, levelist="500", number="1")
    store.archive(array, field_keys)
    store.archive(b"beside", field_keys)
    store.flush()
    assert [record.grid.label == "opaque" for record in store.list("param=t")].count(True) == 1
    read = {record.grid.label: data for record, data in store.read("param=t")}
    assert read.pop("opaque") == b"beside"
    assert [data[:4] for data in read.values()] == [b"GRIB"]
    (label,) = read
    values = store.retrieve({**field_keys, "grid": label})["t"].to_numpy().squeeze()
    assert np.array_equal(values, array)


def test_bytes_cannot_be_retrieved_as_fields(store):
    with store:
        store.archive(b"text", FULL)
    for retrieve in (
        lambda: store.retrieve("param=2t"),
        lambda: store.retrieve_tree("param=2t"),
        lambda: list(store.to_grib("param=2t")),
        lambda: dtedask.open_cube(f"{store.root}/rd/oper/0001", "fc/sfc"),
    ):
        with pytest.raises(OpaqueError, match=r"holds bytes, not fields\. Read them with `store\.read"):
            retrieve()


def test_plain_zarr_reads_the_items(store):
    with store:
        for step, data in (("0", b"zero\0"), ("6", b"")):
            store.archive(data, {**FULL, "step": step})
    repo = icechunk.Repository.open(icechunk.local_filesystem_storage(f"{store.root}/rd/oper/0001"))
    array = zarr.open_array(repo.readonly_session("main").store, path="fc/sfc/opaque/2t-date-step", mode="r")
    assert array.metadata.dimension_names == ("forecast_reference_time", "step", "item")
    assert array[:].tolist() == [[[b"zero\0"], [b""]]]


def test_a_flipped_bit_is_an_error_and_not_data(store):
    data = bytes(range(256)) * 8
    with store:
        store.archive(data, FULL)
    (record,) = store.list()
    (chunk,) = [path for path in store_files(store) if data[:100] in path.read_bytes()]
    stored = bytearray(chunk.read_bytes())
    stored[700] ^= 1
    chunk.write_bytes(stored)
    with pytest.raises(DamagedError, match=f"checksum of the .* {record.chunk} "):
        list(dtedask.open(store.root).read())


def store_files(store):
    return list(Path(store.root).glob("*/*/*/chunks/*"))


@pytest.mark.parametrize(
    ("key", "error", "said"),
    [
        ({"class": "rd", "stream": "oper"}, FieldError, "without the key 'expver'"),
        ({**KEYS, "time": "1200"}, FieldError, "time was given without a date"),
        ({**KEYS, "grid": "O320"}, FieldError, "have no grid"),
        ({**KEYS, "stepp": 1}, UnknownKeyError, "step"),
        ({**KEYS, "type": "pf", "number": 0}, FieldError, "number=0"),
    ],
)
def test_keys_that_cannot_be_are_refused(memory_store, key, error, said):
    with pytest.raises(error, match=said):
        memory_store.archive(b"bytes", key)
    assert not memory_store.dirty


def test_bytes_without_keys_are_no_grib(memory_store):
    with pytest.raises(dtedask.core.errors.GribSyntaxError, match="offset 0.*no message starts here"):
        memory_store.archive(b"bytes")


@pytest.mark.slow
def test_sizes_up_to_64_mib_come_back(store):
    sizes = [0, 1, 503, 512, 65_536, 4 * 2**20 + 1, 64 * 2**20]
    data = np.random.default_rng(1).bytes(sizes[-1])
    with store:
        for step, size in enumerate(sizes):
            store.archive(data[:size], {**FULL, "step": step})
    found = {int(record.keys["step"]): item for record, item in dtedask.open(store.root).read()}
    assert all(found[step] == data[:size] for step, size in enumerate(sizes))


def test_whatever_is_done_to_fields_is_done_to_bytes(store, make_field):
    array, field_keys = make_field(3, type="fc", levelist="500", number="1")
    with store:
        store.archive(array, field_keys)
        for step in ("0", "6", "12"):
            store.archive(b"x" * 600 + step.encode(), {**FULL, "step": step})
    (found,) = store.inspect({**FULL, "step": "6"})
    assert (found.keys["step"], found.short_name, found.size_bytes) == ("6", "2t", 613)
    assert found.location == f"{store.root}/rd/oper/0001/{found.chunk}"
    assert store.explain({**FULL, "step": "6"}).fields == 1
    assert store.verify().findings == ()
    wiped = store.wipe(
        {key: FULL[key] for key in ("class", "stream", "expver", "date", "time")} | {"step": 6}, doit=True
    )
    assert (wiped.fields, wiped.size_bytes) == (1, 613)
    assert [record.keys["step"] for record in store.list("stream=oper")] == ["0", "12"]
    with store:
        store.archive(b"again", {**FULL, "step": "18"})
    assert {record.keys["step"]: record.slots for record in store.list("stream=oper")}["18"] == (0, 1)
    store.rollback(to=store.history("rd/oper/0001")[0].snapshot, cube="rd/oper/0001", doit=True)
    assert [data[600:] for _, data in store.read("stream=oper")] == [b"0", b"6", b"12"]
    with store:
        store.archive(b"new", {**FULL, "step": "0"})
    masked = [record for record in store.list("stream=oper,step=0", masked=True) if record.is_masked]
    assert {data for _, data in store.read("stream=oper,step=0")} == {b"new"}
    assert len(masked) == 1


def test_an_archive_lock_holds_for_bytes_too(store):
    with store:
        store.archive(b"text", FULL)
    store.lock("class=rd,step=6", verbs=["archive", "retrieve"])
    with pytest.raises(dtedask.core.errors.ControlledError, match="Archiving"):
        store.archive(b"other", FULL)
    with pytest.raises(dtedask.core.errors.ControlledError, match="Retrieving"):
        list(store.read("step=6"))


def test_bytes_of_a_step_and_of_an_interval_keep_their_steps(memory_store):
    for step in ("90m", "0-24", "24", "6-12"):
        memory_store.archive(step.encode(), {**FULL, "step": step})
    memory_store.flush()
    assert {record.keys["step"]: data.decode() for record, data in memory_store.read()} == {
        step: step for step in ("90m", "0-24", "24", "6-12")
    }
