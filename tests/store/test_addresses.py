"""Places that are found by what fields share are those that are found for each alone."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import DtedaskError
from dtedask.grib import scan
from dtedask.store.addresses import Addresses
from dtedask.store.identity import address_of
from dtedask.store.schema import Schema, default_schema

FILES = ("pl-regular-ll.grib", "ens-50.grib", "ifs-oper-surface.grib2", "t-on-different-level-types.grib")


def place(find, description):
    """Everything about a place, with what comparing two of them leaves out; or the error in its stead."""
    try:
        address = find(description)
    except DtedaskError as error:
        return (type(error), str(error))
    return {field.name: getattr(address, field.name) for field in dataclasses.fields(address)}


@pytest.fixture(scope="module")
def descriptions(grib_folder):
    return [message.field for name in FILES for message in list(scan(grib_folder / name))[:6]]


intervals = st.sampled_from([None, (0, 0), (0, 21600), (0, 43200), (21600, 43200), (36000, 43200)])
changed_keys = st.fixed_dictionaries(
    {},
    optional={
        "date": st.sampled_from(["20240101", "20240102", "202401", None]),
        "time": st.sampled_from(["0000", "1230", None]),
        "step": st.sampled_from(["0", "6", "90m", "0-6", "6-12", None]),
        "number": st.sampled_from(["0", "1", "51", None]),
        "levelist": st.sampled_from(["500", "0.5", "many", None]),
        "type": st.sampled_from(["an", "fc", "cf", "pf"]),
        "param": st.sampled_from(["130", "228", None]),
        "timespan": st.sampled_from(["6h", "fs", None]),
        "stattype": st.sampled_from(["max", None]),
        "hdate": st.just("20000101"),
        "direction": st.sampled_from(["1", "2"]),
        "model": st.sampled_from(["a", "b", "c/d"]),
    },
)
other = st.fixed_dictionaries(
    {"keys": changed_keys},
    optional={
        "interval": intervals,
        "step_seconds": st.sampled_from([0, 21600]),
        "level": st.sampled_from([None, 2.0, 10.0]),
        "units": st.sampled_from(["K", "m"]),
        "step_type": st.sampled_from(["instant", "accum", "max"]),
        "edition": st.sampled_from([1, 2]),
    },
)


def changed(description, change):
    keys = {**description.keys, **change["keys"]}
    keys = {key: value for key, value in keys.items() if value is not None}
    return dataclasses.replace(description, **{**change, "keys": keys})


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 20), other), min_size=2, max_size=12))
def test_places_of_many_fields_are_those_of_each_alone(descriptions, changes):
    addresses, schema = Addresses(default_schema()), default_schema()
    for number, change in changes:
        description = changed(descriptions[number % len(descriptions)], change)
        assert place(addresses.of, description) == place(lambda one: address_of(one, schema), description)


def test_fields_that_differ_in_labels_share_the_description_of_their_variable(grib_folder):
    addresses = Addresses(default_schema())
    found = [addresses.of(message.field) for message in scan(grib_folder / "pl-regular-ll.grib")]
    assert len({address.identity for address in found}) == 240
    assert len({id(address.variable) for address in found}) == 2 * 5  # at step 0 nothing is said of statistics


def test_under_types_of_a_root_the_labels_are_its_own(grib_folder):
    schema = Schema.model_validate({"keys": {"date": "climate-monthly"}})
    message = next(iter(scan(grib_folder / "pl-regular-ll.grib")))
    addresses = Addresses(schema)
    for month in range(1, 13):
        description = changed(message.field, {"keys": {"date": f"{month}"}})
        address = addresses.of(description)
        assert address.labels[address.variable.dims.index("month")] == month
