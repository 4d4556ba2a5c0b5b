"""Lines of a topology: what is no coast is left out."""

import numpy as np

from dtedask.plot.generate_coastlines import lines_of


def lines(*arcs):
    """Lines of arcs that are given by their points in degrees."""
    steps = [np.diff(np.array(arc) * 100, axis=0, prepend=[[0, 0]]).astype(int).tolist() for arc in arcs]
    topology = {"arcs": steps, "transform": {"scale": [0.01, 0.01], "translate": [0.0, 0.0]}}
    return [(line / 100).tolist() for line in lines_of(topology)]


def test_a_coast_stays_as_it_is():
    assert lines([[1, 2], [3, 4.5], [1, 2]]) == [[[1, 2], [3, 4.5], [1, 2]]]


def test_sides_along_the_date_line_cut_a_polygon_into_its_coasts():
    assert lines([[170, 0], [180, 1], [180, 5], [170, 6]]) == [[[170, 0], [180, 1]], [[180, 5], [170, 6]]]


def test_the_side_along_the_south_pole_is_no_coast():
    assert lines([[-170, -80], [-180, -85], [-180, -90], [180, -90], [180, -85], [170, -80]]) == [
        [[-170, -80], [-180, -85]],
        [[180, -85], [170, -80]],
    ]
