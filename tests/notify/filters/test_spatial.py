"""Filters by place, against exact geometry: even-odd areas, with their edges, in fractions of integers."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dtedask.core.errors import NotificationError
from dtedask.notify.event_types import load_event_types
from dtedask.notify.filters.spatial import box

TYPE = load_event_types({"t": {"identifier": {"polygon": "polygon", "name": "string"}}})["t"]
CLOUD = load_event_types({"t": {"identifier": {"point_cloud": {"type": "point_cloud", "required": True}}}})["t"]
SQUARE = [[0, 0], [0, 10], [10, 10], [10, 0], [0, 0]]

latitudes = st.integers(-6, 6).map(lambda number: number * 15)
longitudes = st.integers(-12, 36).map(lambda number: number * 15)
corners = st.tuples(latitudes, longitudes)


@st.composite
def polygons(draw):
    """Triangles and larger ones, of whatever order of corners: some cross themselves, some have no area."""
    found = draw(st.lists(corners, min_size=3, max_size=6))
    west = min(longitude for _, longitude in found)
    inside = [[latitude, min(longitude, west + 360)] for latitude, longitude in found]
    return [*inside, inside[0]]


def side(a, b, c):
    value = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (value > 0) - (value < 0)


def on_edge(point, a, b):
    within = all(min(a[axis], b[axis]) <= point[axis] <= max(a[axis], b[axis]) for axis in (0, 1))
    return within and side(a, b, point) == 0


def edges(polygon):
    return list(pairwise(polygon))


def is_inside(point, polygon):
    if any(on_edge(point, a, b) for a, b in edges(polygon)):
        return True
    crossings = 0
    for a, b in edges(polygon):
        if (a[0] > point[0]) != (b[0] > point[0]):
            at = a[1] + Fraction(point[0] - a[0], b[0] - a[0]) * (b[1] - a[1])
            crossings += at > point[1]
    return crossings % 2 == 1


def cross(a, b, c, d):
    if any(on_edge(*three) for three in ((c, a, b), (d, a, b), (a, c, d), (b, c, d))):
        return True
    return side(a, b, c) != side(a, b, d) and side(c, d, a) != side(c, d, b)


def moved(polygon, turn):
    return [(latitude, longitude + turn) for latitude, longitude in polygon]


def share_a_pole(one, another):
    return any(pole in {pair[0] for pair in one} and pole in {pair[0] for pair in another} for pole in (90, -90))


def meet(one, another):
    if share_a_pole(one, another):
        return True
    return any(overlap(moved(one, turn), another) for turn in (-720, -360, 0, 360, 720))


def overlap(one, another):
    if any(cross(a, b, c, d) for a, b in edges(one) for c, d in edges(another)):
        return True
    return any(is_inside(point, another) for point in one) or any(is_inside(point, one) for point in another)


def holds(polygon, point):
    if abs(point[0]) == 90 and point[0] in {pair[0] for pair in polygon}:
        return True
    return any(is_inside((point[0], point[1] + turn), polygon) for turn in (-720, -360, 0, 360, 720))


@given(polygons(), polygons())
def test_a_polygon_takes_what_meets_it(sent, wanted):
    identifier = TYPE.draft({"polygon": sent}).identifier
    assert TYPE.filter({"polygon": wanted}).takes(identifier) == meet(sent, wanted)


CROSSING = [[0, -15], [15, 240], [-45, 30], [-15, 165], [0, -15]]  # with edges that do not meet at a float


@given(polygons(), corners)
@example(CROSSING, (-15, 135))
def test_a_point_takes_what_holds_it(sent, point):
    identifier = TYPE.draft({"polygon": sent}).identifier
    assert TYPE.filter({"point": list(point)}).takes(identifier) == holds(sent, point)
    assert TYPE.filter(point=f"{point[0]},{point[1]}").takes(identifier) == holds(sent, point)


@given(st.lists(corners, min_size=1, max_size=5), polygons())
def test_a_polygon_takes_clouds_with_a_point_in_it(sent, wanted):
    identifier = CLOUD.draft({"point_cloud": [list(point) for point in sent]}).identifier
    assert CLOUD.filter({"polygon": wanted}).takes(identifier) == any(holds(wanted, point) for point in sent)


@given(polygons(), polygons())
def test_meeting_goes_both_ways(one, another):
    first, second = TYPE.filter({"polygon": one}), TYPE.filter({"polygon": another})
    assert first.takes({"polygon": second_form(another)}) == second.takes({"polygon": second_form(one)})


def second_form(polygon):
    return TYPE.draft({"polygon": polygon}).identifier["polygon"]


@pytest.mark.parametrize(
    ("point", "is_in"),
    [((0, 179), True), ((0, -179), True), ((0, 181), True), ((0, -180), True), ((0, 0), False), ((11, 180), False)],
)
def test_a_polygon_across_the_antimeridian_is_written_with_longitudes_beyond_180(point, is_in):
    across = TYPE.draft({"polygon": box(10, 170, -10, -170)}).identifier
    assert max(pair[1] for pair in across["polygon"]) == 190
    assert TYPE.filter(point=list(point)).takes(across) == is_in


def test_a_cap_of_a_pole_is_a_band_up_to_it():
    arctic = TYPE.draft({"polygon": box(90, -180, 66, 180)}).identifier
    assert TYPE.filter(point=[90, 17]).takes(arctic)
    assert TYPE.filter(point=[70, -180]).takes(arctic)
    assert not TYPE.filter(point=[60, 0]).takes(arctic)
    assert TYPE.filter({"polygon": [[90, 0], [80, 1], [80, 0], [90, 0]]}).takes(arctic)


@given(latitudes, longitudes, latitudes, st.integers(0, 400))
def test_a_box_is_a_polygon_of_at_most_the_globe(south, west, north, width):
    found = TYPE.draft({"polygon": box(max(south, north), west, min(south, north), west + width)}).identifier["polygon"]
    assert found[0][0] == max(south, north)
    assert found[1][1] - found[0][1] == min(360, width)
    assert -180 <= found[0][1] < 180


def test_other_keys_narrow_what_a_place_takes():
    one = TYPE.filter({"name": "a", "polygon": SQUARE})
    assert one.takes(TYPE.draft({"name": "a", "polygon": SQUARE}).identifier)
    assert not one.takes(TYPE.draft({"name": "b", "polygon": SQUARE}).identifier)
    assert not one.takes(TYPE.draft({"name": "a"}).identifier)


def test_a_required_polygon_may_be_a_point_of_a_filter():
    kind = load_event_types("{t: {identifier: {polygon: {type: polygon, required: true}}}}")["t"]
    assert kind.filter({"point": "5,5"}).takes(kind.draft({"polygon": SQUARE}).identifier)
    with pytest.raises(NotificationError, match="must name the key 'polygon'"):
        kind.filter({})


@pytest.mark.parametrize(
    ("kind", "wanted", "message"),
    [
        (TYPE, {"polygon": SQUARE, "point": [0, 0]}, "cannot have a polygon and a point"),
        (TYPE, {"point": [0]}, "Key 'point' .* is no point"),
        (TYPE, {"point": "far"}, "Key 'point' .*no list of numbers"),
        (TYPE, {"point": {"eq": [0, 0]}}, "Key 'point' .* is no point"),
        (TYPE, {"polygon": {"in": [SQUARE]}}, "Key 'polygon' .*no list of points"),
        (CLOUD, {"point_cloud": [[0, 0]]}, "cannot name 'point_cloud'"),
        (CLOUD, {"polygon": SQUARE, "point": [0, 0]}, "has no polygons that could hold the point"),
        (CLOUD, {}, "must name the key 'point_cloud'"),
    ],
)
def test_places_that_cannot_be_asked_for_are_refused(kind, wanted, message):
    with pytest.raises(NotificationError, match=message):
        kind.filter(wanted)
