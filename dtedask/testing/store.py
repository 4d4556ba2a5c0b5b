"""What every storage of a root must do: the same on local disk, in memory and in an object store."""

from __future__ import annotations

import itertools
import pickle
import time
from collections.abc import Iterator

import dask
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import ControlledError, MissingFieldsError, NoMatchError, NotFoundError
from dtedask.store import Schema, Store
from dtedask.testing.fields import make_field

CUBE = "rd/oper/test"
ALL = "class=rd,expver=test"


class StoreSuite:
    """Tests of a storage: derive a class whose name begins with ``Test``, with a fixture ``root``.

    Examples
    --------
    >>> class TestMyStorage(StoreSuite):
    ...     @pytest.fixture
    ...     def root(self, tmp_path):
    ...         return str(tmp_path / "root")
    """

    can_pickle = True
    schema: Schema | None = None  # of the roots; None for the default one

    @pytest.fixture
    def root(self) -> str:
        """Path or URL of a root that does not exist yet."""
        raise NotImplementedError("A suite of a storage has a fixture 'root'.")

    @pytest.fixture
    def store(self, root: str) -> Store:
        """The root, opened."""
        return dtedask.open(root, schema=self.schema)

    @pytest.fixture
    def no_waiting(self) -> Iterator[None]:
        """Purge takes what is a second old."""
        with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
            yield

    def test_nothing_is_there_before_something_is_archived(self, store: Store) -> None:  # noqa: D102
        with pytest.raises((NotFoundError, NoMatchError), match=r"no root|holds no fields"):
            store.retrieve({})

    def test_what_is_archived_is_seen_after_the_flush_by_every_handle(self, store: Store, root: str) -> None:  # noqa: D102
        store.archive(*make_field(1, step="0"))
        store.archive(*make_field(2, step="6"))
        assert store.dirty
        (commit,) = store.flush("two steps", sources=["a"])
        assert (commit.sequence, commit.new, commit.sources) == (1, 2, ("a",))
        other = dtedask.open(root)
        assert other.cubes() == [CUBE]
        assert steps(other) == ["0", "6"]
        assert other.history() == [commit]

    def test_a_handle_travels(self, store: Store) -> None:  # noqa: D102
        archive(store, 1)
        if self.can_pickle:
            assert steps(pickle.loads(pickle.dumps(store))) == ["0"]

    def test_values_come_back_to_the_last_bit(self, store: Store) -> None:  # noqa: D102
        array, keys = make_field(3)
        store.archive(array, keys)
        store.flush()
        found = store.retrieve("step=0")["t"].squeeze(drop=True)
        assert np.array_equal(found.to_numpy(), array.to_numpy())
        assert np.array_equal(found["latitude"], array["latitude"])

    def test_a_field_that_is_sent_again_replaces_or_changes_nothing(self, store: Store) -> None:  # noqa: D102
        archive(store, 1)
        store.archive(*make_field(1))
        assert store.flush() == []
        assert store.unchanged == 1
        (commit,) = archive(store, 2)
        assert (commit.new, commit.replaced) == (0, 1)
        assert value_of(store) == 2

    def test_what_is_missing_is_named_and_explained(self, store: Store) -> None:  # noqa: D102
        archive(store, 1)
        with pytest.raises(MissingFieldsError, match="step=6"):
            store.retrieve("step=0/6")
        assert "step" in str(store.explain("step=6"))
        assert store.axes()["step"] == ["0"]

    def test_records_say_where_and_how_large_a_field_is(self, store: Store, root: str) -> None:  # noqa: D102
        archive(store, 1)
        (record,) = store.inspect(make_field(1)[1])
        assert record.location.startswith(f"{root}/{CUBE}")
        assert 0 < record.size_bytes < 12 * 18 * 8
        assert record.snapshot == store.history()[-1].snapshot
        assert store.where("step=0")

    def test_messages_go_out_and_in(self, store: Store, root: str) -> None:  # noqa: D102
        archive(store, 1)
        (message,) = store.to_grib("step=0")
        assert message[:4] == b"GRIB"
        assert store.archive(message) == 1
        store.flush()
        assert abs(value_of(dtedask.open(root)) - 1) < 1e-4

    def test_any_bytes_are_kept_as_they_are(self, store: Store) -> None:  # noqa: D102
        _, keys = make_field(1)
        store.archive(b"any bytes", key=keys)
        store.flush()
        assert [data for _, data in store.read()] == [b"any bytes"]

    def test_the_writing_handle_reads_what_others_do_not_see_yet(self, store: Store, root: str) -> None:  # noqa: D102
        archive(store, 1)
        store.archive(*make_field(2, step="6"))
        assert steps(store) == ["0", "6"]
        assert steps(dtedask.open(root)) == ["0"]
        store.discard()
        assert steps(store) == ["0"]

    def test_what_is_wiped_is_gone_and_stands_in_the_past(self, store: Store) -> None:  # noqa: D102
        before = archive(store, 1)[0].snapshot
        archive(store, 2, step="6")
        assert store.wipe(f"{ALL},step=0").fields == 1  # a dry run
        assert steps(store) == ["0", "6"]
        store.wipe(f"{ALL},step=0", doit=True)
        assert steps(store) == ["6"]
        assert steps(store.at(before)) == ["0"]

    @pytest.mark.usefixtures("no_waiting")
    def test_purge_takes_what_the_rule_does_not_keep(self, store: Store) -> None:  # noqa: D102
        snapshots = [archive(store, value)[0].snapshot for value in (1, 2, 3)]
        deadline, expired = time.monotonic() + 10, 0
        while expired < 2 and time.monotonic() < deadline:  # the clock of an object store counts seconds
            expired += store.purge(keep_commits=1).expired
        assert expired == 2
        assert value_of(store) == 3
        assert [commit.sequence for commit in store.history()] == [3]
        with pytest.raises(NotFoundError, match="purged"):
            store.at(snapshots[0]).retrieve({})
        assert store.verify().is_whole

    def test_a_locked_field_is_refused_to_everyone(self, store: Store, root: str) -> None:  # noqa: D102
        archive(store, 1)
        lock = store.lock("step=0", ["archive", "wipe"], reason="checked by hand")
        other = dtedask.open(root)
        with pytest.raises(ControlledError, match="checked by hand"):
            archive(other, 2)
        other.discard()
        store.unlock(lock.id)
        assert len(archive(other, 2)) == 1

    def test_a_tag_keeps_a_state_and_a_rollback_goes_back_to_it(self, store: Store) -> None:  # noqa: D102
        archive(store, 1)
        store.tag("good")
        archive(store, 2)
        archive(store, 3, step="6")
        assert [tag.name for tag in store.tags()] == ["good"]
        assert value_of(store.at("good")) == 1
        assert store.diff("good")
        store.rollback(to="good", doit=True)
        assert (steps(store), value_of(store)) == (["0"], 1)
        assert [commit.sequence for commit in store.history()] == [1, 2, 3, 4]

    def test_followers_hear_of_each_commit_once_in_order(self, store: Store, root: str) -> None:  # noqa: D102
        commits = [archive(store, value)[0] for value in (1, 2)]
        assert list(dtedask.open(root).follow(after={}, timeout_s=0)) == commits
        assert list(dtedask.open(root).follow(after={CUBE: 1}, timeout_s=0)) == commits[1:]

    def test_a_pinned_handle_keeps_to_what_it_has_seen(self, store: Store) -> None:  # noqa: D102
        archive(store, 1)
        pinned = store.pinned()
        assert value_of(pinned) == 1
        (commit,) = archive(store, 2)
        assert value_of(pinned) == 1
        assert pinned.refresh() == [commit]
        assert value_of(pinned) == 2

    def test_a_branch_is_on_its_own(self, store: Store, root: str) -> None:  # noqa: D102
        archive(store, 1)
        store.create_branch("trial")
        archive(dtedask.open(root, branch="trial"), 2)
        assert (value_of(store), value_of(dtedask.open(root, branch="trial"))) == (1, 2)

    def test_the_schema_stays_with_the_root(self, root: str) -> None:  # noqa: D102
        from dtedask.store.schema import Schema, Values

        archive(dtedask.open(root, schema=Schema(values=Values(codec="none"))), 1)
        assert dtedask.open(root).schema().values.codec == "none"
        assert value_of(dtedask.open(root)) == 1

    def test_a_root_is_verified_and_described(self, store: Store) -> None:  # noqa: D102
        archive(store, 1)
        found = store.verify(all_snapshots=True)
        assert found.is_whole
        assert store.status()
        assert store.stats()
        assert store.info()
        assert store.dump(CUBE)

    def test_time_series_are_made_once_and_go_with_a_field_that_changes(self, store: Store) -> None:  # noqa: D102
        for step in ("0", "6", "12"):
            archive(store, int(step), step=step)
        assert store.rechunk(ALL).fields == 3
        assert (store.rechunk(ALL).fields, store.rechunk(ALL, dry_run=True).there) == (0, 3)
        archive(store, 5, step="6")
        assert store.rechunk(ALL).fields == 3
        assert [value_of(store, step) for step in ("0", "6", "12")] == [0, 5, 12]
        assert store.verify().is_whole

    def test_any_order_of_changes_gives_what_a_dictionary_says(self, store: Store) -> None:  # noqa: D102
        model: dict[str, int] = {}
        for number, step in enumerate(("0", "12", "6", "0")):
            archive(store, number + 1, step=step)
            model[step] = number + 1
        store.wipe(f"{ALL},step=12", doit=True)
        del model["12"]
        archive(store, 9, step="18")
        model["18"] = 9
        found = {step: value_of(store, step) for step in steps(store)}
        assert found == {step: model[step] for step in sorted(model, key=int)}


def archive(store: Store, value: float, step: str = "0") -> list[dtedask.Commit]:
    """Commit one field."""
    store.archive(*make_field(value, step=step))
    return store.flush()


def steps(store: Store) -> list[str]:
    """Steps of all fields, in the order of the list."""
    return list(itertools.chain.from_iterable([record.keys["step"]] for record in store.list()))


def value_of(store: Store, step: str = "0") -> float:
    """The first number of a field."""
    return float(store.retrieve({"step": step})["t"].to_numpy().ravel()[0])
