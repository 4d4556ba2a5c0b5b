"""A store against a dictionary as its model: any order, split and repetition of arrivals gives the same cube."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask

pytestmark = pytest.mark.usefixtures("many_tasks")

SHAPE = (2, 3)
_NAMES = itertools.count()

fields = st.builds(
    lambda param, date, time, member, step, level: {
        "param": param,
        "date": date,
        "time": time,
        "number": member,
        "step": step,
        "levelist": level,
    },
    param=st.sampled_from(["130", "131", "157"]),
    date=st.sampled_from(["20240101", "20240102", "20231231"]),
    time=st.sampled_from(["0000", "1230"]),
    member=st.sampled_from(["1", "2", "11"]),
    step=st.sampled_from(["0", "6", "90m"]),
    level=st.sampled_from(["500", "1000", "0.5"]),
)
writes = st.lists(st.tuples(fields, st.integers(0, 3), st.booleans()), min_size=1, max_size=25)
interleaved = st.lists(st.tuples(fields, st.integers(0, 3), st.booleans(), st.booleans()), min_size=1, max_size=25)


def identity(keys):
    return tuple(sorted(keys.items()))


def contents(store):
    found = {}
    for record in store.list():
        keys = {key: value for key, value in record.keys.items() if key in KEYS_OF_MODEL}
        dataset = store.retrieve(dict(record.keys))
        (variable,) = dataset.data_vars.values()
        found[identity(keys)] = variable.to_numpy().reshape(SHAPE)
    return found


KEYS_OF_MODEL = ("param", "date", "time", "number", "step", "levelist")


@pytest.mark.slow
@settings(max_examples=30)
@given(writes)
def test_a_store_holds_exactly_what_a_dictionary_would(make_field, writes):
    store = dtedask.open(f"memory://model-{next(_NAMES)}")
    model = {}
    for keys, value, flush in writes:
        array, key = make_field(value, shape=SHAPE, **keys)
        store.archive(array, key)
        model[identity(keys)] = array.to_numpy()
        if flush:
            store.flush()
    store.flush()
    found = contents(store)
    assert found.keys() == model.keys()
    assert all(np.array_equal(found[key], model[key]) for key in model)


@pytest.mark.slow
@settings(max_examples=20)
@given(interleaved)
def test_two_writers_that_take_turns_give_what_their_flushes_say(make_field, writes):
    name = f"memory://turns-{next(_NAMES)}"
    writers, model, waiting = [dtedask.open(name), dtedask.open(name)], {}, [{}, {}]
    for keys, value, flush, second in [*writes, *((writes[0][0], 9, True, second) for second in (False, True))]:
        array, key = make_field(value, shape=SHAPE, **keys)
        writers[second].archive(array, key)
        waiting[second][identity(keys)] = array.to_numpy()
        if flush:
            writers[second].flush()
            model |= waiting[second]
            waiting[second] = {}
    found = contents(dtedask.open(name))
    assert found.keys() == model.keys()
    assert all(np.array_equal(found[key], model[key]) for key in model)


@pytest.mark.slow
@settings(max_examples=20)
@given(writes, st.randoms())
def test_any_order_of_arrival_opens_as_the_same_dataset(make_field, writes, random):
    unique = {identity(keys): (keys, value) for keys, value, _ in writes}
    datasets = []
    for _ in range(2):
        order = list(unique.values())
        random.shuffle(order)
        store = dtedask.open(f"memory://order-{next(_NAMES)}")
        for keys, value in order:
            store.archive(*make_field(value, shape=SHAPE, **keys))
            if random.random() < 0.3:
                store.flush()
        store.flush()
        dataset = store.retrieve({})
        del dataset.attrs["snapshot"]
        datasets.append(dataset.load())
    assert datasets[0].identical(datasets[1])


@pytest.mark.slow
@given(writes)
@settings(max_examples=10)
def test_sending_everything_again_changes_nothing(make_field, writes):
    store = dtedask.open(f"memory://again-{next(_NAMES)}")
    unique = {identity(keys): (keys, value) for keys, value, _ in writes}
    for keys, value in unique.values():
        store.archive(*make_field(value, shape=SHAPE, **keys))
    (commit,) = store.flush()
    for keys, value in unique.values():
        store.archive(*make_field(value, shape=SHAPE, **keys))
    assert store.flush() == []
    assert store.unchanged == commit.new == len(unique)
