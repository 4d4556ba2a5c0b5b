"""Messages beside other layouts, and what else can be done with a cube of them."""

from __future__ import annotations

import io
import itertools

import icechunk
import numpy as np
import pytest
import xarray as xr
import zarr

import dtedask
from dtedask.grib import describe, scan
from dtedask.store import Schema
from dtedask.store.location import Location
from dtedask.store.repository import head
from dtedask.store.schema import Values

CUBE = "rd/enfo/test"
KEPT = Schema(layout="messages")


@pytest.fixture
def store(tmp_path):
    return dtedask.open(tmp_path / "root", schema=KEPT)


def archive(store, make_field, value=1.0, **keys):
    array, keys = make_field(value, **{"number": "1", "levelist": "500", **keys})
    store.archive(array, keys)
    return array


def layouts(root):
    """Layout of each variable, by the first codec of its array."""
    snapshot = head(Location.parse(root), CUBE)
    (group,) = snapshot.group_names
    return {name: one.metadata["codecs"][0]["name"] for name, one in snapshot.group(group).variables.items()}


def test_parameters_of_one_group_have_layouts_of_their_own(tmp_path, make_field):
    schema = Schema(parameters={"t": Values(layout="messages")})
    store = dtedask.open(tmp_path / "root", schema=schema)
    expected = {param: archive(store, make_field, 2.0, param=param) for param in ("t", "u")}
    store.flush()
    assert layouts(store.root) == {"t": "dtedask.grib", "u": "bytes"}
    dataset = store.retrieve({})
    for param, array in expected.items():
        np.testing.assert_array_equal(dataset[param].squeeze(), array)
    assert len(list(store.to_grib({}))) == 2


def test_after_an_update_of_the_schema_new_variables_are_messages_and_old_ones_stay(tmp_path, make_field):
    store = dtedask.open(tmp_path / "root")
    archive(store, make_field, param="t")
    store.flush()
    store.update_schema(KEPT)
    again = dtedask.open(store.root)
    arrays = {("t", "6"): archive(again, make_field, 3.0, param="t", step="6")}
    arrays["u", "0"] = archive(again, make_field, 4.0, param="u")
    again.flush()
    assert layouts(store.root) == {"t": "bytes", "u": "dtedask.grib"}
    for (param, step), array in arrays.items():
        np.testing.assert_array_equal(again.retrieve(f"param={param},step={step}")[param].squeeze(), array)


def test_what_was_replaced_or_wiped_is_listed_and_compared(store, make_field):
    for step in ("0", "6", "12"):
        archive(store, make_field, 1.0, step=step)
    (first,) = store.flush()
    archive(store, make_field, 2.0, step="6")
    store.flush()
    store.wipe("class=rd,expver=test,step=12", doit=True)
    difference = store.diff(first.snapshot)
    assert [change.keys["step"] for change in difference.replaced] == ["6"]
    assert [change.keys["step"] for change in difference.removed] == ["12"]
    assert sorted(one.keys["step"] for one in store.list(masked=True)) == ["0", "12", "6", "6"]


def test_what_waits_for_a_flush_and_what_a_branch_holds_is_read(store, make_field):
    archive(store, make_field, 1.0)
    store.flush()
    waiting = archive(store, make_field, 2.0, step="6")
    np.testing.assert_array_equal(store.retrieve("step=6")["t"].squeeze(), waiting)
    store.flush()
    store.create_branch("test")
    branch = dtedask.open(store.root, branch="test")
    other = archive(branch, make_field, 9.0)
    branch.flush()
    np.testing.assert_array_equal(branch.retrieve("step=0")["t"].squeeze(), other)
    assert store.retrieve("step=0")["t"].to_numpy().ravel()[0] == 1.0


def test_sizes_are_those_of_the_messages(store, grib_folder):
    file = grib_folder / "ens-50.grib"
    store.archive(file)
    store.flush()
    size = sum(one.length + 4 for one in scan(file))
    (cube,) = store.stats().cubes
    assert (cube.pack_bytes, cube.live_pack_bytes) == (size, size)
    assert store.wipe("class=od,expver=0001").size_bytes == size
    store.archive(file)
    assert store.flush() == []
    store.wipe("class=od,expver=0001,type=pf", doit=True)
    left = next(one.length + 4 for one in scan(file) if one.field.keys["type"] == "cf")
    assert (store.stats().cubes[0].pack_bytes, store.stats().cubes[0].live_pack_bytes) == (size, left)
    (group,) = store.dump("od/enfo/0001").groups
    assert [one.codecs for one in group.arrays if one.name == "z"] == [("dtedask.grib",)]


@pytest.mark.slow
def test_plain_zarr_and_xarray_read_a_cube_of_messages(store, grib_folder):
    store.archive(grib_folder / "pl-regular-ll.grib")
    store.flush()
    ours = store.retrieve({})
    (cube,) = store.cubes()
    storage = icechunk.local_filesystem_storage(f"{store.root}/{cube}")
    places = icechunk.Repository.fetch_config(storage).virtual_chunk_containers
    repo = icechunk.Repository.open(storage, authorize_virtual_chunk_access=dict.fromkeys(places))
    session = repo.readonly_session("main")
    plain = xr.open_zarr(session.store, group="fc/pl/10x10", consolidated=False)
    for name in ("t", "u", "v", "r", "z"):
        np.testing.assert_array_equal(plain[name].sortby("level"), ours[name])
    array = zarr.open_array(session.store, path="fc/pl/10x10/t", mode="r")
    np.testing.assert_array_equal(array[1, 0, 0], plain["t"][1, 0, 0])


def several(messages):
    """One message of several fields, of messages of one grid."""
    parts = []
    for number, message in enumerate(messages):
        place = 16
        while place < len(message) - 4:
            size, kind = int.from_bytes(message[place : place + 4], "big"), message[place + 4]
            if number == 0 or kind >= 4:
                parts.append(message[place : place + size])
            place += size
    body = b"".join(parts)
    return messages[0][:8] + (16 + len(body) + 4).to_bytes(8, "big") + body + b"7777"


def product(message):
    """Bytes of a message from its product on: what each field of several has of its own."""
    place = 16
    while message[place + 4] < 4:
        place += int.from_bytes(message[place : place + 4], "big")
    return message[place:]


def test_fields_of_one_message_become_messages_of_their_own(store, grib_folder):
    file = grib_folder / "ifs-oper-surface.grib2"
    data = file.read_bytes()
    singles = [data[one.offset : one.offset + one.length] for one in itertools.islice(scan(file), 3)]
    whole = several(singles)
    store.archive(io.BytesIO(whole))
    store.flush()
    found = list(store.to_grib({}))
    assert len(found) == len(singles)
    assert sorted(map(product, found)) == sorted(map(product, singles))
    assert all(describe(one).keys["date"] == describe(singles[0]).keys["date"] for one in found)


@pytest.mark.slow
def test_both_editions_of_a_variable_are_kept_side_by_side(tmp_path, grib_folder):
    from dtedask.grib.library import eccodes

    first = (grib_folder / "ens-50.grib").read_bytes()
    messages = [first[one.offset : one.offset + one.length] for one in itertools.islice(scan(first), 2)]
    handle = eccodes.codes_new_from_message(messages[1])
    eccodes.codes_set(handle, "edition", 2)
    messages[1] = eccodes.codes_get_message(handle)
    eccodes.codes_release(handle)
    store = dtedask.open(tmp_path / "root", schema=KEPT)
    store.archive(messages)
    store.flush()
    assert sorted(store.to_grib({})) == sorted(messages)
    decoded = dtedask.open(tmp_path / "map")
    decoded.archive(messages)
    decoded.flush()
    xr.testing.assert_equal(store.retrieve_tree({}).load(), decoded.retrieve_tree({}).load())
