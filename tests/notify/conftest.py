"""A history of commits without a store, and roots that clean up behind themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dtedask.core.commit import Change, Commit
from dtedask.notify.log import close_logs

BEGIN = datetime(2024, 6, 3, tzinfo=UTC)


def _commit(root, sequence, *, cube="od/oper/0001", params=("130", "131"), snapshot="", **keys):
    request = {"class": "od", "date": "20240603", "time": "0000", "step": str(sequence), "levelist": "500/850", **keys}
    changes = tuple(
        Change("fc/pl/O96", f"v{param}", (*request.items(), ("param", param)), 2) for param in params
    )  # fmt: skip
    return Commit(
        root=str(root),
        cube=cube,
        snapshot=snapshot or f"{cube}-S{sequence}",
        parent=f"{cube}-S{sequence - 1}",
        sequence=sequence,
        time=BEGIN + timedelta(minutes=sequence),
        changes=changes,
        new=2 * len(changes),
    )


@pytest.fixture(scope="session")
def make_commit():
    """Make a commit of two variables: make_commit(root, sequence, cube=..., params=..., key=value...)."""
    return _commit


@pytest.fixture
def root(tmp_path):
    """Folder of a root on local disk."""
    folder = tmp_path / "root"
    folder.mkdir()
    yield folder
    close_logs()
