"""What keywords do without MIR beside: formulas' places, bitmaps, what is refused."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from dtedask.core.errors import GridError, ProductError
from dtedask.geo import Grid
from dtedask.geo.bitmaps import read_bitmap
from dtedask.products import Nodes, Operation, PostProcessing
from dtedask.products.operations.chain import post_processed
from dtedask.products.operations.pairs import inputs_for
from dtedask.products.requirement import Formula
from tests.products.operations.fields import given, made


@dataclass(frozen=True)
class Applied(Operation):
    name = "formula"
    text: str

    @property
    def identity(self):
        return self.text

    def describe(self, *fields):
        return replace(fields[0], name=f"{fields[0].name}, {self.text}")

    def __call__(self, *values):
        return sum(values) ** 2


def noting(others=()):
    places = []

    def apply(nodes, formula, field, bring):
        brought = [bring(other) for other in others]
        assert all(other.description.grid == field.description.grid for other in brought)
        places.append((formula.at, field.description.grid.label, field.size))
        return nodes.make(Applied(formula.text), field, *brought)

    return apply, places


POINTS = ("epilogue", "gridded", "spectral", "raw", "prologue")


@pytest.mark.parametrize("frame", [0, 2])
def test_formulas_act_on_points_before_these_are_interpolated_as_with_mir(frame):
    nodes, (apply, places) = Nodes(), noting()
    formulas = tuple(Formula(point, point) for point in POINTS)
    how = PostProcessing(grid="2x2", area=(60.0, 0.0, 20.0, 40.0), frame=frame, formulas=formulas)
    post_processed(nodes, how, given(nodes, "O32"), formula=apply)
    native, final = ("O32", 5248), (Grid({"grid": [2, 2], "area": [60, 0, 20, 40]}).label, 21 * 21)
    assert places == [("prologue", *native), ("raw", *native), ("gridded", *native), ("epilogue", *final)]


def test_formulas_act_on_harmonics_and_then_on_the_grid_before_the_frame():
    nodes, (apply, places) = Nodes(), noting()
    formulas = tuple(Formula(point, point) for point in POINTS)
    values = np.zeros(Grid("T21").size)
    how = PostProcessing(grid="10x10", truncation="10", frame=1, formulas=formulas)
    node = post_processed(nodes, how, given(nodes, "T21", values), formula=apply)
    assert [(at, label) for at, label, _ in places] == [
        ("prologue", "T21"), ("raw", "T21"), ("spectral", "T21"), ("gridded", "10x10"), ("epilogue", "10x10"),
    ]  # fmt: skip
    assert np.isnan(made(node)).sum() == 17 * 34


def test_other_fields_of_a_formula_are_brought_to_where_the_field_is():
    nodes = Nodes()
    other = given(nodes, "N32", param="151")
    spectral = given(nodes, "T21", np.zeros(Grid("T21").size))
    apply, places = noting([other])
    for field, at in ((given(nodes, "N32"), "gridded"), (given(nodes, "N32"), "epilogue"), (spectral, "epilogue")):
        how = PostProcessing(grid="2x2", area=(60.0, 0.0, 20.0, 40.0), frame=2, formulas=(Formula("f + x", at),))
        post_processed(nodes, how, field, formula=apply)
    assert [place[2] for place in places] == [other.size, 21 * 21, 21 * 21]


def test_a_formula_without_somebody_who_can_apply_it_is_an_error():
    nodes = Nodes()
    with pytest.raises(ProductError, match="Nothing is there that can apply the formula 'f'"):
        post_processed(nodes, PostProcessing(formulas=(Formula("f"),)), given(nodes, "O16"))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (PostProcessing(grid="X7"), "no grid 'X7'"),
        (PostProcessing(grid="2x2", missing="some"), "no treatment of missing values 'some'"),
        (PostProcessing(grid="2x2", method_options=(("path", "x"),)), "no option 'path'"),
        (PostProcessing(grid="O16", area=(0.1, 0.1, 0.0, 0.2)), "No point of the grid O16"),
        (PostProcessing(grid="32", gaussian="square"), "no 'square' Gaussian grids"),
        (PostProcessing(vod2uv=True), "not of points of 10x10"),
    ],
)
def test_what_cannot_be_done_is_an_error_before_anything_is_read(how, message):
    nodes = Nodes()
    with pytest.raises(ProductError, match=message):
        post_processed(nodes, how, given(nodes, "10/10"))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (PostProcessing(grid="2x2", truncation="much"), "truncation 'much' is none"),
        (PostProcessing(grid="2x2", intgrid="H8"), "intermediate grid 'H8' is not Gaussian"),
        (PostProcessing(grid="2x2", vod2uv=True), "the other is not there"),
        (PostProcessing(area=(60.0, 0.0, 20.0, 40.0)), "Harmonics of T21 have no points: area means nothing"),
        (PostProcessing(truncation="10", frame=2), "no points: frame means nothing"),
    ],
)
def test_what_cannot_be_done_with_harmonics_is_an_error(how, message):
    nodes = Nodes()
    with pytest.raises(ProductError, match=message):
        post_processed(nodes, how, given(nodes, "T21", np.zeros(Grid("T21").size)))


def test_lists_of_points_have_no_frame():
    nodes = Nodes()
    field = given(nodes, Grid("H8-nested"), np.zeros(768))
    with pytest.raises(ProductError, match="stand in no rows"):
        post_processed(nodes, PostProcessing(frame=1), field)


def test_only_winds_are_made_of_vorticity_and_divergence():
    with pytest.raises(ProductError, match="param=130 is none"):
        inputs_for({"param": "130"}, PostProcessing(vod2uv=True))
    found = inputs_for({"param": "132", "step": "6"}, PostProcessing(vod2uv=True))
    assert [keys["param"] for keys in found] == ["155", "138"]
    assert inputs_for({"param": "130"}, PostProcessing(rotation=(-35.0, 15.0))) == ({"param": "130"},)
    turned = inputs_for({"param": "166"}, PostProcessing(rotation=(-35.0, 15.0)))
    assert [keys["param"] for keys in turned] == ["166", "165"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("points=1:1", "has no size"),
        ("size=2:2", "has no points"),
        ("size=2:2,points=3:1", "names row 3"),
        ("size=2:2,points=1:1-3", "names 1 to 3"),
        ("size=2:2,points=1:2-1", "names 2 to 1"),
        ("size=2:2,points=1:1--", "names no points"),
    ],
)
def test_a_bitmap_that_says_nothing_is_refused(text, message, tmp_path):
    (tmp_path / "bitmap").write_text(text)
    with pytest.raises(GridError, match=message):
        read_bitmap(str(tmp_path / "bitmap"))


def test_a_bitmap_that_changes_or_does_not_fit_is_noticed(tmp_path):
    nodes, path = Nodes(), tmp_path / "bitmap"
    field, how = given(nodes, "10/10"), PostProcessing(bitmap=str(path))
    with pytest.raises(ProductError, match="cannot be read"):
        post_processed(nodes, how, field)
    path.write_text("size=3:3,points=1:1")
    with pytest.raises(ProductError, match="has 3 x 3 points, and 10x10 has 684"):
        post_processed(nodes, how, field)
    path.write_text("size=19:36,points=1:1,2:0")
    first = post_processed(nodes, how, field)
    assert np.isfinite(made(first)).sum() == 1
    path.write_text("size=19:36,points=1:1-12,2:0")
    assert np.isfinite(made(post_processed(nodes, how, field))).sum() == 12
    assert first.description.has_bitmap


def test_a_grid_may_be_a_specification():
    nodes = Nodes()
    field = given(nodes, "O16")
    said = '{"grid":"O12"}'
    node = post_processed(nodes, PostProcessing(grid=said, rotation=(-35.0, 15.0)), field)
    assert node.description.grid == Grid({"grid": "O12", "rotation": [-35, 15]})
    node = post_processed(nodes, PostProcessing(grid='{"shape":[10,20]}', area=(60.0, 0.0, 0.0, 90.0)), field)
    assert node.description.grid == Grid({"shape": [10, 20]}).within((60, 0, 0, 90))
