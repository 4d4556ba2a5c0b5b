"""The reference of formats: up to date, and every example is a format."""

from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from dtedask.products.format import AnyFormat, format_types
from dtedask.products.formats.reference import reference
from dtedask.products.formats.reference_examples import EXAMPLES

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "formats.md"
FILES = {
    "stations.csv": "name,latitude,longitude\nReading,51.45,-0.97\n",
    "stations.geojson": '{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "Reading", '
    '"geometry": {"type": "Point", "coordinates": [-0.97, 51.45]}, "properties": {}}]}',
}


def test_the_page_is_what_the_models_say():
    command = "python -m dtedask.products.formats.reference > docs/reference/formats.md"
    assert PAGE.read_text() == reference(), f"write it anew: {command}"


def test_every_format_has_an_example():
    assert EXAMPLES.keys() == {name for name, place in format_types().items() if place.startswith("dtedask.")}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_a_format(name, tmp_path):
    for file, text in FILES.items():
        (tmp_path / file).write_text(text)
    said = yaml.safe_load(EXAMPLES[name])["format"]
    document = said if isinstance(said, dict) else {"type": said}
    options = TypeAdapter(AnyFormat).validate_python(document, context={"path": tmp_path / "requirements.yaml"})
    assert options.type == name
