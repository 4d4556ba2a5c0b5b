"""The page on requirements."""

from pathlib import Path

from dtedask.products.requirements.reference import refreshed

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "requirements.md"


def test_the_tables_of_the_page_are_those_of_the_models():
    again = "write them anew: python -m dtedask.products.requirements.reference docs/reference/requirements.md"
    page = PAGE.read_text()
    assert page.count("<!-- table: ") == 6
    assert refreshed(page) == page, again
