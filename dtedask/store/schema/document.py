"""Which key of a field lives on which level of a cube: the schema of a root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from dtedask.request import Language, is_reserved, own_type
from dtedask.request.types import TypeName
from dtedask.store.schema.check import Mistake, checked_key, checked_name, checked_rule, mixed_types
from dtedask.store.schema.matching import Fitted, RuleMatcher, fit, fit_types
from dtedask.store.schema.rules import Rule

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
Layout = Literal["map", "messages"]
Objects = Literal["auto", "field", "pack"]
VARIABLE_KEYS = ("param", "timespan", "stattype")
LEAST_TILE = 64  # points


def _tiles(written: object) -> object:
    """What a schema says of tiles, if it can be."""
    is_number = isinstance(written, int) and not isinstance(written, bool) and written >= LEAST_TILE
    if is_number or written in ("auto", "none"):
        return written
    hint = f"Write 'auto', 'none' or a number of points, at least {LEAST_TILE}."
    raise Mistake(f"tiles cannot be {written!r}.", hint)


class Values(BaseModel):
    """How the values of a parameter are stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layout: Layout | None = Field(default=None, description="Layout of the arrays; that of the root by default.")
    dtype: Literal["float32", "float64"] = "float32"
    codec: Literal["blosc-zstd", "blosc-lz4", "blosc-zlib", "none", "grib-int"] = Field(
        default="blosc-lz4",
        description="Compression of values; grib-int keeps the integers that GRIB packs, with their scale.",
    )
    level: Annotated[int, Field(ge=0, le=9)] = 1
    shuffle: Literal["bitshuffle", "shuffle", "noshuffle"] = "bitshuffle"
    tiles: Annotated[Literal["auto", "none"] | Annotated[int, Field(ge=LEAST_TILE)], BeforeValidator(_tiles)] = Field(
        default="auto", description="Points of a tile, in which parts of a field are read; auto: on large grids."
    )
    objects: Objects = Field(
        default="auto", description="Files of encoded fields: one a field, one a task, or by storage and size."
    )
    keep_bits: Annotated[int, Field(ge=1, le=52)] | None = Field(
        default=None, description="Lossy: keep so many bits of the mantissa, rounded to nearest."
    )

    @model_validator(mode="after")
    def _check_codec(self) -> Values:
        if self.codec == "grib-int" and self.keep_bits is not None:
            raise Mistake(
                "codec 'grib-int' keeps every bit, and keep_bits drops some.", "Leave one of them out of the schema."
            )
        if self.codec == "grib-int" and isinstance(self.tiles, int):
            raise Mistake("Fields of codec 'grib-int' are stored whole, without tiles.", "Leave one of them out.")
        return self


class Schema(BaseModel):
    """The schema of a root: levels and types of keys, rules, and storage of values.

    Parameters
    ----------
    version : int
        Version of this document.
    qualifiers : tuple of str
        Keys that follow class/stream/expver in the name of a cube when a field has them.
    keys : dict
        Types of keys: of those that MARS does not have, and of those that are not as MARS has them.
    rules : tuple of Rule
        Which fields are taken, the first rule that takes a field first; without rules all are.
    layout : {"map", "messages"}
        Layout of the arrays where `values` and `parameters` name none: encoded fields, or GRIB messages as they come.
    values : Values
        Storage of all parameters that `parameters` does not name.
    parameters : dict
        Storage by short name or paramId.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    qualifiers: tuple[str, ...] = CUBE_QUALIFIERS
    keys: dict[str, TypeName] = {}
    rules: tuple[Rule, ...] = ()
    layout: Layout = "map"
    values: Values = Values()
    parameters: dict[str, Values] = {}

    @model_validator(mode="after")
    def _check_keys(self) -> Schema:
        mistakes: list[tuple[tuple[str | int, ...], Mistake]] = []
        keys: dict[str, TypeName] = {}
        for written, type_name in self.keys.items():
            try:
                keys[checked_key(written, type_name)] = type_name
            except Mistake as mistake:
                mistakes.append((("keys", written), mistake))
        rules = []
        for number, rule in enumerate(self.rules):
            found, wrong = checked_rule(rule, keys)
            mistakes += [(("rules", number, "keys", key), mistake) for key, mistake in wrong]
            rules.append(found)
        mistakes += [((*path, "keys", key), mistake) for path, key, mistake in mixed_types(rules, keys)]
        for place, name in enumerate(self.qualifiers):
            try:
                checked_name(name, keys)
            except Mistake as mistake:
                mistakes.append((("qualifiers", place), mistake))
        mistakes += self._wrong_tiles()
        if mistakes:
            raise ValidationError.from_exception_data("Schema", [_detail(*one) for one in mistakes])
        # The model is frozen for its users; here its spelling becomes canonical.
        self.__dict__.update(keys=keys, rules=tuple(rules))
        return self

    def _wrong_tiles(self) -> Iterator[tuple[tuple[str | int, ...], Mistake]]:
        """Storage that asks for tiles where fields cannot be cut."""
        entries: list[tuple[tuple[str, ...], Values]] = [(("values",), self.values)]
        entries += [(("parameters", name), values) for name, values in self.parameters.items()]
        for path, values in entries:
            if not isinstance(values.tiles, int):
                continue
            if (values.layout or self.layout) == "messages":
                hint = "Leave 'tiles' out, or take the layout map."
                yield (*path, "tiles"), Mistake("GRIB messages are not cut into tiles.", hint)
            elif values.codec == "grib-int":
                hint = "Leave 'tiles' out, or take another codec."
                yield (*path, "tiles"), Mistake("packed integers (grib-int) are not cut into tiles.", hint)

    @cached_property
    def language(self) -> Language | None:
        """Keys and types that are not as in MARS; None where all are."""
        return Language.of(self.own_keys, {key: set(types) for key, types in self._types()})

    @cached_property
    def own_keys(self) -> frozenset[str]:
        """Keys that MARS does not have."""
        return frozenset(key for key in self.keys if not is_reserved(key))

    def fit(self, keys: Mapping[str, str], grid: str = "") -> Fitted:
        """Fit a field into the first rule that takes it.

        Parameters
        ----------
        keys : mapping of str to str
            Canonical keys of the field.
        grid : str
            Label of its grid; empty where it has none.

        Raises
        ------
        NoRuleError
            If no rule takes it; it says for each rule which keys failed, the nearest first.
        InvalidValueError
            If a key cannot have its value, in a schema without rules.
        """
        if self._matchers:
            return fit(self._matchers, keys, grid)
        return Fitted(keys) if self.language is None else fit_types(self.language, keys)

    @cached_property
    def _matchers(self) -> tuple[RuleMatcher, ...]:
        varied = frozenset(dict(self.language.types)) if self.language else frozenset()
        return tuple(
            RuleMatcher.of(number, rule, self.types_of(rule), varied) for number, rule in enumerate(self.rules, 1)
        )

    def types_of(self, rule: Rule) -> dict[str, str]:
        """Type of each key of a rule; empty where it is as in MARS."""
        return {key: self._type(key, rule) for key in rule.keys}

    def _type(self, key: str, rule: Rule | None = None) -> str:
        """Type of a key under a rule; empty where it is as in MARS."""
        named = rule.keys[key].type if rule is not None else None
        name = str(named or self.keys.get(key) or "")
        return "" if key not in self.own_keys and name == own_type(key) else name

    def _types(self) -> Iterator[tuple[str, list[str]]]:
        for key in dict.fromkeys([*self.keys, *(key for rule in self.rules for key in rule.keys)]):
            given = [self._type(key, rule) for rule in self.rules if key in rule.keys]
            yield key, given or [self._type(key)]

    def is_dimension(self, key: str) -> bool:
        """Whether a key of a field is, or is a part of, a dimension."""
        return not (key in CUBE_KEYS or key in GROUP_KEYS or key in VARIABLE_KEYS or key in self.qualifiers)

    def values_of(self, param: str, short_name: str) -> Values:
        """Storage of one parameter, named by paramId before short name."""
        found = self.parameters.get(param) or self.parameters.get(short_name) or self.values
        return found if found.layout else self._with_layout(found)

    def _with_layout(self, values: Values) -> Values:
        known = self._completed.get(values)
        if known is None:
            known = self._completed[values] = values.model_copy(update={"layout": self.layout})
        return known

    @cached_property
    def _completed(self) -> dict[Values, Values]:
        return {}


def _detail(path: tuple[str | int, ...], mistake: Mistake) -> InitErrorDetails:
    error = PydanticCustomError("value_error", "{text}", {"text": str(mistake), "error": mistake})
    return InitErrorDetails(type=error, loc=path, input=None)


@lru_cache(maxsize=1)
def default_schema() -> Schema:
    """The schema of a root that was created without one."""
    return Schema()
