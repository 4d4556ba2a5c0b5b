"""Maps, read by Pillow."""

import io
from collections import Counter
from dataclasses import replace
from typing import ClassVar

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from dtedask.core.errors import DocumentError, FieldError, GridError, ProductError
from dtedask.grib import coordinates, decode, scan
from dtedask.products import Part
from dtedask.products.format import AnyFormat, make_format
from dtedask.products.formats.pictures import pictures_of
from dtedask.testing import FormatSuite
from dtedask.testing.formats import make_part, make_product, written

RED, BLUE, GREY = (255, 0, 0), (0, 0, 255), (217, 217, 217)
TWO = {"levels": [0, 10, 20], "colours": ["#ff0000", "#0000ff"], "extend": "neither"}


@pytest.mark.slow
class TestPng(FormatSuite):
    document: ClassVar = {"type": "png", "width": 300}
    shows_values = False

    def several(self):
        return super().several()[:4]


def drawn(parts, path, **options):
    written(parts, {"type": "png", **options}, path)
    with Image.open(path) as image:
        return image.convert("RGB")


def halves():
    """5 in the north, 15 in the south."""
    part = make_part()
    part.payload[:6], part.payload[6:] = 5.0, 15.0
    return part


def share(image, colour):
    counts = Counter(image.get_flattened_data() if hasattr(image, "get_flattened_data") else image.getdata())
    return counts[colour] / (image.width * image.height)


def test_a_map_is_as_wide_as_wanted_and_has_the_colours_of_its_values(tmp_path):
    image = drawn([halves()], tmp_path / "map", style=TWO, width=600)
    assert image.width == 600
    assert 0.1 < share(image, RED) < 0.5
    assert 0.1 < share(image, BLUE) < 0.5
    reds = np.flatnonzero((np.asarray(image) == RED).all(axis=2).any(axis=1))
    blues = np.flatnonzero((np.asarray(image) == BLUE).all(axis=2).any(axis=1))
    assert reds[0] < blues[0]


@pytest.mark.slow
def test_a_legend_shows_all_colours_even_where_the_map_does_not(tmp_path):
    part = halves()
    part.payload[:] = 5.0
    image = drawn([part], tmp_path / "map", style=TWO)
    assert 0 < share(image, BLUE) < 0.02 < share(image, RED)


@pytest.mark.slow
def test_missing_values_are_grey(tmp_path):
    part = halves()
    part.payload[3:9] = np.nan
    assert share(drawn([part], tmp_path / "map", style=TWO), GREY) > 0.1


@pytest.mark.slow
def test_several_fields_stand_side_by_side(tmp_path):
    parts = [make_part(step=step, levelist=level) for step in ("0", "6") for level in ("500", "850")]
    one, two = (drawn(parts, tmp_path / str(columns), columns=columns) for columns in (1, 2))
    assert (one.width, two.width) == (640, 1280)
    assert one.height > 1.8 * two.height


@pytest.mark.slow
def test_maps_of_one_parameter_have_the_same_colours(tmp_path):
    low, high = make_part(step="0"), make_part(step="6")
    low.payload[:], high.payload[:] = 0.0, 100.0
    low, high = (replace(one, description=replace(one.description, short_name="nobody")) for one in (low, high))
    image = np.asarray(drawn([low, high], tmp_path / "map", columns=2))
    left, right = image[:, :640].reshape(-1, 3), image[:, 640:].reshape(-1, 3)
    most = [Counter(map(tuple, half.tolist())).most_common(2) for half in (left, right)]
    assert {colour for colour, _ in most[0]} != {colour for colour, _ in most[1]}


def test_components_of_a_wind_are_one_map_and_isolines_lie_over_others():
    fields = [
        make_part(param=param, step=step, levelist=level).description
        for step in ("0", "6")
        for param, level in (("u", "850"), ("v", "850"), ("t", "850"), ("z", "500"))
    ]
    assert pictures_of(fields, ()) == [((0, 1), ()), ((2,), ()), ((3,), ()), ((4, 5), ()), ((6,), ()), ((7,), ())]
    assert pictures_of(fields, ("z",)) == [((0, 1), (3,)), ((2,), (3,)), ((4, 5), (7,)), ((6,), (7,))]
    assert pictures_of(fields[3:4], ("z",)) == [((0,), ())]


def test_isolines_of_the_same_level_are_preferred():
    fields = [make_part(param=param, levelist=level).description for level in ("850", "500") for param in ("t", "z")]
    assert pictures_of(fields, ("z",)) == [((0,), (1,)), ((2,), (3,))]
    assert pictures_of([fields[0], fields[3]], ("z",)) == [((0,), (1,))]


@pytest.mark.slow
def test_winds_and_isolines_are_drawn(tmp_path):
    parts = [make_part(param=param) for param in ("u", "v")] + [make_part(50_000.0, param="z")]
    over = drawn(parts, tmp_path / "over", over="z")
    alone = drawn(parts[:2], tmp_path / "alone")
    assert over.size == alone.size == (1200, alone.height)


@pytest.mark.slow
def test_settings_of_matplotlib_do_not_count(tmp_path):
    plain = drawn([make_part()], tmp_path / "plain")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 20}):
        assert drawn([make_part()], tmp_path / "set") == plain
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.slow
@pytest.mark.parametrize("name", ["o32.grib2", "healpix-h8.grib2", "lambert.grib", "spherical-harmonics.grib"])
def test_every_grid_is_drawn(tmp_path, grib_folder, name):
    message = next(iter(scan(grib_folder / name)))
    part = Part(message.field, decode(message.read(), message.field.order), coordinates(message))
    image = drawn([part], tmp_path / "map", width=400)
    assert len(set(image.resize((100, 60)).convert("P").tobytes())) > 4


def test_points_that_nobody_knows_are_refused_before_anything_is_read(grib_folder):
    field = next(iter(scan(grib_folder / "icon.grib"))).field
    for document in ({"type": "png"}, {"type": "csv"}, {"type": "coveragejson"}):
        kind = make_format(TypeAdapter(AnyFormat).validate_python(document))
        with pytest.raises(GridError, match="are not known here"):
            kind.check(make_product([], document), [field])


def test_too_many_maps_are_refused():
    kind = make_format(TypeAdapter(AnyFormat).validate_python({"type": "png"}))
    fields = [make_part(step=str(step)).description for step in range(65)]
    with pytest.raises(ProductError, match="would have 65 maps"):
        kind.check(make_product([], {"type": "png"}), fields)


def test_styles_are_read_with_the_requirement_and_belong_to_the_identity(tmp_path):
    styles, document = tmp_path / "styles.yaml", {"path": tmp_path / "requirements.yaml"}
    said = {"type": "png", "style": "styles.yaml"}
    with pytest.raises(ValidationError, match="cannot be read"):
        TypeAdapter(AnyFormat).validate_python(said, context=document)
    identities = set()
    for colour in ("red", "blue"):
        styles.write_text(f"styles: [{{parameters: [t], colours: [{colour}, white], levels: [0, 1, 2]}}]")
        identities.add(make_format(TypeAdapter(AnyFormat).validate_python(said, context=document)).identity)
    assert len(identities) == 2


@pytest.mark.slow
def test_a_title_stands_in_place_of_that_of_the_field(tmp_path):
    usual, other, none = (
        drawn([make_part()], tmp_path / str(number), title=title) for number, title in enumerate((None, "Mine", ""))
    )
    assert len({io.BytesIO(one.tobytes()).getvalue() for one in (usual, other, none)}) == 3


@pytest.mark.parametrize(
    ("style", "error", "said"),
    [
        ({"units": "m"}, FieldError, "cannot be shown in 'm'"),
        ({"draw": "barbs"}, ProductError, "t is no wind of two components"),
        ("nobody", DocumentError, "There is no style 'nobody'"),
    ],
)
def test_styles_that_do_not_fit_are_refused_before_anything_is_read(style, error, said):
    document = {"type": "png", "style": style}
    kind = make_format(TypeAdapter(AnyFormat).validate_python(document))
    with pytest.raises(error, match=said):
        kind.check(make_product([], document), [make_part().description])
