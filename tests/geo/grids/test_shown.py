"""How grids are shown."""

from html.parser import HTMLParser

import pytest

from dtedask.geo import Grid


@pytest.mark.parametrize("name", ["O320", "N32", "F80", "0.25x0.25", "H8", "H8-nested", "T63", "CS-LFR-4"])
def test_a_grid_with_a_name_is_shown_as_what_makes_it(name):
    assert repr(Grid(name)) == f"Grid('{name}')"
    assert Grid(Grid(name).label) == Grid(name)


def test_a_grid_without_a_name_is_shown_short():
    grid = Grid({"grid": "O1280", "area": [60, -10, 40, 20]})
    assert repr(grid) == f"<Grid reduced_gg-{grid.uid[:8]}: {grid.size} points>"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.words = [], []

    def handle_starttag(self, tag, attrs):
        assert not {"src", "href"} & {name for name, _ in attrs}
        if tag not in ("rect", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("rect", "path"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize(
    "said", ["O32", "T63", {"grid": [1, 1], "area": [10, 170, -10, 190]}, {"grid": "H8", "area": [60, -10, 40, 20]}]
)
def test_html_is_whole_and_needs_no_network(said):
    tags = Tags()
    tags.feed(Grid(said)._repr_html_())
    assert not tags.open
    assert Grid(said).label in tags.words
    assert Grid(said).uid in tags.words
