"""Completeness: what runs are to have, told when it is all there, or late."""

from __future__ import annotations

from dtedask.notify.completeness.document import Expectation, ExpectationsDocument, load_expectations
from dtedask.notify.completeness.drafts import COMPLETENESS_TYPES, completeness_types
from dtedask.notify.completeness.expectations import Expectations
from dtedask.notify.completeness.running import configured_document, expectations_of, telling

__all__ = [
    "COMPLETENESS_TYPES",
    "Expectation",
    "Expectations",
    "ExpectationsDocument",
    "completeness_types",
    "configured_document",
    "expectations_of",
    "load_expectations",
    "telling",
]
