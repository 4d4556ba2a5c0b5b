"""Products of GRIB, read by ecCodes."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dtedask.core.errors import GribUnsupportedError, ProductError
from dtedask.grib import coordinates, decode, scan
from dtedask.grib.library import eccodes
from dtedask.products import Part
from dtedask.products.format import AnyFormat, make_format
from dtedask.testing import FormatSuite
from dtedask.testing.formats import labels_of, make_part, written

KEYS = ("shortName", "step", "level", "mars.number", "edition", "packingType", "bitsPerValue", "totalLength")


def value(message, key):
    return eccodes.codes_get(message, key) if eccodes.codes_is_defined(message, key) else None


def messages(path):
    """Keys and values of all messages of a file, as ecCodes has them; missing ones NaN."""
    found = []
    with path.open("rb") as file:
        while (message := eccodes.codes_grib_new_from_file(file)) is not None:
            eccodes.codes_set(message, "missingValue", 1e36)
            values = eccodes.codes_get_values(message)
            keys = {
                key: eccodes.codes_get(message, key) if eccodes.codes_is_defined(message, key) else None for key in KEYS
            }
            found.append((keys, np.where(values == 1e36, np.nan, values)))
            eccodes.codes_release(message)
    return found


def parts_of(path):
    """The fields of a file, as planning reads them."""
    return [
        Part(one.field, decode(one.read(), one.field.order, dtype="float32"), coordinates(one)) for one in scan(path)
    ]


class GribSuite(FormatSuite):
    def seen(self, path):
        return {
            (said["shortName"], float(said["step"]), float(said["level"]), said["mars.number"]): values
            for said, values in messages(path)
        }


class TestGrib2(GribSuite):
    document: ClassVar = {"type": "grib2"}
    error = 1.0 / (2**16 - 2)


class TestExact(GribSuite):
    document: ClassVar = {"type": "grib2", "packing": "ieee"}


class TestSecondOrder(GribSuite):
    document: ClassVar = {"type": "grib2", "packing": "second-order", "accuracy": 12}
    error = 1.0 / (2**12 - 2)


class TestGrib1(GribSuite):
    document: ClassVar = {"type": "grib2", "edition": 1}
    error = 1.0 / (2**16 - 2)


def test_messages_stand_in_the_order_of_the_product(tmp_path):
    parts = [make_part(step=step, levelist=level) for step in ("12", "0") for level in ("850", "500")]
    written(parts, {"type": "grib"}, tmp_path / "file")
    assert [(said["step"], said["level"]) for said, _ in messages(tmp_path / "file")] == [
        (12, 850), (12, 500), (0, 850), (0, 500),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "packing"), [("ifs-oper-surface.grib2", "grid_ccsds"), ("o32.grib2", "grid_simple")])
def test_packing_and_bits_are_those_of_the_field_where_nothing_is_said(grib_folder, tmp_path, name, packing):
    parts = parts_of(grib_folder / name)
    written(parts, {"type": "grib2"}, tmp_path / "file")
    found = messages(tmp_path / "file")
    assert [said["packingType"] for said, _ in found] == [packing] * len(parts)
    assert [said["bitsPerValue"] for said, _ in found] == [part.description.bits_per_value for part in parts]
    for part, again in zip(parts, parts_of(tmp_path / "file"), strict=True):
        np.testing.assert_array_equal(part.payload, again.payload)


@pytest.mark.slow
def test_keys_of_real_fields_come_back(grib_folder, tmp_path):
    skipped = {"lambert.grib", "icon.grib", "era5-levels-corrupted.grib"}
    for path in sorted(grib_folder.glob("*.grib*")):
        if path.name in skipped:
            continue
        parts = parts_of(path)[:5]
        written(parts, {"type": "grib2"}, tmp_path / path.name)
        found = list(scan(tmp_path / path.name))
        assert [dict(one.field.keys) for one in found] == [dict(part.description.keys) for part in parts]
        assert [one.field.grid for one in found] == [part.description.grid for part in parts]


@settings(max_examples=20)
@given(st.integers(1, 24), st.sampled_from(["simple", "ccsds"]))
def test_as_many_bits_as_asked_for(tmp_path_factory, bits, packing):
    path = tmp_path_factory.mktemp("bits") / "file"
    written([make_part(5.0)], {"type": "grib2", "accuracy": bits, "packing": packing}, path)
    ((said, _),) = messages(path)
    assert said["bitsPerValue"] == bits


@pytest.mark.slow
@settings(max_examples=20)
@given(st.floats(1e-5, 0.3))
def test_no_value_is_further_off_than_the_largest_error(tmp_path_factory, error):
    path, part = tmp_path_factory.mktemp("error") / "file", make_part(5.0)
    written([part], {"type": "grib2", "largest_error": error}, path)
    ((_, values),) = messages(path)
    assert np.abs(values - part.payload.ravel()).max() <= error


def test_each_message_takes_a_multiple_of_the_padding(tmp_path):
    parts = [make_part(step=step) for step in ("0", "6")]
    written(parts, {"type": "grib2", "padding": 512}, tmp_path / "file")
    data = (tmp_path / "file").read_bytes()
    assert len(data) % 512 == 0
    starts = [place for place in range(0, len(data), 512) if data[place : place + 4] == b"GRIB"]
    assert [labels_of(part)[1] for part in parts] == [float(said["step"]) for said, _ in messages(tmp_path / "file")]
    assert len(starts) == 2


@pytest.mark.parametrize(
    ("given", "packing"), [("SM", "simple"), ("grid_ccsds", "ccsds"), ("archived-value", "av"), ("so", "second-order")]
)
def test_packings_have_the_names_of_mars_too(given, packing):
    assert TypeAdapter(AnyFormat).validate_python({"type": "grib2", "packing": given}).packing == packing


def test_other_words_are_refused():
    with pytest.raises(ValidationError, match="packing"):
        TypeAdapter(AnyFormat).validate_python({"type": "grib2", "packing": "zip"})
    with pytest.raises(ValidationError, match="bits"):
        TypeAdapter(AnyFormat).validate_python({"type": "grib2", "bits": 12})


def test_a_field_without_a_class_is_refused_before_anything_is_read():
    field = make_part().description
    keys = {key: value for key, value in field.keys.items() if key != "class"}
    kind = make_format(TypeAdapter(AnyFormat).validate_python({"type": "grib2"}))
    with pytest.raises(ProductError, match="has no class"):
        kind.encoding(replace(field, keys=keys))


@pytest.mark.parametrize("said", [{}, {"packing": "complex", "accuracy": 24}, {"packing": "ccsds", "accuracy": 12}])
def test_harmonics_are_packed_as_such_with_as_many_bits(tmp_path, grib_folder, said):
    (part,) = parts_of(grib_folder / "spherical-harmonics.grib")
    written([part], {"type": "grib2", **said}, tmp_path / "file")
    ((found, values),) = messages(tmp_path / "file")
    assert (found["packingType"], found["bitsPerValue"]) == ("spectral_complex", said.get("accuracy", 16))
    # Short waves are as exact as they are small: far better than steps of the whole range would be.
    span = np.ptp(part.payload)
    assert np.abs(values - part.payload.ravel()).max() <= 0.01 * span / 2 ** found["bitsPerValue"]


def test_harmonics_are_written_in_edition_1_as_well(tmp_path, grib_folder):
    (part,) = parts_of(grib_folder / "spherical-harmonics.grib")
    for edition in (1, 2):
        written([part], {"type": "grib2", "edition": edition}, tmp_path / str(edition))
    ((first, one),), ((_, two),) = (messages(tmp_path / edition) for edition in "12")
    assert first["edition"] == 1
    np.testing.assert_allclose(one, two, atol=1e-6 * np.ptp(part.payload))


def test_what_grib_cannot_say_is_refused_before_anything_is_read(grib_folder):
    lambert = next(iter(scan(grib_folder / "lambert.grib"))).field
    second, first = (
        make_format(TypeAdapter(AnyFormat).validate_python({"type": "grib2", "edition": edition})) for edition in (2, 1)
    )
    with pytest.raises(
        GribUnsupportedError, match=r"param=3112 on the grid lambert-0d24c336 .* GRIB2: ecCodes knows no"
    ):
        second.encoding(lambert)
    field = next(iter(scan(grib_folder / "healpix-h8.grib2"))).field
    second.encoding(field)
    with pytest.raises(GribUnsupportedError, match="cannot be written as GRIB1"):
        first.encoding(field)
