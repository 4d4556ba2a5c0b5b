"""Selection and metadata mappings against the real MultIO."""

from pathlib import Path

import multiolib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dtedask.core.errors import FieldError
from dtedask.pipeline import Kind, Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.compute import Eager
from tests.pipeline.multio.real import MultioError, metadata

TABLE = Path(multiolib.__file__).parent / "share" / "multio" / "config" / "metadata-mapping" / "nemo-to-grib.yaml"
FIELDS = [
    metadata(step, param=param, level=level, category=f"ocean-{param % 2 + 2}d")
    for step in (0, 6)
    for param in (130, 131)
    for level in (500, 850)
]
VALUES = {"paramId": [130, 131, 132], "level": [500, 850], "step": [0, 6], "category": ["ocean-2d", "ocean-3d"]}
MAPS = st.lists(st.sampled_from(list(VALUES)), unique=True, min_size=1, max_size=2).flatmap(
    lambda keys: st.fixed_dictionaries(
        {
            key: st.sampled_from(VALUES[key]) | st.lists(st.sampled_from(VALUES[key]), min_size=1, max_size=2)
            for key in keys
        }
    )
)
LISTS = MAPS | st.lists(MAPS, min_size=1, max_size=2)
CONDITIONS = st.recursive(
    st.fixed_dictionaries({"match": LISTS})
    | st.fixed_dictionaries({"ignore": LISTS})
    | st.fixed_dictionaries({"match": LISTS, "ignore": LISTS}),
    lambda inner: (
        st.fixed_dictionaries({"not": inner})
        | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=2)})
        | st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=2)})
    ),
    max_leaves=4,
)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CONDITIONS)
def test_every_condition_takes_the_fields_that_multio_takes(multio, condition):
    document = {"type": "select", **condition}
    calls = [("field", keys, np.array([float(number)])) for number, keys in enumerate(FIELDS)]
    theirs = [out.values[0] for out in multio.run([document], calls).fields]
    action = make_action(document, Context())
    assert [number for number, keys in enumerate(FIELDS) if action.accepts(keys)] == theirs


def mapped(keys, **options):
    action = make_action({"type": "metadata-mapping", "mapping": str(TABLE), **options}, Context())
    (out,) = action.handle(Message(Kind.FIELD, keys, np.zeros(1)), action.start(), Eager())
    return out.keys


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lat_T", "sst", "no such field"])
@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("enforce", [True, False])
def test_a_field_gets_the_keys_that_multio_gives(multio, name, overwrite, enforce):
    keys = {"nemoParam": name, "gridType": "mine", "misc-precision": "double", "step": 1}
    options = {"enforce-match": enforce, "overwrite-existing": overwrite}
    document = {"type": "metadata-mapping", "mapping": str(TABLE), **options}
    try:
        (theirs,) = multio.run([document], [("field", keys, np.zeros(1))]).fields
    except MultioError:
        with pytest.raises(FieldError, match="which is in no row"):
            mapped(keys, **options)
        return
    found = mapped(keys, **options)
    expected = {key: value for key, value in theirs.keys.items() if key != "misc-format"}
    assert {key: str(found.get(key)) for key in expected} == {key: str(value) for key, value in expected.items()}
    assert found.keys() - expected.keys() <= {"param"}
