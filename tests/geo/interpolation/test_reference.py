from pathlib import Path

from dtedask.geo.interpolation.reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "interpolation.md"


def test_the_page_is_what_the_models_say():
    again = "run python -m dtedask.geo.interpolation.reference > docs/reference/interpolation.md"
    assert PAGE.read_text() == reference(), again
