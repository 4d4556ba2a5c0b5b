"""What the result of each operation is, for those who write metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dtedask.core.errors import DocumentError
from dtedask.core.nearest import did_you_mean

__all__ = ["OperationInfo", "UnitsChange", "operation_info", "operation_names"]

UnitsChange = Literal["same", "per second", "squared", "fraction", "count"]


@dataclass(frozen=True, slots=True)
class OperationInfo:
    """What an operation gives.

    Parameters
    ----------
    name : str
        What it is called in a plan.
    title : str
        What it is, for people.
    grib_type : int, optional
        Type of statistical processing (GRIB2 code table 4.10); None where the table has none.
    step_type : str
        `stepType` of ecCodes.
    cell_method : str, optional
        Method over time as CF names it; None where CF has no word for it.
    units : str
        What becomes of the units: ``same``, ``per second``, ``squared``, or dimensionless (``fraction``, ``count``).
    needs_opening : bool
        Whether it needs the value at the start of the window.
    exact : bool
        Whether the result is the same to the last bit however the fields were grouped; where not, it is the same for
        the one grouping that all runs use.
    from_multio : bool
        Whether MultIO has it.
    mtg2_operation : str
        The name under which MultIO looks for the parameter of the result.
    """

    name: str
    title: str
    grib_type: int | None
    step_type: str
    cell_method: str | None
    units: UnitsChange = "same"
    needs_opening: bool = False
    exact: bool = False
    from_multio: bool = True
    mtg2_operation: str = ""

    @property
    def parameter_operation(self) -> str:
        """The operation by which parameters of results are mapped: a flux average is an average."""
        return self.mtg2_operation or self.name


_ALL = (
    OperationInfo("instant", "last value", None, "instant", "point", exact=True),
    OperationInfo("average", "mean", 0, "avg", "mean"),
    OperationInfo("minimum", "minimum", 3, "min", "minimum", exact=True),
    OperationInfo("maximum", "maximum", 2, "max", "maximum", exact=True),
    OperationInfo("accumulate", "sum", 1, "accum", "sum"),
    OperationInfo("difference", "end minus start", 4, "diff", None, needs_opening=True, exact=True),
    OperationInfo("inverse-difference", "start minus end", 8, "sdiff", None, needs_opening=True, exact=True),
    OperationInfo(
        "de-accumulate",
        "accumulated in the window",
        1,
        "accum",
        "sum",
        needs_opening=True,
        exact=True,
        mtg2_operation="accumulate",
    ),
    OperationInfo(
        "flux-average",
        "mean rate of an accumulation that starts with the window",
        0,
        "avg",
        "mean",
        units="per second",
        exact=True,
        mtg2_operation="average",
    ),
    OperationInfo(
        "fixed-window-flux-average",
        "mean rate of an accumulation that runs on",
        0,
        "avg",
        "mean",
        units="per second",
        needs_opening=True,
        exact=True,
        mtg2_operation="average",
    ),
    OperationInfo("stddev", "standard deviation (of the population)", 6, "sd", "standard_deviation"),
    OperationInfo("variance", "variance (of the population)", 7, "cov", "variance", units="squared", from_multio=False),
    OperationInfo("count", "values that are not missing", None, "", None, "count", exact=True, from_multio=False),
    OperationInfo("exceedance", "values beyond a threshold", None, "", None, "fraction", exact=True, from_multio=False),
    OperationInfo("quantile", "quantile", None, "", None, from_multio=False),
)
_BY_NAME = {info.name: info for info in _ALL}


def operation_names() -> tuple[str, ...]:
    """Names of all operations, those of MultIO first."""
    return tuple(_BY_NAME)


def operation_info(name: str) -> OperationInfo:
    """Say what the result of an operation is.

    Raises
    ------
    DocumentError
        If there is no operation of this name.
    """
    if name not in _BY_NAME:
        raise DocumentError(f"There is no operation {name!r}.", hint=did_you_mean(name, _BY_NAME))
    return _BY_NAME[name]
