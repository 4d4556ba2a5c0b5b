from itertools import product

import numpy as np
import pytest

from dtedask.geo import Grid
from dtedask.geo.cells.meeting import meeting
from dtedask.geo.cells.of_grid import cells_of

ROTATIONS = ([-90, 10], [-45, 0], [0, 0])  # not at all, and so that lines of both grids coincide
ALL = [
    "O8",
    "F8",
    "10/10",
    "L3x5",
    "H4",
    "CS-LFR-4",
    "CS-EA-6",
    *({"grid": [10, 10], "rotation": r} for r in ROTATIONS),
]


def unstructured():
    latitude, longitude = Grid("F8").points()
    return Grid.unstructured(latitude, longitude)


@pytest.mark.slow
def test_cells_of_all_kinds_fill_each_other_where_their_sides_coincide_too():
    grids = [*map(Grid, ALL), unstructured()]
    for source, target in product(map(cells_of, grids), repeat=2):
        met = meeting(source, target)
        found = met.overlaps(0, len(met.target_areas))
        rows = np.repeat(np.arange(len(met.target_areas)), np.diff(found.indptr))
        np.testing.assert_allclose(np.bincount(rows, found.areas), met.target_areas, rtol=1e-11)
        np.testing.assert_allclose(np.bincount(found.indices, found.areas), met.source_areas, rtol=1e-11)
