"""Formats and deliveries that only hold their options: requirements name them, and make nothing."""

import sys
from typing import Literal

import pytest

from dtedask.products import delivery as deliveries
from dtedask.products import format as formats
from dtedask.products.delivery import Delivery, DeliveryOptions
from dtedask.products.format import Format, FormatOptions


class GribOptions(FormatOptions):
    type: Literal["grib2"] = "grib2"
    accuracy: int | str | None = None
    packing: str = ""
    edition: Literal[1, 2] = 2
    padding: int = 0


class Grib(Format):
    Options = GribOptions
    suffix = ".grib2"
    default_name = "{name}-{date}{time}-{step}{suffix}"

    def write(self, product, parts, path, lineage):
        raise NotImplementedError


class PngOptions(FormatOptions):
    type: Literal["png"] = "png"
    style: str = ""


class Png(Format):
    Options = PngOptions
    suffix = ".png"
    default_name = "{name}-{date}{time}-{step}-{shortName}"

    def write(self, product, parts, path, lineage):
        raise NotImplementedError


class FolderOptions(DeliveryOptions):
    type: Literal["folder"] = "folder"
    path: str

    @property
    def target(self):
        return self.path


class Folder(Delivery):
    Options = FolderOptions

    def deliver(self, content):
        raise NotImplementedError


class UrlOptions(DeliveryOptions):
    url: str

    @property
    def target(self):
        return self.url


class Url(Delivery):
    Options = UrlOptions

    def deliver(self, content):
        raise NotImplementedError


@pytest.fixture(autouse=True)
def kinds(monkeypatch):
    """The formats and deliveries that there are in these tests."""
    here = sys.modules[__name__].__name__
    known = {"grib2": f"{here}:Grib", "png": f"{here}:Png"}
    for name, place in known.items():
        monkeypatch.setitem(formats._OWN, name, place)
    places = {"folder": f"{here}:Folder", "s3": f"{here}:Url", "http": f"{here}:Url"}
    for name, place in places.items():
        monkeypatch.setitem(deliveries._OWN, name, place)
