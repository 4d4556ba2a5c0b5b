"""A key that is given with a GRIB message must say the same as the message."""

import io
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import FieldError
from dtedask.grib import scan


@pytest.fixture
def messages(grib_folder):
    return list(scan(grib_folder / "pl-regular-ll.grib"))[:4]


@pytest.fixture
def data(messages):
    return b"".join(message.read() for message in messages)


def test_keys_that_agree_in_any_form_are_taken(memory_store, messages):
    for message in messages:
        keys = dict(message.field.keys) | {"param": message.field.short_name, "time": int(message.field.keys["time"])}
        assert memory_store.archive(message.read(), keys) == 1
    memory_store.discard()


def test_one_key_may_name_the_values_of_many_messages(memory_store, messages, data):
    levels = {message.field.keys["levelist"] for message in messages}
    assert memory_store.archive(data, {"levelist": sorted(levels), "class": "all"}) == len(messages)
    memory_store.discard()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"levelist": 7}, "levelist=7 was given, but the message of the given bytes at offset 0 has levelist=1000"),
        ({"expver": "xxxx"}, "expver=xxxx was given, .* has expver=0001"),
        ({"number": 3}, "number=3 was given, but the message of the given bytes at offset 0 has no number"),
        ({"grid": "O320"}, "grid=O320 was given, .* has grid=10x10"),
    ],
)
def test_a_key_that_differs_is_refused_and_nothing_is_taken(memory_store, data, keys, said):
    with pytest.raises(FieldError, match=said):
        memory_store.archive(data, keys)
    assert not memory_store.dirty


def test_the_place_of_the_message_that_differs_is_named(memory_store, messages, data):
    first = messages[0].field.keys
    key = next(name for name in first if messages[1].field.keys[name] != first[name])
    with pytest.raises(FieldError, match=f"bytes at offset {messages[0].length} has {key}="):
        memory_store.archive(data, {key: first[key]})


def test_garbage_between_messages_and_a_cut_end_are_refused_whole(memory_store, messages, data):
    second = messages[0].length
    for bad, offset in ((data[:second] + b"junk" + data[second:], second), (data[:-5], None)):
        with pytest.raises(dtedask.core.errors.GribError, match=f"offset {offset}" if offset else "offset"):
            memory_store.archive(bad)
        assert not memory_store.dirty


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_bytes_that_end_anywhere_are_whole_messages_or_nothing(messages, data, draw):
    store, ends = dtedask.open("memory://cut"), list(itertools.accumulate(one.length for one in messages))
    end = draw.draw(st.one_of(st.integers(1, len(data)), st.sampled_from(ends)))
    if end in ends:
        assert store.archive(data[:end]) == ends.index(end) + 1
        store.discard()
    else:
        start = max((one for one in ends if one < end), default=0)
        with pytest.raises(dtedask.core.errors.GribError, match=f"offset {start}:"):
            store.archive(data[:end])
        assert not store.dirty


@pytest.mark.slow
def test_messages_come_as_bytes_paths_streams_and_one_by_one(messages, data, tmp_path):
    file = tmp_path / "four.grib"
    file.write_bytes(data)
    kept = []
    for number, give in enumerate(
        (
            lambda: data,
            lambda: memoryview(data),
            lambda: file,
            lambda: file.open("rb"),
            lambda: io.BytesIO(data),
            lambda: iter(messages),
            lambda: (message.read() for message in messages),
        )
    ):
        given_ = give()
        with dtedask.open(f"memory://given-{number}") as store:
            assert store.archive(given_, {"class": messages[0].field.keys["class"]}) == len(messages)
        kept.append([(dict(record.keys), stored) for record, stored in store.read()])
        if hasattr(given_, "close"):
            given_.close()
    assert all(one == kept[0] for one in kept)
    assert len(kept[0]) == len(messages)


def test_messages_of_one_root_go_into_another(memory_store, messages, data):
    with memory_store:
        memory_store.archive(data)
    with dtedask.open("memory://copied") as other:
        other.archive(memory_store.to_grib())
    assert [dict(one.keys) for one in other.list()] == [dict(one.keys) for one in memory_store.list()]
