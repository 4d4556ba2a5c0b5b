"""What a comparison found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dtedask.store.html import table_html

if TYPE_CHECKING:
    from dtedask.request import Request
    from dtedask.store.moving.tolerance import Tolerance, ValueDifference

Kind = Literal["left-only", "right-only", "differs"]
_SHOWN = 4
_MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class HeaderDifference:
    """An attribute or a GRIB key that two fields say differently; empty text where one does not say it."""

    name: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field that only one side has, or that differs.

    Parameters
    ----------
    kind : {"left-only", "right-only", "differs"}
        What is the matter.
    keys : mapping
        MARS keys.
    grid : str
        Label of its grid.
    headers : tuple of HeaderDifference
        Attributes and GRIB keys that differ.
    values : ValueDifference, optional
        How the values differ; None where they are equal, or cannot be compared.
    reason : str
        Why they cannot be compared.
    """

    kind: Kind
    keys: Mapping[str, str]
    grid: str
    headers: tuple[HeaderDifference, ...] = ()
    values: ValueDifference | None = None
    reason: str = ""

    @property
    def text(self) -> str:
        """What is the matter, for people."""
        if self.kind != "differs":
            return f"only on the {self.kind.removesuffix('-only')}"
        parts = [self.reason] if self.reason else []
        if self.values is not None:
            found = self.values
            text = f"{found.differing:,} of {found.points:,} values, by up to {found.largest:.6g}"
            parts.append(text + (f", {found.missing:,} missing on one side" if found.missing else ""))
        if self.headers:
            shown = [f"{one.name} ({one.left or '-'}, {one.right or '-'})" for one in self.headers[:_SHOWN]]
            more = f" and {len(self.headers) - _SHOWN} more" if len(self.headers) > _SHOWN else ""
            parts.append(f"headers {', '.join(shown)}{more}")
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        found: dict[str, Any] = {"kind": self.kind, "keys": dict(self.keys), "grid": self.grid}
        if self.headers:
            found["headers"] = {one.name: [one.left, one.right] for one in self.headers}
        if self.values is not None:
            found["values"] = self.values.to_dict()
        return found | ({"reason": self.reason} if self.reason else {})


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between the fields of two roots, or of a root and GRIB files.

    Parameters
    ----------
    request : Request
        What was compared.
    left, right : str
        The roots, or files.
    tolerance : Tolerance
        What counts as equal.
    compared : int
        Fields that both sides have.
    differences : tuple of FieldDifference
        Fields that only one side has, or that differ.
    seconds : float
        Time it took.
    """

    request: Request
    left: str
    right: str
    tolerance: Tolerance
    compared: int
    differences: tuple[FieldDifference, ...]
    seconds: float = 0.0

    @property
    def is_equal(self) -> bool:
        """Whether both sides have the same fields with the same headers and values."""
        return not self.differences

    def count(self, kind: Kind) -> int:
        """Number of differences of a kind."""
        return sum(one.kind == kind for one in self.differences)

    def __str__(self) -> str:
        parts = [f"{self.compared} compared, {self.count('differs')} differ"]
        parts += [f"{self.count('left-only')} only in {self.left}"] if self.count("left-only") else []
        parts += [f"{self.count('right-only')} only in {self.right}"] if self.count("right-only") else []
        return ", ".join(parts)

    def __repr__(self) -> str:
        return f"<Comparison of {str(self.request) or 'everything'} in {self.left} and {self.right}: {self}>"

    def _repr_html_(self) -> str:
        return table_html(repr(self).strip("<>"), list(self.rows())[:_MOST_ROWS])

    def rows(self) -> Iterator[dict[str, str]]:
        """A row a difference: the field as a request, and what is the matter."""
        for one in self.differences:
            said = ",".join(f"{key}={value}" for key, value in {**one.keys, "grid": one.grid}.items())
            yield {"field": said, "difference": one.text}

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "request": str(self.request),
            "left": self.left,
            "right": self.right,
            "equal": self.is_equal,
            "compared": self.compared,
            "differing": self.count("differs"),
            "left_only": self.count("left-only"),
            "right_only": self.count("right-only"),
            "seconds": round(self.seconds, 3),
            "differences": [one.to_dict() for one in self.differences],
        }
