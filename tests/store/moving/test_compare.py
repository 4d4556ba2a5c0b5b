"""Comparisons of roots with each other and with GRIB files, against NumPy and the files themselves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import dtedask
from dtedask.core.errors import NoMatchError, NotFoundError
from dtedask.grib import decode, encode, packing_step, scan
from dtedask.ingest import ingest
from dtedask.store.moving.tolerance import Tolerance, value_difference
from dtedask.store.schema import Schema

MESSAGES = Schema.model_validate({"layout": "messages"})
NUMBERS = st.floats(width=32, allow_nan=True, allow_infinity=True)
FIELDS = arrays.arrays(np.float32, (3, 4), elements=NUMBERS)


@pytest.fixture
def two(store, make_field, tmp_path):
    """Two roots that hold the same four fields."""
    for step in ("0", "6"):
        for number in ("1", "2"):
            store.archive(*make_field(int(step), number=number, levelist="500", step=step))
    store.flush()
    store.copy(None, tmp_path / "other")
    return store, dtedask.open(tmp_path / "other")


@settings(max_examples=40)
@given(FIELDS, FIELDS, st.floats(0, 10), st.floats(0, 1))
def test_values_differ_where_numpy_says_so(one, two, absolute, relative):
    both = np.where(np.arange(12).reshape(3, 4) % 2, one, two)  # half of the points are equal
    found = value_difference(one, both, Tolerance(absolute, relative))
    left, right = one.astype("float64"), both.astype("float64")
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.isclose(left, right, rtol=relative, atol=absolute, equal_nan=True)
    if not absolute and not relative:
        close &= (left.view("uint64") == right.view("uint64")) | np.isnan(left)
    assert (found.differing if found else 0) == np.count_nonzero(~close)
    assert found is None or found.missing == np.count_nonzero(np.isnan(left) != np.isnan(right))


@settings(max_examples=40)
@given(FIELDS, FIELDS)
def test_the_largest_difference_is_that_of_brute_force(one, two):
    found = value_difference(one, two, Tolerance())
    pairs = [
        pair for pair in zip(one.ravel().tolist(), two.ravel().tolist(), strict=True) if not any(map(math.isnan, pair))
    ]
    distances = [0.0 if a == b else abs(a - b) for a, b in pairs]
    wanted = max((math.inf if math.isnan(far) else far for far in distances), default=0.0)
    assert (found.largest if found else 0.0) == wanted


@pytest.mark.slow
def test_copies_are_equal_and_each_kind_of_difference_is_told(two, make_field):
    left, right = two
    assert left.compare(None, right).is_equal
    right.archive(*make_field(1.5, number="1", levelist="500", step="0"))
    right.archive(*make_field(9, number="3", levelist="500", step="0"))
    right.wipe("class=rd,expver=test,step=6,number=2", doit=True)
    right.flush()
    found = left.compare(None, right)
    assert (found.compared, found.is_equal) == (3, False)
    kinds = {one.kind: one for one in found.differences}
    assert {kind: dict(one.keys)["number"] for kind, one in kinds.items()} == {
        "left-only": "2",
        "right-only": "3",
        "differs": "1",
    }
    values = kinds["differs"].values
    assert (values.points, values.differing, values.missing, values.largest) == (12, 12, 0, 1.5)
    assert left.compare(None, right, absolute=1.5).count("differs") == 0


def test_missing_points_are_compared_by_place(two, make_field):
    left, right = two
    field, keys = make_field(0, number="1", levelist="500", step="0")
    right.archive(field.where(field != field[1, 1]), keys)
    right.flush()
    (one,) = left.compare(None, right, absolute=1e9).differences
    assert (one.values.differing, one.values.missing, one.values.largest) == (1, 1, 0.0)


def test_attributes_that_differ_are_named(store, make_field, tmp_path):
    other = dtedask.open(tmp_path / "other")
    for root, units in ((store, "K"), (other, "degC")):
        field, keys = make_field(1)
        root.archive(field.assign_attrs(units=units), keys)
        root.flush()
    (one,) = store.compare(None, other).differences
    assert [(header.name, header.left, header.right) for header in one.headers] == [("units", "K", "degC")]
    assert one.values is None


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["map", "messages"])
def test_a_root_is_equal_to_the_files_it_was_made_of(grib_folder, tmp_path, layout):
    files = [grib_folder / name for name in ("o32.grib2", "missing-values.grib", "alternate-scanning.grib")]
    store = dtedask.open(tmp_path / "root", schema=Schema.model_validate({"layout": layout}))
    ingest(files, store)
    found = store.compare(None, files)
    assert (found.is_equal, found.compared) == (True, len(list(store.list())))
    only = store.compare("levtype=ml", files)
    assert (only.is_equal, only.compared) == (True, 1)


@pytest.mark.slow
def test_a_root_of_all_real_files_is_equal_to_them(grib_folder, store):
    files = [path for path in sorted(grib_folder.glob("*.grib*")) if "corrupted" not in path.name]
    ingest(files, store)
    found = store.compare(None, files)
    assert found.differences == ()
    assert found.compared == len(list(store.list()))


def test_headers_of_messages_are_compared_key_by_key(grib_folder, tmp_path):
    (message,) = scan(grib_folder / "aifs-single-t500.grib2")
    data = bytearray(message.read())
    ingest(grib_folder / "aifs-single-t500.grib2", store := dtedask.open(tmp_path / "root", schema=MESSAGES))
    data[_generating_process(data)] ^= 1
    (tmp_path / "changed.grib2").write_bytes(data)
    (one,) = store.compare(None, tmp_path / "changed.grib2").differences
    assert [header.name for header in one.headers] == ["generatingProcessIdentifier"]
    assert one.values is None


def _generating_process(data):
    """Place of octet 14 of section 4: what made the field."""
    place = 16
    while data[place + 4] != 4:
        place += int.from_bytes(data[place : place + 4], "big")
    return place + 13


@pytest.mark.slow
def test_half_a_step_of_the_packing_is_allowed_when_it_is_asked_for(grib_folder, store, tmp_path):
    path = grib_folder / "aifs-single-t500.grib2"
    ingest(path, store)
    (message,) = scan(path)
    values = decode(message.read(), message.field.order)
    coarse = encode(values, message.field.keys, message.field.grid, bits_per_value=10)
    (tmp_path / "coarse.grib2").write_bytes(coarse)
    exact, packing, tight = (
        store.compare(None, tmp_path / "coarse.grib2", **options)
        for options in ({}, {"packing": True}, {"absolute": packing_step(coarse) / 4})
    )
    assert not exact.is_equal
    assert not tight.is_equal
    assert packing.is_equal
    assert exact.differences[0].values.largest <= packing_step(coarse) / 2 * 1.001


@pytest.mark.slow
def test_bytes_of_any_kind_are_compared(two):
    left, right = two
    for root, text in ((left, b"one"), (right, b"two")):
        root.archive(text, {"class": "rd", "stream": "enfo", "expver": "test"})
        root.flush()
    (one,) = left.compare(None, right).differences
    assert (one.grid, one.values.differing) == ("opaque", 1)


def test_a_field_that_is_damaged_differs_and_says_why(store, make_field, tmp_path):
    for step in ("0", "6"):
        field, keys = make_field(int(step), shape=(18, 36), step=step)
        store.archive(field + np.random.default_rng(int(step)).random((18, 36), dtype="float32"), keys)
    store.flush()
    store.copy(None, tmp_path / "other")
    chunk = max((tmp_path / "other/rd/enfo/test/chunks").iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    (one,) = store.compare(None, tmp_path / "other").differences
    assert "checksum" in one.reason
    assert "checksum" in one.text


def test_neither_side_or_no_such_side_is_an_error(two, tmp_path):
    left, right = two
    with pytest.raises(NoMatchError, match="class"):
        left.compare("class=od", right)
    with pytest.raises(NotFoundError, match="nowhere"):
        left.compare(None, tmp_path / "nowhere")
    with pytest.raises(NotFoundError, match="nothing.grib"):
        left.compare(None, [tmp_path / "nothing.grib"])


def test_a_comparison_on_workers_and_its_looks(two, make_field, many_tasks):
    left, right = two
    right.archive(*make_field(1.5, number="1", levelist="500", step="0"))
    right.flush()
    seen = []
    found = left.compare(None, right, on_progress=seen.append)
    assert [one.fields_done for one in seen][-1] == 4
    assert "1 differ" in repr(found)
    assert "12 of 12 values, by up to 1.5" in found._repr_html_()
    assert found.to_dict()["differences"][0]["values"]["largest"] == 1.5
