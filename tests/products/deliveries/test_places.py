"""Where products go is known, and fits what is written, before anything is read."""

from __future__ import annotations

import pytest

from dtedask.core.errors import DocumentError, ProductError
from dtedask.products import FormatOptions
from dtedask.products.deliveries.cube import CubeOptions
from dtedask.products.deliveries.folder import FolderOptions
from dtedask.products.deliveries.http import HttpOptions
from dtedask.products.deliveries.places import check_places, deliveries_of, output_of
from dtedask.products.deliveries.s3 import S3Options
from dtedask.products.requirements import load_requirements
from tests.products.made import folder, product

HTTP = HttpOptions(url="https://there/in")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("s3://bucket/a/", S3Options(url="s3://bucket/a")),
        ("https://there/in", HTTP),
        ("file:///there/a", FolderOptions(path="/there/a")),
        ("/there/a", FolderOptions(path="/there/a")),
    ],
)
def test_a_text_stands_for_a_place(text, options):
    assert output_of(text) == options


@pytest.mark.parametrize("text", ["ftp://there", "s3://", "http:///in", "https://me:word@there", ""])
def test_a_text_that_stands_for_none_is_refused(text):
    with pytest.raises(DocumentError, match="delivered to"):
        output_of(text)


def test_places_that_are_equal_are_one(tmp_path):
    one = product(delivery=(folder(tmp_path), folder(tmp_path / "a" / ".."), HTTP))
    assert deliveries_of(one, HTTP) == (folder(tmp_path), HTTP)
    assert deliveries_of(product(), HTTP) == (HTTP,)


@pytest.mark.parametrize(
    ("written", "place", "message"),
    [("cube", HTTP, "writes no file"), ("zarr", HTTP, "writes folders"), ("cube", folder("a"), "writes no file")],
)
def test_formats_and_places_that_do_not_fit_are_named(written, place, message):
    with pytest.raises(ProductError, match=message):
        check_places(FormatOptions(type=written), (CubeOptions(url="root"), place))
    check_places(FormatOptions(type=written), (CubeOptions(url="root"),))


def test_a_requirement_whose_places_do_not_fit_is_broken_and_stops_no_other():
    request = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc", "param": "2t"}
    one = {"request": request, "delivery": "out"}
    found = load_requirements({"requirements": [{"name": "a", "format": "cube", **one}, {"name": "b", **one}]})
    assert [one.name for one in found.valid] == ["b"]
    (broken,) = found.broken
    assert broken.name == "a"
    assert "The format 'cube' writes no file" in str(broken)
