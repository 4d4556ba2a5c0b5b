"""A plan on real fields: what is selected stands in the cube, to the last bit."""

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import DocumentError, PlanError
from dtedask.grib import decode, scan
from dtedask.pipeline import Plan
from dtedask.pipeline.sources import messages_of_files


def plan(*actions):
    return {"actions": list(actions)}


@pytest.fixture
def surface(grib_folder):
    return str(grib_folder / "ifs-oper-surface.grib2")


def test_selected_fields_stand_in_the_cube_with_the_values_of_the_file(surface, tmp_path):
    document = plan(
        {"type": "select", "match": [{"param": ["33", "141"]}]}, {"type": "sink", "sinks": [{"type": "cube"}]}
    )
    summary = Plan.from_yaml(document, output=str(tmp_path / "data")).run(messages_of_files([surface]))
    assert summary.fields == 5
    store = dtedask.open(tmp_path / "data")
    assert sorted(record.keys["param"] for record in store.list()) == ["141", "33"]
    for message in scan(surface):
        if message.field.keys["param"] in ("33", "141"):
            ((_, values),) = store.values({"param": message.field.keys["param"]})
            np.testing.assert_array_equal(values, decode(message.read(), message.field.order))


def test_a_notice_tells_of_each_flush_that_wrote_something(surface, tmp_path):
    document = plan({"type": "sink", "sinks": [{"type": "memory"}, {"type": "cube", "url": str(tmp_path / "data")}]})
    (notice,) = Plan.from_yaml(document).run(messages_of_files([surface])).notices
    assert notice.keys["step"] == "0"
    assert len(notice.values) == 2 * 5


def test_a_cube_sink_without_a_place_is_an_error_that_says_what_to_give(surface):
    with pytest.raises(PlanError, match=r"does not know where to write\. Give it a url, or the run an output"):
        Plan.from_yaml(plan({"type": "sink", "sinks": [{"type": "cube"}]})).run(messages_of_files([surface]))


def test_an_action_that_does_not_exist_is_named_with_the_nearest():
    with pytest.raises(DocumentError, match=r"no action of the type 'selct'\. Did you mean 'select'\?"):
        Plan.from_yaml(plan({"type": "selct"}))
