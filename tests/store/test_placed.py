"""Whoever wrote fields can ask where they stand."""

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import NotFoundError
from dtedask.grib import Field
from dtedask.store.schema import Schema, Values
from dtedask.testing import make_message


def given(store, *messages):
    store.archive_fields(Field(one.description, one.values, one.coordinates) for one in messages)
    return [one.description for one in messages]


def test_fields_are_placed_where_records_say_they_are(tmp_path):
    store = dtedask.open(tmp_path)
    messages = [
        make_message(value, step=step, levelist=level) for value, step, level in ((1, "6", "500"), (2, "0", "850"))
    ]
    fields = given(store, *messages)
    store.flush()
    places = store.placed(fields)
    for message, place in zip(messages, places, strict=True):
        ((record, values),) = store.values({key: message.keys[key] for key in ("step", "levelist")})
        assert f"{place.url}/{place.chunk}" == record.location
        assert (place.cube, place.dtype, place.is_exact) == ("rd/oper/test", "float32", True)
        np.testing.assert_array_equal(place.values(), values)
        np.testing.assert_array_equal(place.values(), message.values)


@pytest.mark.parametrize("values", [Values(keep_bits=8), Values(layout="messages")])
def test_values_that_are_packed_are_not_called_exact(tmp_path, values):
    store = dtedask.open(tmp_path, schema=Schema(values=values))
    fields = given(store, make_message(1))
    store.flush()
    (place,) = store.placed(fields)
    assert not place.is_exact
    ((_, found),) = store.values({})
    np.testing.assert_array_equal(place.values(), found)


def test_a_field_that_was_never_flushed_has_a_place_and_no_values(tmp_path):
    store = dtedask.open(tmp_path)
    fields = given(store, make_message(1))
    store.flush()
    absent = make_message(1, step="6").description
    assert store.placed([*fields, absent])[0].values().shape == (12, 18)
    with pytest.raises(NotFoundError, match="There is no field at"):
        store.placed([absent])[0].values()


def test_in_several_roots_each_field_has_its_own(tmp_path):
    (tmp_path / "roots.yaml").write_text("spaces:\n  - roots:\n      - path: one\n      - path: two\n")
    store = dtedask.open(tmp_path / "roots.yaml")
    fields = given(store, make_message(1))
    store.flush()
    (place,) = store.placed(fields)
    assert place.url.startswith(str(tmp_path))
    np.testing.assert_array_equal(place.values(), make_message(1).values)


def test_commits_keep_notes_for_programs(tmp_path):
    store = dtedask.open(tmp_path)
    given(store, make_message(1))
    (commit,) = store.flush("first", notes={"plan": "abc", "step": "0"})
    assert commit.notes == (("plan", "abc"), ("step", "0"))
    assert dtedask.open(tmp_path).history() == [commit]
