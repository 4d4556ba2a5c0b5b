"""Products that are fields of a cube."""

import pytest
from pydantic import TypeAdapter

from dtedask.core.errors import FieldError, ProductError
from dtedask.grib import scan
from dtedask.products.format import AnyFormat, make_format
from dtedask.testing.formats import make_part, make_product

CUBE = {"type": "cube"}


def kind():
    return make_format(TypeAdapter(AnyFormat).validate_python(CUBE))


def test_fields_stay_as_they_are_and_there_is_no_file(tmp_path):
    assert kind().suffix == ""
    assert kind().encoding(make_part().description) is None
    with pytest.raises(ProductError, match="no file that a folder"):
        kind().write(make_product([], CUBE), [], tmp_path / "file", {})
    assert not (tmp_path / "file").exists()


def test_fields_of_any_grids_are_taken_once_each(grib_folder):
    fields = [next(iter(scan(grib_folder / name))).field for name in ("o32.grib2", "spherical-harmonics.grib")]
    product = make_product([], CUBE)
    kind().check(product, fields)
    with pytest.raises(ProductError, match="a cube has room for one"):
        kind().check(product, [*fields, fields[0]])


def test_what_a_cube_cannot_hold_is_refused():
    part = make_part(type="pf", stream="enfo", number="1")
    with pytest.raises(FieldError, match="cannot be told from the control"):
        kind().check(make_product([], CUBE), [make_part(type="pf", stream="enfo", number="0").description])
    kind().check(make_product([], CUBE), [part.description])
