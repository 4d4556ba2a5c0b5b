"""What a method of interpolation is, and where methods are found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from dtedask.core.errors import GridError
from dtedask.core.registry import Registry

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dtedask.geo.grid import Grid

ENTRY_POINTS = "dtedask.interpolations"
_OWN: dict[str, str] = {
    "binning": "dtedask.geo.interpolation.binning:Binning",
    "conservative": "dtedask.geo.interpolation.conservative:Conservative",
    "conservative-second-order": "dtedask.geo.interpolation.conservative_second:ConservativeSecondOrder",
    "grid-box-average": "dtedask.geo.interpolation.grid_box:GridBoxAverage",
    "grid-box-maximum": "dtedask.geo.interpolation.grid_box:GridBoxMaximum",
    "grid-box-statistics": "dtedask.geo.interpolation.grid_box:GridBoxStatistics",
    "matrix": "dtedask.geo.interpolation.matrix:Matrix",
    "nearest": "dtedask.geo.interpolation.nearest:Nearest",
    "k-nearest": "dtedask.geo.interpolation.nearest:KNearest",
    "linear": "dtedask.geo.interpolation.linear:Linear",
    "bilinear": "dtedask.geo.interpolation.stencil:Bilinear",
    "bicubic": "dtedask.geo.interpolation.stencil:Bicubic",
    "quasi-cubic": "dtedask.geo.interpolation.stencil:QuasiCubic",
}
Reduction = Literal[
    "sum", "maximum", "minimum", "count", "mean", "variance", "skewness", "kurtosis", "standard-deviation"
]


class MethodOptions(BaseModel):
    """Options of a method; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True)


class Method(ABC):
    """A way to make the values of a target grid of those of a source grid.

    An object holds its options and nothing that changes; it can be pickled. Rows of weights belong to points of the
    target, in its order; columns to those of the source. A row without weights is a point that gets no value.

    Parameters
    ----------
    options : MethodOptions
        An object of the class's `Options`.
    """

    Options: ClassVar[type[MethodOptions]] = MethodOptions
    version: ClassVar[int] = 1
    """Raised whenever the weights that the method makes change: those that are kept are then made anew."""

    def __init__(self, options: Any = None) -> None:
        self.options = self.Options() if options is None else options

    @property
    def reduction(self) -> Reduction:
        """What is made of the values of a row: their weighted sum, or a statistic that takes no heed of weights."""
        return "sum"

    @property
    def is_limited(self) -> bool:
        """Whether there are `limits`, known without any grid."""
        return False

    def identity(self) -> dict[str, Any]:
        """Say what the weights depend on beside grids and options, such as the digest of a file that an option names.

        Returns
        -------
        dict
            What JSON can hold; most methods have nothing to say.
        """
        return {}

    @abstractmethod
    def prepare(self, source: Grid, target: Grid) -> Any:
        """Make once what all blocks share, such as a tree or a mesh; it can be pickled.

        Raises
        ------
        GridError
            If the method cannot do these grids; it says which it can.
        """

    @abstractmethod
    def block(self, prepared: Any, source: Grid, target: Grid, first: int, last: int) -> csr_array:
        """Make the weights of the points `first` to `last` (exclusive) of the target.

        Returns
        -------
        scipy.sparse.csr_array of float64, shape (last - first, source.size)
            Indices are sorted; no value is 0.
        """

    def limits(self, prepared: Any, source: Grid, target: Grid, first: int, last: int) -> csr_array | None:  # noqa: ARG002
        """Say which points of the source keep the values of the target between their least and their largest.

        Returns
        -------
        scipy.sparse.csr_array of float64, shape (last - first, source.size), or None
            Rows have the points that limit, with equal weights; None for a method without a limiter, as most are.
        """
        return None


_METHODS = Registry("method of interpolation", ENTRY_POINTS, _OWN, GridError)


def method_types() -> dict[str, str]:
    """Names of all methods, ours and those of installed packages, and where each is."""
    return _METHODS.places()


def method_class(name: str) -> type[Method]:
    """Find the class of a method.

    Raises
    ------
    GridError
        If there is none of this name.
    """
    found: type[Method] = _METHODS.load(name)
    return found
