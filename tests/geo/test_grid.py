import hashlib
import pickle

import pytest

from dtedask.geo import Grid

LATLON = {"north": 90.0, "south": -90.0, "west": 0.0, "east": 359.75, "dx": 0.25, "dy": 0.25}
LATLON |= {"ni": 1440, "nj": 721, "periodic": True}


def octahedral(number):
    half = [20 + 4 * row for row in range(number)]
    return half + half[::-1]


@pytest.mark.parametrize(
    ("kind", "description", "label"),
    [
        ("regular_ll", LATLON, "0.25x0.25"),
        ("reduced_gg", {"n": 320, "pl": octahedral(320)}, "O320"),
        ("regular_gg", {"n": 80, "ni": 320}, "F80"),
        ("healpix", {"nside": 8, "ordering": "ring"}, "H8"),
        ("healpix", {"nside": 8, "ordering": "nested"}, "H8-nested"),
        ("sh", {"truncation": 63}, "T63"),
    ],
)
def test_well_known_grids_have_their_names(kind, description, label):
    assert Grid.of(kind, description, ("values",), (1,)).label == label


@pytest.mark.parametrize(
    ("kind", "description"),
    [
        ("regular_ll", LATLON | {"north": 60.0}),
        ("regular_ll", LATLON | {"west": 0.125}),
        ("reduced_gg", {"n": 4, "pl": [18, 25, 36, 40, 40, 36, 25, 18]}),
        ("reduced_gg", {"n": 320, "pl": octahedral(320), "rows": [0, 640]}),
        ("regular_gg", {"n": 80, "ni": 320, "rows": [0, 80]}),
        ("healpix", {"nside": 8, "ordering": "ring", "first_longitude": 0.0}),
        ("lambert", {"dx": 2500.0}),
    ],
)
def test_other_grids_are_named_by_kind_and_digits_of_their_uid(kind, description):
    grid = Grid.of(kind, description, ("values",), (1,))
    assert grid.label == f"{kind}-{grid.uid[:8]}"
    assert "/" not in grid.label


def test_the_uid_is_the_digest_of_a_description_that_reads_back():
    grid = Grid.of("sh", {"truncation": 63}, ("values",), (4160,))
    assert grid.uid == hashlib.sha256(b'{"kind":"sh","truncation":63}').hexdigest()
    assert grid.description == {"kind": "sh", "truncation": 63}
    assert pickle.loads(pickle.dumps(grid)) == grid
    assert grid.size == 4160
