"""The action `select`: what a plan names goes on, and nothing else."""

import pickle
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.pipeline import Kind, Message, Plan
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.actions.select import Select, SelectOptions
from dtedask.pipeline.compute import Eager
from dtedask.testing import ActionSuite
from tests.pipeline.fields import field


def select(**document):
    return Select(SelectOptions.model_validate({"type": "select", **document}), Context())


def takes(action, message):
    return [*action.handle(message, action.start(), Eager())] == [message]


VALUES = {"param": ["167", "10u", 228], "levelist": [500, "850", 1000.0], "step": [0, "6", 240], "category": ["a", "b"]}
MAPS = st.lists(st.sampled_from(list(VALUES)), unique=True, max_size=3).flatmap(
    lambda keys: st.fixed_dictionaries(
        {
            key: st.one_of(st.sampled_from(VALUES[key]), st.lists(st.sampled_from(VALUES[key]), max_size=2))
            for key in keys
        }
    )
)
LISTS = st.one_of(MAPS, st.lists(MAPS, max_size=2))
LEAVES = st.one_of(
    st.fixed_dictionaries({"match": LISTS}),
    st.fixed_dictionaries({"ignore": LISTS}),
    st.fixed_dictionaries({"match": LISTS, "ignore": LISTS}),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"any": st.lists(inner, max_size=2)}),
        st.fixed_dictionaries({"all": st.lists(inner, max_size=2)}),
    ),
    max_leaves=5,
)
NAMES = {"167": "167", "10u": "165", 228: "228", 1000.0: "1000"}
FIELDS = st.fixed_dictionaries(
    {key: st.sampled_from([NAMES.get(value, str(value)) for value in values]) for key, values in VALUES.items()}
)


def plainly(condition, keys):
    """Evaluate a document as it reads, on keys in canonical form."""
    if "not" in condition:
        return not plainly(condition["not"], keys)
    if "any" in condition:
        return any(plainly(one, keys) for one in condition["any"])
    if "all" in condition:
        return all(plainly(one, keys) for one in condition["all"])

    def agrees(maps):
        for one in maps if isinstance(maps, list) else [maps]:
            wanted = {key: values if isinstance(values, list) else [values] for key, values in one.items()}
            if all(keys[key] in [NAMES.get(v, str(v)) for v in values] for key, values in wanted.items()):
                return True
        return False

    return agrees(condition.get("match", {})) and not ("ignore" in condition and agrees(condition["ignore"]))


class TestSelect(ActionSuite):
    @pytest.fixture
    def action(self):
        return make_action({"type": "select", "match": {"param": "2t", "step": "0/to/6"}}, Context())

    @pytest.fixture
    def messages(self):
        return [field(), field(param="165"), field(step="6"), field(step="7")]


@settings(max_examples=40)
@given(CONDITIONS, FIELDS)
def test_a_condition_means_what_it_says(condition, keys):
    assert takes(select(**condition), field(**keys)) == plainly(condition, keys)


def numbers(action, key, written):
    return {number for number, text in written.items() if takes(action, field(**{key: text}))}


@settings(max_examples=30)
@given(st.integers(0, 48), st.integers(0, 48), st.none() | st.integers(1, 13))
def test_a_range_takes_what_lies_on_it(first, last, by):
    text = f"{first}/to/{last}" + (f"/by/{by}" if by else "")
    everything = {step: str(step) for step in range(50)}
    expected = set(range(min(first, last), max(first, last) + 1))
    expected = {step for step in expected if (step - first) % (by or 1) == 0}
    assert numbers(select(match={"step": text}), "step", everything) == expected
    assert numbers(select(match={"levelist": text}), "levelist", everything) == expected


@settings(max_examples=40)
@given(st.integers(0, 400), st.integers(0, 400))
def test_dates_are_ranges_of_days(first, last):
    days = {number: (date(2023, 12, 1) + timedelta(number)).strftime("%Y%m%d") for number in range(0, 400, 7)}
    start, end = (date(2023, 12, 1) + timedelta(number) for number in (first, last))
    expected = {number for number in days if min(first, last) <= number <= max(first, last)}
    assert numbers(select(match={"date": f"{start}/to/{end:%Y%m%d}"}), "date", days) == expected


@pytest.mark.parametrize(
    ("key", "values", "taken", "left"),
    [
        ("shortName", "10*", {"param": "165"}, {"param": "167"}),
        ("param", "10*", {"param": "165"}, {"param": "103"}),
        ("date", "202406*", {"date": "20240630"}, {"date": "20240701"}),
        ("levelist", ">=500", {"levelist": "500"}, {"levelist": "499.5"}),
        ("levelist", "< 500", {"levelist": "70"}, {"levelist": "500"}),
        ("step", ">90m", {"step": "2"}, {"step": "90m"}),
        ("step", "0/to/6/by/30m", {"step": "150m"}, {"step": "140m"}),
        ("time", "0/to/18/by/6", {"time": "1200"}, {"time": "0300"}),
        ("date", ">=2024-06-01", {"date": "20240601"}, {"date": "20240531"}),
        ("param", "!=2t", {"param": "165"}, {"param": "167"}),
        ("levelist", "500/700/850/to/1000", {"levelist": "925"}, {"levelist": "600"}),
        ("levelist", ["<100", 500], {"levelist": "500"}, {"levelist": "200"}),
        ("timespan", "none", {}, {"timespan": "6h"}),
        ("grid", "90/90", {}, {"grid": "O320"}),
        ("expver", "00[0-2]?", {"expver": "0011"}, {"expver": "0031"}),
    ],
)
def test_values_may_be_globs_comparisons_and_lists(key, values, taken, left):
    action = select(match=[{key: values}])
    assert takes(action, field(**taken))
    assert not takes(action, field(**left))


def test_a_field_that_lacks_a_key_is_not_taken_by_it():
    assert not takes(select(match={"levelist": ">0"}), field(described={"level": None}))
    assert not takes(select(match={"number": "!=1"}), field())
    assert takes(select(ignore={"number": [1, 2]}), field())


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.FIELD])
def test_what_is_no_field_is_handed_on(kind):
    assert takes(select(match=[]), Message(kind, {"param": "167"}))


def test_what_is_accepted_is_known_without_a_field():
    action = select(match={"param": "2t"})
    assert action.accepts({"paramId": 167})
    assert not action.accepts({"paramId": 168})


def test_it_travels_and_says_the_same():
    action = select(any=[{"match": {"param": "2t"}}, {"not": {"match": {"step": "0/to/24"}}}])
    takes(action, field())
    again = pickle.loads(pickle.dumps(action))
    assert takes(again, field(param="165", step="30"))
    assert not takes(again, field(param="165", step="24"))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"match": {"levlist": 500}},
            r"No field has a key 'levlist'\. Did you mean 'levelist'\? A key of the model's own",
        ),
        ({"match": {"param": "10uu"}}, r"Unknown parameter '10uu'\. Did you mean '10u"),
        ({"match": {"step": "0/to"}}, r"The list '0/to' of key 'step' lacks a value"),
        ({"match": {"step": "0/to/6/by/0"}}, r"'0/to/6/by/0' of key 'step' never moves"),
        ({"match": {"levtype": ">pl"}}, r"'pl' of key 'levtype' has no place in an order"),
        ({"match": {"param": None}}, r"'param' cannot be None\. Give a value"),
        ({}, r"A condition says nothing\. It has either match and ignore"),
        ({"any": [], "not": {"match": {}}}, r"A condition says any and not"),
        ({"all": [{"match": {}, "any": []}]}, r"A condition says any and match"),
        ({"mach": {}}, "mach"),
    ],
)
def test_what_no_plan_can_mean_is_refused_when_it_is_read(document, message):
    with pytest.raises(ValueError, match=message):
        Plan.from_yaml({"actions": [{"type": "select", **document}]})


def test_a_model_may_have_keys_of_its_own():
    action = select(match={"tile kind": "wet"}, keys=["tile kind"])
    assert takes(action, field(**{"tile kind": "wet"}))
    with pytest.raises(ValueError, match="No field has a key 'tile kind'"):
        select(match={"tile kind": "wet"})
