"""Which key of a field lives on which level of a cube: the schema of a root."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

CUBE_KEYS = ("class", "stream", "expver")
CUBE_QUALIFIERS = (
    "dataset",
    "activity",
    "experiment",
    "generation",
    "model",
    "realization",
    "resolution",
    "system",
    "method",
    "origin",
    "refdate",
)
GROUP_KEYS = ("type", "levtype")
VARIABLE_KEYS = ("param", "timespan", "stattype")
_DIMENSION_OF_KEY = {
    "date": "forecast_reference_time",
    "time": "forecast_reference_time",
    "hdate": "forecast_reference_time",
    "number": "member",
    "levelist": "level",
}


class Values(BaseModel):
    """How the values of a parameter are stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dtype: Literal["float32", "float64"] = "float32"
    codec: Literal["blosc-zstd", "blosc-lz4", "blosc-zlib", "none"] = "blosc-zstd"
    level: Annotated[int, Field(ge=0, le=9)] = 1
    shuffle: Literal["bitshuffle", "shuffle", "noshuffle"] = "bitshuffle"
    keep_bits: Annotated[int, Field(ge=1, le=52)] | None = Field(
        default=None, description="Lossy: keep so many bits of the mantissa, rounded to nearest."
    )


class Schema(BaseModel):
    """The schema of a root: levels of keys and storage of values.

    Parameters
    ----------
    version : int
        Version of this document.
    qualifiers : tuple of str
        Keys that follow class/stream/expver in the name of a cube when a field has them.
    values : Values
        Storage of all parameters that `parameters` does not name.
    parameters : dict
        Storage by short name or paramId.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    qualifiers: tuple[str, ...] = CUBE_QUALIFIERS
    layout: Literal["map"] = "map"
    values: Values = Values()
    parameters: dict[str, Values] = {}

    @model_validator(mode="after")
    def _check_qualifiers(self) -> Schema:
        from dtedask.request import canonical_keys

        canonical_keys({name: "0001" for name in self.qualifiers if name not in CUBE_QUALIFIERS})
        return self

    def dimension(self, key: str) -> str | None:
        """Dimension that a key of a field belongs to; None for keys of the other levels."""
        if key in CUBE_KEYS or key in GROUP_KEYS or key in VARIABLE_KEYS or key in self.qualifiers:
            return None
        return _DIMENSION_OF_KEY.get(key, key)

    def values_of(self, param: str, short_name: str) -> Values:
        """Storage of one parameter, named by paramId before short name."""
        return self.parameters.get(param) or self.parameters.get(short_name) or self.values


@lru_cache(maxsize=1)
def default_schema() -> Schema:
    """The schema of a root that was created without one."""
    return Schema()
