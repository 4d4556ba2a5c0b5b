"""Whatever stands in a requirement, it is made or broken: nothing else happens."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dtedask.products.requirements import Broken, load_requirements
from dtedask.products.requirements.keywords import (
    FORMAT_OPTIONS,
    DeliveryKeywords,
    FormatKeywords,
    OrderKeywords,
    PostProcessingKeywords,
)
from dtedask.products.requirements.raw import Mistake

MODELS = (PostProcessingKeywords, FormatKeywords, DeliveryKeywords, OrderKeywords)
KEYWORDS = [info.alias or name for model in MODELS for name, info in model.model_fields.items() if name != "name"]
OTHERS = [
    "request",
    "param",
    "step",
    "type",
    "above",
    "quantile",
    "time",
    "date",
    "number",
    "levelist",
    "expect",
    "foo",
]
WORDS = st.sampled_from([*KEYWORDS, *OTHERS, *FORMAT_OPTIONS, "target", "nclosest", "lsm-file"])
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["1/1", "europe", "0/to/6", "off", "all", "f*2", "2t", "+7h", "{step}", "20 mm", "s3://a", "0.5"]),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.one_of(
                WORDS, st.sampled_from(["type", "path", "url", "raw", "method", "template"]), st.text(max_size=3)
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.dictionaries(WORDS, VALUES, max_size=6))
@example({"format": {"type": ["grib2"]}})
@example({"delivery": [[]]})
@example({"file": {"template": None}})
def test_any_requirement_is_made_or_broken(said):
    found = load_requirements({"requirements": [{"name": "a", "param": "tp", **said}, {"name": "b", "param": "2t"}]})
    assert [one.name for one in found if one.name == "b"] == ["b"]
    assert len(found) + len(found.broken) in (1, 2)
    for one in found.broken:
        assert isinstance(one, Broken)
        assert all(isinstance(mistake, Mistake) and mistake.message for mistake in one.mistakes)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_any_defaults_are_taken_or_break_what_has_them(said):
    found = load_requirements({"defaults": said, "requirements": [{"name": "a", "param": "2t"}]})
    assert len(found) + len(found.broken) <= 1
