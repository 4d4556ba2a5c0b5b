"""What is old is forgotten: in the ledger, and what is staged."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from dtedask.core.errors import NoMatchError
from dtedask.products import forget
from dtedask.products.finishing import Finishing
from dtedask.products.finishing.staging import Staging
from dtedask.products.ledger import Ledger
from tests.products.made import NOW, folder, make, part, product

HOUR = timedelta(hours=1)


@pytest.fixture
def state(tmp_path):
    """One product that was delivered, and a content that waits for its place."""
    with Ledger(tmp_path / "state") as ledger:
        with Finishing(ledger, output=folder(tmp_path / "out"), now=lambda: NOW) as finishing:
            finishing(make(product("old")), [part(1)])
        ledger.made([(product("away"), "elsewhere")], "d2", "sha256:2", 10, now=NOW + HOUR)
        staging = Staging(ledger.folder)
        staging.write("d2", ".raw", lambda _: [b"waits"])
        staging.close()
    os.utime(tmp_path / "state" / "staged" / "d2", times=((NOW + HOUR).timestamp(),) * 2)
    return tmp_path / "state"


@pytest.mark.parametrize(("hours", "products", "staged"), [(0, 0, 0), (0.5, 1, 0), (2, 2, 1)])
def test_what_nothing_was_heard_of_for_long_is_forgotten_and_what_was_delivered_stays(
    state, tmp_path, hours, products, staged
):
    before = NOW + hours * HOUR
    for doit in (False, True):
        with Ledger(state) as ledger:
            assert len(ledger.products()) == 2
        found = forget(state, before, doit=doit)
        assert (found.products, found.staged, found.is_done) == (products, staged, doit)
    with Ledger(state) as ledger:
        assert len(ledger.products()) == 2 - products
    assert len(list((state / "staged").iterdir())) == 1 - staged
    assert (tmp_path / "out" / "old.raw").exists()


def test_where_there_is_no_state_nothing_is_made(tmp_path):
    with pytest.raises(NoMatchError, match="no state of products"):
        forget(tmp_path / "state", NOW, doit=True)
    assert list(tmp_path.iterdir()) == []
