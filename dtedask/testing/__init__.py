"""For tests: small fields, and the suites that every implementation of a kind must pass. It needs pytest."""

from dtedask.testing.fields import KEYS, make_field
from dtedask.testing.lazy import raise_if_computes
from dtedask.testing.store import StoreSuite

__all__ = ["KEYS", "StoreSuite", "make_field", "raise_if_computes"]
