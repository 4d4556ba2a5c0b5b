"""What every format of products must do."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import TypeAdapter

from dtedask.testing.messages import make_message

if TYPE_CHECKING:
    from dtedask.products import Format, Part, Product

__all__ = ["FormatSuite", "make_part", "make_product", "written"]

Labels = tuple[str, float, float | None, int | None]
"""Short name, step in hours, level and member of a field; None where it has none."""


def make_part(value: float = 1.0, *, shape: tuple[int, int] = (12, 18), has_gap: bool = False, **keys: str) -> Part:
    """One field of a product, as planning hands it over: its values are float32 numbers.

    Parameters
    ----------
    value, shape, has_gap, **keys
        As of `dtedask.testing.make_message`.
    """
    from dtedask.products import Part

    message = make_message(value, shape=shape, has_gap=has_gap, **keys)
    assert message.description is not None
    return Part(message.description, np.asarray(message.values, "float32"), message.coordinates or {})


def make_product(parts: Sequence[Part], document: Mapping[str, Any], *, name: str = "suite") -> Product:
    """The product that holds some fields, of a requirement that says little more than its format."""
    from dtedask.products import Cycle, PostProcessing, Product, Requirement
    from dtedask.products.format import AnyFormat

    options = TypeAdapter(AnyFormat).validate_python(dict(document))
    requirement = Requirement(name, f"owner of {name}", {}, PostProcessing(), options)
    cycle = Cycle(datetime(2024, 1, 1, tzinfo=UTC))
    return Product(requirement, cycle, f"{name}-file", tuple(part.description.keys for part in parts))


def written(parts: Sequence[Part], document: Mapping[str, Any], path: Path, *, name: str = "suite") -> Product:
    """Check, encode and write a product as it is done when products are made; return it."""
    from dtedask.products.format import make_format

    product = make_product(parts, document, name=name)
    kind = make_format(product.requirement.format)
    kind.check(product, [part.description for part in parts])
    kind.write(product, [_encoded(kind, part) for part in parts], path, _LINEAGE)
    return product


def _encoded(kind: Format, part: Part) -> Part:
    operation = kind.encoding(part.description)
    if operation is None:
        return part
    (payload,) = operation.batch([(np.asarray(part.payload),)])
    described = operation.describe(part.description)
    return replace(part, description=described, payload=payload, coordinates={})


_LINEAGE = {"inputs": "the suite"}


class FormatSuite:
    """Tests of a format: derive a class whose name begins with ``Test``, and say how others read what it wrote.

    Examples
    --------
    >>> class TestMyFormat(FormatSuite):
    ...     document = {"type": "mine"}
    ...
    ...     def seen(self, path):
    ...         return {("t", 0.0, 500.0, None): my_reader(path)}
    """

    document: ClassVar[dict[str, Any]]
    """What stands under ``format`` in a requirement."""
    error = 0.0
    """Largest difference between what is written and what is read, in parts of the range of the values."""
    holds_several = True
    """Whether a product may have several fields."""
    shows_values = True
    """Whether values can be read from it."""
    places: Sequence[int] | None = None
    """The points of the field, counted along its rows, whose values are in it; None for all."""

    def seen(self, path: Path) -> dict[Labels, np.ndarray]:
        """Return what an independent reader finds: values by short name, step in hours, level and member."""
        raise NotImplementedError

    def write(self, parts: Sequence[Part], path: Path, **said: Any) -> Path:
        """Write a product and return where it is."""
        written(parts, self.document, path, **said)
        return path

    def make(self) -> Format:
        """Make the format."""
        from dtedask.products.format import make_format

        return make_format(make_product([], self.document).requirement.format)

    def test_options_and_operations_travel(self) -> None:  # noqa: D102
        options = self.make().options
        assert pickle.loads(pickle.dumps(options)) == options
        operation = self.make().encoding(make_part().description)
        if operation is not None:
            assert pickle.loads(pickle.dumps(operation)) == operation
            assert operation == self.make().encoding(make_part(7.0).description)
            assert operation.identity

    def test_equal_options_have_one_identity(self) -> None:  # noqa: D102
        assert self.make().identity == self.make().identity != ""

    def test_it_says_what_its_files_are(self) -> None:  # noqa: D102
        kind = self.make()
        assert kind.suffix == "" or kind.suffix.startswith(".")
        assert "/" in kind.media_type
        assert "{" in kind.default_name

    def test_the_same_parts_give_the_same_bytes(self, tmp_path: Path) -> None:  # noqa: D102
        parts = self.several()
        first, second = (self.write(parts, tmp_path / name) for name in ("one", "two"))
        assert contents(first) == contents(second) != {}

    def test_whose_product_it_is_does_not_matter(self, tmp_path: Path) -> None:  # noqa: D102
        first, second = (self.write([make_part()], tmp_path / name, name=name) for name in ("one", "two"))
        assert contents(first) == contents(second)

    def test_other_values_give_other_bytes(self, tmp_path: Path) -> None:  # noqa: D102
        first, second = (self.write([make_part(value)], tmp_path / str(value)) for value in (1.0, 280.0))
        assert contents(first) != contents(second)

    def test_what_is_in_memory_is_what_is_written(self, tmp_path: Path) -> None:  # noqa: D102
        parts, kind = self.several(), self.make()
        product = make_product(parts, self.document)
        pieces = kind.pieces(product, [_encoded(kind, part) for part in parts], _LINEAGE)
        if pieces is not None:
            assert b"".join(pieces) == self.write(parts, tmp_path / "file").read_bytes()

    def test_parts_stay_as_they_are(self, tmp_path: Path) -> None:  # noqa: D102
        part = make_part(has_gap=True)
        before = np.array(part.payload)
        self.write([part], tmp_path / "file")
        np.testing.assert_array_equal(part.payload, before)

    def test_values_come_back(self, tmp_path: Path) -> None:  # noqa: D102
        self.compare([make_part(3.0)], tmp_path / "file")

    def test_missing_points_stay_missing(self, tmp_path: Path) -> None:  # noqa: D102
        self.compare([make_part(3.0, has_gap=True)], tmp_path / "file")

    def test_a_field_without_any_value_is_written(self, tmp_path: Path) -> None:  # noqa: D102
        part = make_part()
        empty = np.full_like(np.asarray(part.payload), np.nan)
        self.compare([replace(part, payload=empty)], tmp_path / "file")

    def test_steps_levels_members_and_parameters_stand_together(self, tmp_path: Path) -> None:  # noqa: D102
        if self.holds_several:
            self.compare(self.several(), tmp_path / "file")

    def several(self) -> list[Part]:
        """Some fields of one product."""
        if not self.holds_several:
            return [make_part(2.0)]
        return [
            make_part(1.0 + 7 * number, step=step, levelist=level, number=member, type="pf", stream="enfo", param=param)
            for number, (step, level, member, param) in enumerate(
                (step, level, member, param)
                for step in ("0", "6")
                for level in ("500", "850")
                for member in ("1", "2")
                for param in ("t", "z")
            )
        ]

    def compare(self, parts: Sequence[Part], path: Path) -> None:
        """Write fields, read them, and compare them."""
        self.write(parts, path)
        if not self.shows_values:
            return
        found = self.seen(path)
        assert len(found) == len(parts)
        for part in parts:
            values = np.asarray(part.payload, "float64").ravel()
            values = values if self.places is None else values[list(self.places)]
            seen = np.asarray(found[labels_of(part)], "float64").ravel()
            np.testing.assert_array_equal(np.isnan(seen), np.isnan(values))
            if not np.isnan(values).all():
                span = np.nanmax(part.payload) - np.nanmin(part.payload)
                assert np.nanmax(np.abs(seen - values)) <= self.error * span


def labels_of(part: Part) -> Labels:
    """What `FormatSuite.seen` calls a field."""
    field = part.description
    level, member = field.keys.get("levelist"), field.keys.get("number")
    return (
        field.short_name,
        field.step_seconds / 3600,
        None if level is None else float(level),
        None if member is None else int(member),
    )


def contents(path: Path) -> dict[str, bytes]:
    """All bytes of a file, or of a folder by the names of its files."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(one.relative_to(path)): one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()}
