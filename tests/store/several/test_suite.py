"""A handle of several roots passes the suite of storages, but for what asks for one root."""

import pytest

from dtedask.core.errors import SeveralRootsError
from dtedask.testing import StoreSuite
from dtedask.testing.fields import make_field
from dtedask.testing.store import CUBE, archive


class TestSeveralRoots(StoreSuite):
    @pytest.fixture
    def root(self, tmp_path):
        path = tmp_path / "roots.yaml"
        path.write_text("spaces:\n  - {select: class=od, roots: od}\n  - roots: [a, b]\n    policy: round-robin\n")
        return str(path)

    def test_records_say_where_and_how_large_a_field_is(self, store, tmp_path):
        archive(store, 1)
        (record,) = store.inspect(make_field(1)[1])
        assert record.location.startswith(f"{tmp_path}/a/{CUBE}")
        assert 0 < record.size_bytes < 12 * 18 * 8

    def test_a_root_is_verified_and_described(self, store, tmp_path):
        archive(store, 1)
        assert store.verify(all_snapshots=True).is_whole
        assert [cube.cube for cube in store.status().cubes] == [f"{tmp_path}/a/{CUBE}"]
        assert store.stats().fields == 1
        assert [row["state"] for row in store.standing()] == ["there"] * 3

    def test_a_tag_keeps_a_state_and_a_rollback_goes_back_to_it(self, store, tmp_path):
        archive(store, 1)
        with pytest.raises(SeveralRootsError, match=rf"rollback\(\) works on one root.*'{tmp_path}/a'"):
            store.rollback(to="good")

    def test_followers_hear_of_each_commit_once_in_order(self, store):
        with pytest.raises(SeveralRootsError, match=r"follow\(\) works on one root"):
            store.follow(after={})

    def test_a_branch_is_on_its_own(self, store):
        with pytest.raises(SeveralRootsError, match=r"create_branch\(\) works on one root"):
            store.create_branch("trial")

    def test_time_series_are_made_once_and_go_with_a_field_that_changes(self, store):
        archive(store, 1)
        with pytest.raises(SeveralRootsError, match=r"rechunk\(\) works on one root"):
            store.rechunk(layout="series")
