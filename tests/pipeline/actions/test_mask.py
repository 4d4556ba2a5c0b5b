"""The action `mask`: what a mask leaves out is missing, the rest keeps its values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import FieldError
from dtedask.grib import encode
from dtedask.pipeline import Kind, Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.compute import Eager
from dtedask.pipeline.values.mask_codec import encode_mask
from dtedask.testing import ActionSuite
from tests.pipeline.fields import GRID, field

SHAPE = GRID.shape
LAND = np.arange(12).reshape(SHAPE) % 3 == 0


def mask(**options):
    return make_action({"type": "mask", **options}, Context(folder=options.pop("folder", None)))


def mask_message(points, domain="T grid", level="0", **parts):
    return Message(Kind.MASK, {"domain": domain, "level": level}, points).replaced(**parts)


def through(action, *messages, state=None):
    state = action.start() if state is None else state
    return [out for message in messages for out in action.handle(message, state, Eager()) if out.is_field]


def ocean(values=None, **keys):
    return field(values).with_keys(domain="T grid", **keys)


class TestMask(ActionSuite):
    @pytest.fixture
    def action(self):
        return make_action({"type": "mask", "offset-fields": ["sst"], "missing-value": 9999}, Context())

    @pytest.fixture
    def messages(self):
        names = [ocean(name="sst"), ocean(name="sss", level="5"), ocean(name="sst", step="6")]
        return [mask_message(LAND), mask_message(~LAND, level="5"), *names]


@settings(max_examples=40)
@given(st.lists(st.booleans(), min_size=12, max_size=12), st.booleans(), st.floats(-300, 300))
def test_points_that_do_not_count_are_missing_and_an_offset_is_added_to_the_others(points, makes_missing, offset):
    options = {"apply-bitmap": makes_missing, "offset-fields": ["sst"], "offset-value": offset}
    message = ocean(np.linspace(-5, 5, 12).reshape(SHAPE), name="sst")
    (out,) = through(mask(**options), mask_message(np.array(points)), message)
    left_out = message.values if not makes_missing else np.full(SHAPE, np.nan)
    expected = np.where(np.reshape(points, SHAPE), message.values + offset, left_out)
    np.testing.assert_array_equal(out.values, expected)


@pytest.mark.parametrize("form", ["bits", "runs"])
def test_masks_may_come_as_the_bytes_of_multio(form):
    (out,) = through(mask(), mask_message(None, data=encode_mask(LAND, form=form)), ocean())
    np.testing.assert_array_equal(np.isnan(out.values), ~LAND)


def test_each_domain_and_level_has_its_own_mask():
    messages = [mask_message(LAND), mask_message(~LAND, domain="U grid"), mask_message(LAND | True, level="10")]
    fields = [ocean(), ocean().with_keys(domain="U grid"), ocean(level=10.0)]
    missing = [np.isnan(out.values) for out in through(mask(), *messages, *fields)]
    for found, expected in zip(missing, [~LAND, LAND, LAND & False], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_field_above_the_ground_takes_the_mask_of_its_domain():
    message = field(described={"level_type": "heightAboveGround", "level": 2.0}).with_keys(domain="T grid")
    (out,) = through(mask(), mask_message(LAND), message)
    np.testing.assert_array_equal(np.isnan(out.values), ~LAND)


def test_parts_of_a_model_become_whole_masked_fields():
    sources = {"a": [0, 3, 4, 7], "b": [1, 2, 5, 6]}
    counts, values = np.array([1, 0, 0, 1, 1, 1, 0, 1], bool), np.linspace(-1, 20, 8)
    messages = []
    for source, points in sources.items():
        keys = {"name": "T grid", "category": "unstructured", "source": source, "globalSize": 8, "domainCount": 2}
        messages.append(Message(Kind.DOMAIN, keys, np.array(points)))
    for kind, whole in ((Kind.MASK, counts), (Kind.FIELD, values)):
        for source, points in sources.items():
            keys = {"name": "sst", "domain": "T grid", "level": 0, "source": source, "globalSize": 8}
            messages.append(Message(kind, {**keys, "category": kind.value}, whole[points]))
    aggregate, masks = make_action({"type": "aggregate"}, Context()), mask(**{"offset-fields": ["sst"]})
    states = aggregate.start(), masks.start()
    whole = [out for message in messages for out in aggregate.handle(message, states[0], Eager())]
    (out,) = through(masks, *whole, state=states[1])
    np.testing.assert_array_equal(out.values, np.where(counts, values + 273.15, np.nan))


def test_a_later_mask_replaces_an_earlier_one():
    (out,) = through(mask(), mask_message(LAND), mask_message(~LAND), ocean())
    np.testing.assert_array_equal(np.isnan(out.values), LAND)


def test_the_field_says_that_points_are_missing_and_in_which_units_it_is():
    options = {"missing-value": 1e20, "offset-fields": ["2t"], "offset-units": "K"}
    message = field(described={"units": "degC"}).with_keys(domain="T grid")
    (out,) = through(mask(**options), mask_message(LAND), message)
    assert out.description.has_bitmap
    assert out.description.units == "K"
    assert out.keys["missingValue"] == 1e20


def test_a_field_before_its_mask_is_an_error_that_names_the_domain():
    reason = r"no mask for the domain 'T grid', level 0, which .* there are: the domain 'U grid', level 0"
    with pytest.raises(FieldError, match=reason):
        through(mask(), mask_message(LAND, domain="U grid"), ocean())


def test_a_mask_of_another_size_is_an_error_that_names_the_domain():
    with pytest.raises(FieldError, match="The mask of the domain T grid has 5 points, the field 12"):
        through(mask(), mask_message(np.ones(5, bool)), ocean())


@pytest.fixture
def land_sea_mask(tmp_path):
    """A file with a land-sea mask, and a cube of it."""
    keys = {"class": "od", "stream": "oper", "expver": "0001", "type": "an", "levtype": "sfc", "param": "172"}
    keys |= {"date": "20240601", "time": "0000", "step": "0"}
    parts = [encode(np.where(LAND, 1.0, 0.25), keys, GRID), encode(np.zeros(SHAPE), {**keys, "param": "167"}, GRID)]
    (tmp_path / "lsm.grib2").write_bytes(b"".join(parts))
    store = dtedask.open(tmp_path / "root")
    for part in parts:
        store.archive(part)
    store.flush()
    return tmp_path


@pytest.mark.parametrize("place", [{"file": "lsm.grib2"}, {"cube": "root"}])
def test_a_mask_may_be_a_field_of_a_file_or_cube(land_sea_mask, place):
    action = make_action(
        {"type": "mask", "masks": [{**place, "match": {"param": "lsm"}, "keep": "<0.5"}]}, Context(folder=land_sea_mask)
    )
    state = action.start()
    (out,) = through(action, field(), state=state)
    np.testing.assert_array_equal(np.isnan(out.values), LAND)
    (again,) = through(action, field(), state=action.load(action.save(state)))
    np.testing.assert_array_equal(again.values, out.values)
    other = field(on=type(GRID).of("regular_gg", {"n": 1, "ni": 3}, GRID.dims, SHAPE))
    with pytest.raises(FieldError, match=r"The mask is on the grid 90x90, the field .* on regular_gg-"):
        through(action, other, state=state)


@pytest.mark.parametrize("match", [{"param": "msl"}, {"levtype": "sfc"}])
def test_a_mask_must_be_one_field(land_sea_mask, match):
    action = make_action(
        {"type": "mask", "masks": [{"file": "lsm.grib2", "match": match}]}, Context(folder=land_sea_mask)
    )
    with pytest.raises(FieldError, match=r"(No|2) fields of lsm.grib2 match .*: a mask is one field"):
        action.start()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"match": {}}, "A mask is in one place. Give either 'file' or 'cube'"),
        ({"file": "a", "cube": "b"}, "A mask is in one place"),
        ({"file": "a", "keep": "land"}, "'land' is no comparison with a number"),
        ({"file": "a", "match": {"param": "nosuch"}}, "Unknown parameter 'nosuch'"),
    ],
)
def test_sources_that_make_no_sense_are_refused(source, message):
    with pytest.raises(ValueError, match=message):
        mask(masks=[source])
