"""Statistics over members: numpy's numbers, whatever the number of members and points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import ProductError
from dtedask.pipeline.operations import OperationSet
from dtedask.pipeline.statistics.facts import WindowFacts
from dtedask.products import Nodes
from dtedask.products.derived import find
from dtedask.products.derived.members import MembersOperation
from dtedask.products.derived.quantile import quantile_of
from dtedask.request import canonical_value
from tests.products.derived.given import description, given_node, made

ENSEMBLE = {"type": "pf", "stream": "enfo"}


def member_nodes(nodes, count, *, param="2t", **said):
    values = np.random.default_rng(3).normal(280, 5, (count, 19, 36)).astype("float32")
    members = [given_node(nodes, param, one, **ENSEMBLE, number=number, **said) for number, one in enumerate(values)]
    return members, values.astype("float64")


def statistic(count, *, param="2t", units=None, **keys):
    nodes = Nodes()
    members, values = member_nodes(nodes, count, param=param, units=units)
    wanted = description(param, stream="enfo", **keys).keys
    derived = find(wanted)
    inputs = derived.inputs(wanted, {"number": [str(number) for number in range(count)]})
    assert [one["number"] for one in inputs] == [node.description.keys["number"] for node in members]
    assert all(one["type"] == "pf" for one in inputs)
    return derived.make(nodes, wanted, members), values


@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 51, 130])
def test_mean_and_spread_are_those_of_numpy(count):
    mean, values = statistic(count, type="em")
    np.testing.assert_allclose(made(mean), values.mean(axis=0), rtol=1e-7)
    spread, _ = statistic(count, type="es")
    np.testing.assert_allclose(made(spread), values.std(axis=0), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("quantile", ["0:100", "10:100", "1:3", "50:100", "95:100", "100:100"])
@pytest.mark.parametrize("count", [1, 50, 51, 200])
def test_quantiles_are_those_of_numpy_for_any_number_of_members(quantile, count):
    node, values = statistic(count, type="pb", quantile=quantile)
    part, whole = map(int, quantile.split(":"))
    np.testing.assert_allclose(made(node), np.quantile(values, part / whole, axis=0), rtol=1e-7)
    assert node.description.keys["quantile"] == quantile


@pytest.mark.parametrize(
    ("limit", "text", "holds"),
    [
        ("above", "280 K", lambda values: values > 280),
        ("at-least", "280", lambda values: values >= 280),
        ("below", "0 degC", lambda values: values < 273.15),
        ("at-most", "10 degC", lambda values: values <= 283.15),
        ("between", "5 degC and 10 degC", lambda values: (values >= 278.15) & (values <= 283.15)),
    ],
)
def test_probabilities_are_the_part_of_the_members_in_per_cent(limit, text, holds):
    node, values = statistic(51, type="ep", **{limit: text})
    np.testing.assert_allclose(made(node), 100 * holds(values).mean(axis=0), rtol=1e-6)
    assert node.description.units == "%"


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=100),
    st.integers(0, 100),
    st.sampled_from(["float32", "float64"]),
)
def test_quantiles_have_the_bits_of_the_pipeline(values, per_cent, dtype):
    members = [np.full(3, value, dtype) for value in values]
    options = {"operation": "quantile", "quantile": per_cent / 100, "size": 128}
    operations = OperationSet([options])
    state = operations.update_all(operations.begin(members[0]), members[1:])
    expected = operations.finish(operations.names[0], state, WindowFacts(0, 0, 0, 0, len(values)))
    assert np.array_equal(quantile_of(members, per_cent / 100), expected)


@pytest.mark.parametrize("count", [9, 16, 32, 33, 51, 64, 70])
@pytest.mark.parametrize("keys", [{"type": "em"}, {"type": "es"}, {"type": "ep", "above": "280 K"}], ids=str)
def test_many_members_are_folded_a_few_at_a_time_with_the_bits_of_all_at_once(count, keys):
    node, _ = statistic(count, **keys)
    assert node.operation.name == "members"
    assert len(node.inputs) == 1
    fold, members = node.inputs[0], []
    while fold is not None:
        assert len(fold.inputs) <= 9
        first = fold.operation.is_first
        members = [*fold.inputs[0 if first else 1 :], *members]
        fold = None if first else fold.inputs[0]
    assert len(members) == count
    whole = MembersOperation(node.operation.statistic, "K")
    assert np.array_equal(whole(*map(made, members)), made(node))
    assert whole.describe(*(one.description for one in members)) == node.description


def test_a_state_is_not_changed_by_what_is_folded_into_it_later():
    node, _ = statistic(20, type="es")
    last = node.inputs[0]
    before = made(last.inputs[0])
    kept = {name: array.copy() for name, array in before.segment.arrays.items()}
    once, again = (last.operation(before, *map(made, last.inputs[1:])) for _ in range(2))
    assert all(np.array_equal(kept[name], before.segment.arrays[name]) for name in kept)
    assert all(np.array_equal(array, again.segment.arrays[name]) for name, array in once.segment.arrays.items())
    assert before.nbytes == 3 * 8 * 19 * 36


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"above": "280 K"}, "above280"),
        ({"at-least": "-3.5 degC"}, "atleast269.65"),
        ({"between": "271 K and 0 degC"}, "between271to273.15"),
    ],
)
def test_limits_tell_two_probabilities_apart(limit, said):
    node, _ = statistic(3, type="ep", **limit)
    assert node.description.keys["stattype"] == said
    assert canonical_value("stattype", said) == said


def test_limits_of_precipitation_are_depths_whatever_it_is_measured_in():
    for param, factor in (("228", 1e-3), ("228228", 1.0)):
        node, values = statistic(9, type="ep", param=param, above="280 mm")
        assert node.operation.statistic.parts(node.operation.units)[0][0].threshold == pytest.approx(280 * factor)
        assert values.shape == (9, 19, 36)


def test_a_point_that_one_member_lacks_is_missing():
    nodes = Nodes()
    members, values = member_nodes(nodes, 5)
    values[3, 2, 1] = np.nan
    for keys in ({"type": "em"}, {"type": "es"}, {"type": "pb", "quantile": "1:2"}, {"type": "ep", "above": "280 K"}):
        node = find(description("2t", **keys).keys).make(nodes, keys, members)
        assert np.argwhere(np.isnan(node.operation(*values))).tolist() == [[2, 1]]


def test_what_is_asked_of_an_ensemble_is_said_wholly():
    with pytest.raises(ProductError, match="needs a quantile"):
        find({"param": "167", "type": "pb"})
    with pytest.raises(ProductError, match="no unit 'frobs'"):
        find({"param": "167", "type": "ep", "above": "5 frobs"})
    with pytest.raises(ProductError, match="one limit"):
        find({"param": "167", "type": "ep", "above": "5", "below": "3"})


def test_members_that_nobody_knows_are_no_ensemble():
    with pytest.raises(ProductError, match="No members of param=167"):
        find({"param": "167", "type": "em"}).inputs({"param": "167", "type": "em"}, {"number": ()})


@pytest.mark.parametrize(
    ("stream", "step", "kind"),
    [("enfo", "24", "pf"), ("waef", "0", "pf"), ("enda", "0", "an"), ("enda", "3", "fc"), ("mmsf", "24", "fc")],
)
def test_members_are_of_the_type_that_they_have_in_their_stream(stream, step, kind):
    keys = {"param": "167", "type": "em", "stream": stream, "step": step}
    assert find(keys).like(keys) == {**keys, "type": kind}


def test_a_limit_in_other_units_is_refused_before_anything_is_read():
    with pytest.raises(ProductError, match="'20 mm' does not fit fields in K"):
        statistic(3, type="ep", above="20 mm")


def test_members_of_different_fields_are_refused_by_name():
    nodes = Nodes()
    one, other = given_node(nodes, "2t", **ENSEMBLE, number=1), given_node(nodes, "2d", **ENSEMBLE, number=2)
    with pytest.raises(ProductError, match="2t \\(167\\).*2d \\(168\\)"):
        find({"param": "167", "type": "em"}).make(nodes, {}, [one, other])
