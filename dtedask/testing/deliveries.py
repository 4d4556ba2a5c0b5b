"""What every delivery of products must do."""

from __future__ import annotations

import hashlib
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from pydantic import TypeAdapter

from dtedask.testing.messages import make_message

if TYPE_CHECKING:
    from dtedask.products import Content, Delivery, DeliveryOptions, Part, Product

_TIME = datetime(2024, 6, 3, tzinfo=UTC)


class DeliverySuite:
    """Tests of a delivery: derive a class whose name begins with ``Test``, and say how others see what it brought.

    Examples
    --------
    >>> class TestMyDelivery(DeliverySuite):
    ...     def document(self, folder):
    ...         return {"type": "mine", "place": str(folder / "there")}
    ...
    ...     def seen(self, folder):
    ...         return {path.name: path.read_bytes() for path in (folder / "there").iterdir()}
    """

    has_manifest: ClassVar[bool] = True
    """Whether there is a manifest at the place, which `lines` reads."""
    finds_again: ClassVar[bool] = True
    """Whether the very same product is known to be there by another process."""
    can_look: ClassVar[bool] = True
    """Whether there is a way to see what is there: else manifests get all lines, and keys tell repetitions."""

    def document(self, folder: Path) -> dict[str, Any]:
        """What stands in a requirement; `folder` is the test's own."""
        raise NotImplementedError

    def seen(self, folder: Path) -> dict[str, bytes]:
        """Return what a reader finds, by name: bytes of files, or float64 values of fields by their steps."""
        raise NotImplementedError

    def lines(self, folder: Path, name: str) -> list[dict[str, Any]]:
        """Return the lines of a manifest; none where there is no manifest yet."""
        raise NotImplementedError

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """The folder of a test."""
        return tmp_path

    @pytest.fixture
    def options(self, folder: Path) -> DeliveryOptions:
        """What the document says."""
        from dtedask.products.delivery import AnyDelivery

        found: DeliveryOptions = TypeAdapter(AnyDelivery).validate_python(self.document(folder))
        return found

    @pytest.fixture
    def delivery(self, options: DeliveryOptions) -> Delivery:
        """The delivery, which brought nothing yet."""
        return self.make(options)

    def make(self, options: DeliveryOptions) -> Delivery:
        """Make the delivery."""
        from dtedask.products.delivery import make_delivery

        return make_delivery(options)

    def content(self, folder: Path, value: float, *, step: str = "0", name: str = "") -> Content:
        """A product of one field, whose file is there; numbers follow from one, the same for the same."""
        from dtedask.products import Content

        part = _part(value, step)
        data = self.expected(value, step=step)
        path = folder / f"made-{hashlib.sha256(data).hexdigest()[:8]}-{step}"
        path.write_bytes(data)
        product = _product(name or f"{step}.bin", part)
        checksum = f"sha256:{hashlib.sha256(data).hexdigest()}"
        return Content(product, f"digest-{value}-{step}", path, checksum, len(data), (part,), {"inputs": "a@1"})

    def expected(self, value: float, *, step: str = "0") -> bytes:
        """What `seen` gives of a content."""
        return np.asarray(_part(value, step).payload, "<f8").tobytes()

    def test_options_travel_and_name_their_target(self, options: DeliveryOptions) -> None:  # noqa: D102
        from dtedask.products.delivery import AnyDelivery

        again = pickle.loads(pickle.dumps(options))
        assert again == options
        assert TypeAdapter(AnyDelivery).validate_json(options.model_dump_json()) == options
        assert again.target == options.target != ""
        assert hash(again) == hash(options)

    def test_nothing_is_there_before(self, delivery: Delivery, folder: Path) -> None:  # noqa: D102
        delivery.close()
        assert self.seen(folder) == {}

    def test_a_product_comes_as_it_is(self, delivery: Delivery, folder: Path) -> None:  # noqa: D102
        content = self.content(folder, 1)
        receipt = delivery.deliver(content)
        assert self.seen(folder) == {self.name("0"): self.expected(1)}
        if delivery.takes == "file":
            assert (receipt.checksum, receipt.size_bytes) == (content.checksum, content.size_bytes)
        assert receipt.is_new
        assert receipt.location

    def test_what_is_there_is_found(self, delivery: Delivery, options: DeliveryOptions, folder: Path) -> None:  # noqa: D102
        delivery.deliver(self.content(folder, 1))
        for one in (delivery, self.make(options)):
            receipt = one.deliver(self.content(folder, 1))
            assert receipt.is_new == (not self.finds_again)
            assert self.seen(folder) == {self.name("0"): self.expected(1)}

    def test_another_content_takes_its_place(self, delivery: Delivery, folder: Path) -> None:  # noqa: D102
        for value in (1, 2, 1) if self.can_look else (1, 2):
            assert delivery.deliver(self.content(folder, value)).is_new
            assert self.seen(folder) == {self.name("0"): self.expected(value)}

    def test_names_may_have_folders(self, delivery: Delivery, folder: Path) -> None:  # noqa: D102
        delivery.deliver(self.content(folder, 1, step="6", name="2024/06 ü/6.bin"))
        assert self.seen(folder) == {self.name("6", "2024/06 ü/6.bin"): self.expected(1, step="6")}

    def test_many_threads_bring_many_products(self, delivery: Delivery, folder: Path) -> None:  # noqa: D102
        contents = [self.content(folder, number, step=str(number)) for number in range(12)]
        with ThreadPoolExecutor(4) as pool:
            receipts = list(pool.map(delivery.deliver, contents * 2))
        assert self.seen(folder) == {self.name(str(n)): self.expected(n, step=str(n)) for n in range(12)}
        if self.finds_again:
            assert sum(receipt.is_new for receipt in receipts) >= len(contents)

    def test_a_manifest_has_each_delivery_once(  # noqa: D102
        self, delivery: Delivery, options: DeliveryOptions, folder: Path
    ) -> None:
        if not (self.has_manifest and self.can_look):
            return
        first, second, third = (_line(number) for number in range(3))
        delivery.record("manifest-a.jsonl", [first, second])
        self.make(options).record("manifest-a.jsonl", [second, third, first])
        delivery.record("manifest-b.jsonl", [third])
        assert [json.dumps(one) for one in self.lines(folder, "manifest-a.jsonl")] == [first, second, third]
        assert [json.dumps(one) for one in self.lines(folder, "manifest-b.jsonl")] == [third]

    def test_the_last_line_of_a_product_says_what_is_there(self, delivery: Delivery, folder: Path) -> None:  # noqa: D102
        if not (self.has_manifest and self.can_look):
            return
        for kind in ("first", "first", "second", "first"):
            delivery.record("manifest-a.jsonl", [_line(1, kind), _line(2, "first")])
        found = [(one["product"], one["id"]) for one in self.lines(folder, "manifest-a.jsonl")]
        assert found == [("p1", "first"), ("p2", "first"), ("p1", "second"), ("p1", "first")]

    def test_many_write_one_manifest(self, options: DeliveryOptions, folder: Path) -> None:  # noqa: D102
        if not (self.has_manifest and self.can_look):
            return
        with ThreadPoolExecutor(4) as pool:
            names = [[_line(number) for number in range(begin, begin + 10)] for begin in (0, 10, 5, 0)]
            list(pool.map(lambda lines: self.make(options).record("manifest-a.jsonl", lines), names))
        found = [one["product"] for one in self.lines(folder, "manifest-a.jsonl")]
        assert sorted(found) == sorted(f"p{number}" for number in range(20))

    def name(self, step: str, name: str = "") -> str:
        """What `seen` calls a product of a step."""
        return name or f"{step}.bin"


def _part(value: float, step: str) -> Part:
    from dtedask.products import Part

    message = make_message(value, step=step)
    assert message.description is not None
    return Part(message.description, np.asarray(message.values), message.coordinates or {})


def _product(name: str, part: Part) -> Product:
    from dtedask.products import Cycle, FormatOptions, PostProcessing, Product, Requirement

    requirement = Requirement("suite", "me", {}, PostProcessing(), FormatOptions(type="suite"), digest="r")
    return Product(requirement, Cycle(_TIME), name, (dict(part.description.keys),))


def _line(number: int, kind: str = "only") -> str:
    return json.dumps({"product": f"p{number}", "id": kind, "number": number})
