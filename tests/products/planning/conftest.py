from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def plain_format(monkeypatch):
    """A format that is there whatever others are."""
    from dtedask.products import format as formats

    monkeypatch.setitem(formats._OWN, "plain", "tests.products.planning.orders:Plain")
