"""The action `mask`: points that do not count become missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from dtedask.core.errors import FieldError
from dtedask.pipeline.action import Action, ActionOptions, Saved
from dtedask.pipeline.keys.glossary import accepted_texts, texts_of, value_of
from dtedask.pipeline.message import Kind
from dtedask.pipeline.values.mask_codec import decode_mask, encode_mask
from dtedask.pipeline.values.mask_sources import MaskSource
from dtedask.pipeline.values.numbers import numbers_of

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

Place = tuple[str, str]
"""Domain and level of a mask; "" for every one."""


class MaskOptions(ActionOptions):
    """How fields are masked; masks come in the stream before the fields, or are named here."""

    type: Literal["mask"] = "mask"
    """What the action does."""
    apply_bitmap: bool = Field(default=True, alias="apply-bitmap")
    """Make points missing that do not count."""
    missing_value: float | None = Field(None, alias="missing-value")
    """Number that encoders write at missing points, as the key ``missingValue`` of the field; inside they are NaN."""
    offset_fields: tuple[str | int, ...] = Field((), alias="offset-fields")
    """Fields, by the model's ``name``, short name or parameter, to whose points that count `offset-value` is added."""
    offset_value: float = Field(default=273.15, alias="offset-value")
    """What is added to them."""
    offset_units: str = Field("", alias="offset-units")
    """Units that they have afterwards, such as K; by default those that they had."""
    masks: tuple[MaskSource, ...] = ()
    """Masks from fields of GRIB files or cubes."""

    def files(self) -> tuple[str, ...]:
        """See `ActionOptions`."""
        return tuple(one.file for one in self.masks if one.file)


@dataclass(slots=True)
class State:
    """The masks that are known.

    Parameters
    ----------
    masks : dict
        Of each domain and level the points that count, or what will be computed to them.
    grids : dict
        Of those that the plan names, what their grid is called.
    """

    masks: dict[Place, Any] = field(default_factory=dict)
    grids: dict[Place, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Masking:
    """Makes points missing, and adds an offset to the others.

    Parameters
    ----------
    name : str
        Domain of the mask, for errors.
    makes_missing : bool
        Whether points that do not count become missing.
    offset : float
        What is added to the others.
    """

    name: str
    makes_missing: bool
    offset: float

    def __call__(self, values: Any, mask: Any) -> Any:
        """Mask an array; the mask may be a row of points."""
        if mask.size != values.size:
            raise FieldError(
                f"The mask of the domain {self.name} has {mask.size} points, the field {values.size}.",
                hint="Masks are of whole fields: put the action 'aggregate' before.",
            )
        counts = mask.reshape(values.shape)
        masked = np.where(counts, values + self.offset, values) if self.offset else values
        return np.where(counts, masked, np.nan) if self.makes_missing else masked


class Mask(Action):
    """Masks fields by the mask of their domain and level."""

    Options = MaskOptions

    def start(self) -> State:
        """Return the masks that the plan names."""
        state = State()
        for source in self.options.masks:
            place = _place(source)
            state.masks[place], state.grids[place] = source.read(self.context.folder)
        return state

    def handle(self, message: Message, state: State, compute: Compute) -> Iterable[Message]:
        """See `Action`."""
        if message.kind is Kind.MASK:
            state.masks[_of(message)] = _points(message)
            state.grids.pop(_of(message), None)
        return [self._masked(message, state, compute)] if message.is_field else [message]

    def save(self, state: State) -> Saved:
        """See `Action`."""
        places = list(state.masks)
        arrays = {str(number): _stored(state.masks[place]) for number, place in enumerate(places)}
        shapes = [list(np.shape(state.masks[place])) for place in places]
        grids = [state.grids.get(place, "") for place in places]
        return Saved({"places": [list(place) for place in places], "shapes": shapes, "grids": grids}, arrays)

    def load(self, saved: Saved) -> State:
        """See `Action`."""
        said, state = saved.document, State()
        for number, (place, shape, grid) in enumerate(zip(said["places"], said["shapes"], said["grids"], strict=True)):
            mask = decode_mask(saved.arrays[str(number)].tobytes()).reshape(shape)
            state.masks[place[0], place[1]] = mask
            if grid:
                state.grids[place[0], place[1]] = grid
        return state

    def memory_bytes(self, fields: int, field_bytes: int) -> int:  # noqa: ARG002 - fields of a grid share a mask
        """See `Action`."""
        return field_bytes // 8 * max(1, len(self.options.masks))

    def _masked(self, message: Message, state: State, compute: Compute) -> Message:
        offset = self.options.offset_value if self._is_offset(message) else 0.0
        if not (self.options.apply_bitmap or offset):
            return message
        mask = _mask_for(message, state)
        masking = Masking(str(message.keys.get("domain", "")), self.options.apply_bitmap, offset)
        values = compute.call("mask", masking, numbers_of(message, "mask"), mask)
        return self._described(message.replaced(values=values, data=None), has_offset=bool(offset))

    def _described(self, message: Message, *, has_offset: bool) -> Message:
        if self.options.missing_value is not None:
            message = message.with_keys(missingValue=self.options.missing_value)
        if message.description is None:
            return message
        units = self.options.offset_units if has_offset else ""
        bitmap = message.description.has_bitmap or self.options.apply_bitmap
        described = replace(message.description, units=units or message.description.units, has_bitmap=bitmap)
        return message.replaced(description=described)

    def _is_offset(self, message: Message) -> bool:
        names = {str(message.keys.get("name", "")), *texts_of(message, "shortName"), *texts_of(message, "param")}
        return not names.isdisjoint(str(name) for name in self.options.offset_fields)


def _place(source: MaskSource) -> Place:
    level = "" if source.level is None else min(accepted_texts("levelist", source.level))
    return source.domain or "", level


def _of(message: Message) -> Place:
    return str(message.keys.get("domain", "")), value_of(message, "levelist") or "0"


def _points(message: Message) -> Any:
    """Points of a mask, which may come as MultIO's bytes, or as any numbers of which 0 does not count."""
    if message.data is not None:
        return decode_mask(message.data)
    values = np.asarray(message.values) if isinstance(message.values, list | tuple) else message.values
    return values != 0 if isinstance(values, np.ndarray) and values.dtype != bool else values


def _mask_for(message: Message, state: State) -> Any:
    domain, level = _of(message)
    for place in _candidates(domain, level):
        if place in state.masks:
            _check_grid(message, state.grids.get(place))
            return state.masks[place]
    known = ", ".join(_shown(*place) for place in state.masks) or "none"
    raise FieldError(
        f"There is no mask for {_shown(domain, level)}, which the {message} needs; there are: {known}.",
        hint="Masks come before the fields, or are named under 'masks' of the action.",
    )


def _check_grid(message: Message, grid: str | None) -> None:
    if grid is not None and message.description is not None and message.description.grid.label != grid:
        raise FieldError(
            f"The mask is on the grid {grid}, the {message} on {message.description.grid.label}.",
            hint="Name a mask on the grid of the fields.",
        )


def _candidates(domain: str, level: str) -> Iterator[Place]:
    yield from ((domain, level), (domain, ""), ("", level), ("", ""))


def _shown(domain: str, level: str) -> str:
    name = f"the domain {domain!r}" if domain else "every domain"
    return f"{name}, level {level}" if level else name


def _stored(mask: Any) -> Any:
    return np.frombuffer(encode_mask(np.asarray(mask)), np.uint8)
