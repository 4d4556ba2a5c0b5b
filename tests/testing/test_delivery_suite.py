"""The suite of deliveries finds what is wrong with a delivery."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dtedask.products.deliveries.folder import FolderDelivery, FolderOptions
from dtedask.testing import DeliverySuite


class LosesBytes(FolderDelivery):
    def deliver(self, content):
        content.path.write_bytes(content.path.read_bytes()[:-1])
        return super().deliver(content)


class FlattensNames(FolderDelivery):
    def deliver(self, content):
        product = replace(content.product, file_name=content.product.file_name.rpartition("/")[2])
        return super().deliver(replace(content, product=product))


class SaysNothingIsNew(FolderDelivery):
    def deliver(self, content):
        return replace(super().deliver(content), is_new=False)


class KeepsWhatIsThere(FolderDelivery):
    def deliver(self, content):
        if (self.folder / content.product.file_name).exists():
            return replace(self._receipt, is_new=True)
        self._receipt = super().deliver(content)
        return self._receipt


class RepeatsLines(FolderDelivery):
    def record(self, name, lines):
        self.folder.mkdir(exist_ok=True)
        with (self.folder / name).open("a") as file:
            file.writelines(f"{line}\n" for line in lines)


FAULTS = {
    LosesBytes: "test_a_product_comes_as_it_is",
    FlattensNames: "test_names_may_have_folders",
    SaysNothingIsNew: "test_a_product_comes_as_it_is",
    KeepsWhatIsThere: "test_another_content_takes_its_place",
}


class Suite(DeliverySuite):
    def seen(self, folder):
        there = folder / "there"
        return {path.relative_to(there).as_posix(): path.read_bytes() for path in there.rglob("*") if path.is_file()}

    def lines(self, folder, name):
        return [json.loads(line) for line in (folder / "there" / name).read_text().splitlines()]


@pytest.mark.parametrize(("faulty", "test"), FAULTS.items())
def test_a_faulty_delivery_fails_its_test_and_a_good_one_passes(tmp_path, faulty, test):
    for kind in (FolderDelivery, faulty):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        delivery = kind(FolderOptions(path=str(folder / "there")))
        if kind is FolderDelivery:
            getattr(Suite(), test)(delivery, folder)
        else:
            with pytest.raises(AssertionError):
                getattr(Suite(), test)(delivery, folder)


def test_lines_that_come_twice_are_found(tmp_path):
    with pytest.raises(AssertionError):
        Suite().test_the_last_line_of_a_product_says_what_is_there(
            RepeatsLines(FolderOptions(path=str(tmp_path / "there"))), tmp_path
        )
