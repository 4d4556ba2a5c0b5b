"""Every line of the tables of faults is a test."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "explanation" / "faults.md"
ROWS = [
    line for line in PAGE.read_text().splitlines() if line.count("|") == 6 and not line.startswith(("| fault", "|--"))
]


def test_every_fault_names_its_test():
    assert len(ROWS) > 20
    assert not [row for row in ROWS if "`tests/" not in row and "| the same (`" not in row]


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE.read_text()))))
def test_a_test_that_is_named_exists(named):
    file, _, name = named.partition("::")
    assert f"\ndef {name}(" in (REPOSITORY / file).read_text()


def test_faults_that_share_a_test_are_its_cases():
    source = (REPOSITORY / "tests" / "services" / "test_slurm_faults.py").read_text()
    cases = re.findall(r"\(`(\w+)`\)", PAGE.read_text())
    assert len(cases) == 5
    assert all(f"\ndef {case}(" in source for case in cases)
