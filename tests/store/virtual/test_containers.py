"""Places that references may point into stay few."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.store.virtual.containers import joined

names = st.text("abc", min_size=1, max_size=2)
prefixes = st.lists(names, min_size=1, max_size=5).map(lambda parts: "file:///" + "/".join(parts) + "/")


@pytest.mark.slow
@given(st.lists(prefixes, max_size=80))
def test_joined_prefixes_cover_all_given_ones_and_are_few(given_ones):
    found = joined(given_ones)
    assert all(one.startswith(tuple(found)) for one in given_ones)
    tops = {one.split("/")[3] for one in given_ones}
    assert len(found) <= max(16, len(tops))


def test_few_prefixes_stay_as_they_are():
    few = [f"s3://bucket/{number}/" for number in range(16)]
    assert joined(few) == sorted(few)
    assert joined([*few, "s3://bucket/16/"]) == ["s3://bucket/"]
