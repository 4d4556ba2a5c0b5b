"""Encoding many fields: the header of fields that differ in date, time and step only is made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GribUnsupportedError
from dtedask.geo import Grid
from dtedask.grib.accuracy import bits_for
from dtedask.grib.encode import (
    check_said,
    said_of,
    write_directions,
    write_level,
    write_member,
    write_product,
    write_reference_time,
    write_step,
    write_values,
)
from dtedask.grib.encode_grid import write_grid
from dtedask.grib.encode_template import write_into_template
from dtedask.grib.handles import Handle
from dtedask.request import format_step

PackingName = Literal["ccsds", "simple", "ieee", "second-order", "complex"]
PACKINGS: dict[str, str] = {
    "ccsds": "grid_ccsds",
    "simple": "grid_simple",
    "ieee": "grid_ieee",
    "complex": "grid_complex",
    "second-order": "grid_complex_spatial_differencing",
}
_BITS = 16
_VARYING = frozenset({"date", "time", "step", "number", "levelist"})
_MOST_HEADERS = 128
_OF_VALUES = ("bitsPerValue", "decimalScaleFactor", "packingType")


@dataclass(frozen=True, slots=True)
class Encoder:
    """How fields become GRIB2; picklable, since headers are kept by each thread that encodes.

    Parameters
    ----------
    packing : {"ccsds", "simple", "ieee", "complex", "second-order"}
        ``ieee`` keeps every bit; ``complex`` packs groups of values, ``second-order`` groups of second differences.
    bits_per_value : int, optional
        Bits of each packed value; by default those of the attributes, else 16.
    decimal_scale : int
        Power of ten by which values are multiplied before they are packed.
    accuracy : float, optional
        Largest absolute error; the bits follow from it.
    template : bytes
        A message that says what the keys do not; without, a sample of ecCodes.
    overwrite : tuple of (str, value)
        Keys of ecCodes that are set last, whatever the field says.
    cached : bool
        Whether headers are kept.
    """

    packing: PackingName = "ccsds"
    bits_per_value: int | None = None
    decimal_scale: int = 0
    accuracy: float | None = None
    template: bytes = b""
    overwrite: tuple[tuple[str, Any], ...] = ()
    cached: bool = True

    def encode(
        self,
        values: NDArray[Any],
        keys: Mapping[str, str],
        grid: Grid,
        *,
        attributes: Mapping[str, Any] | None = None,
        interval: tuple[int, int] | None = None,
    ) -> bytes:
        """Encode a field as one GRIB2 message, as `dtedask.grib.encode` does.

        Parameters
        ----------
        values, keys, grid, attributes, interval
            As of `dtedask.grib.encode`.

        Raises
        ------
        GribUnsupportedError
            If GRIB2 or ecCodes cannot say what keys, grid or attributes say, or cannot pack the values as asked.
        """
        said = said_of(attributes)
        try:
            with self._header(keys, said, grid, interval) as handle:
                bits = self._bits(values, said)
                write_values(handle, values, grid, bits, self.decimal_scale, PACKINGS[self.packing])
                self._check_packing(handle, grid, values)
                for key, value in self._values_last():
                    handle.set(key, value)
                message = handle.message()
            check_said(message, keys, grid, unchecked=self._overwritten())
        except GribUnsupportedError as error:
            raise GribUnsupportedError(
                f"The field of param={keys.get('param', '?')} on the grid {grid.label} cannot be encoded: "
                f"{error.message}",
                hint=error.hint,
            ) from error
        return message

    def _header(
        self, keys: Mapping[str, str], said: Mapping[str, Any], grid: Grid, interval: tuple[int, int] | None
    ) -> Handle:
        """A handle for the caller alone, in which all is written but the values."""
        if not self.cached:
            return self._new_header(keys, said, grid, interval)
        headers = _headers()
        fixed = frozenset(item for item in keys.items() if item[0] not in _VARYING)
        there = tuple(name in keys for name in ("number", "levelist"))
        kind = (interval is None, _units(keys, interval), there, _is_whole(keys.get("levelist", "")))
        signature = (replace(self, bits_per_value=None), fixed, grid.uid, frozenset(said.items()), kind)
        known = headers.pop(signature, None)
        if known is None:
            known = self._new_header(keys, said, grid, interval)
            while len(headers) >= _MOST_HEADERS:
                headers.popitem(last=False)[1].close()
        headers[signature] = known
        handle = known.clone()
        write_reference_time(handle, keys)
        if "levelist" in keys:
            write_level(handle, keys, said)
        write_step(handle, keys, interval)
        write_member(handle, keys)
        for key, value in self._header_last():
            handle.set(key, value)
        return handle

    def _new_header(
        self, keys: Mapping[str, str], said: Mapping[str, Any], grid: Grid, interval: tuple[int, int] | None
    ) -> Handle:
        handle = Handle(self.template) if self.template else Handle(sample="GRIB2")
        try:
            if self.template:
                write_into_template(handle, self.template, keys, grid, said, interval)
            else:
                write_product(handle, keys, said, interval)
                write_grid(handle, grid)
                write_directions(handle, said)
            if grid.kind != "sh":
                handle.set("packingType", PACKINGS[self.packing])
            for key, value in self._header_last():
                handle.set(key, value)
        except BaseException:
            handle.close()
            raise
        return handle

    def _header_last(self) -> list[tuple[str, Any]]:
        return [(key, value) for key, value in self.overwrite if key not in _OF_VALUES]

    def _values_last(self) -> list[tuple[str, Any]]:
        return [(key, value) for key, value in self.overwrite if key in _OF_VALUES]

    def _overwritten(self) -> bool:
        return bool(self._header_last())

    def _bits(self, values: NDArray[Any], said: Mapping[str, Any]) -> int:
        if self.accuracy is not None and self.packing != "ieee":
            by_groups = self.packing in ("complex", "second-order")
            return bits_for(np.asarray(values), self.accuracy, is_single=by_groups)
        return self.bits_per_value or int(said.get("bitsPerValue") or _BITS)

    def _check_packing(self, handle: Handle, grid: Grid, values: NDArray[Any]) -> None:
        """EcCodes leaves the packing as it was, without a word, where it cannot do what is asked."""
        packing = PACKINGS[self.packing]
        if grid.kind == "sh" or handle.text("packingType") == packing:
            return
        found = np.asarray(values)
        present = found[~np.isnan(found)]
        if self.packing != "ieee" and (not present.size or present.min() == present.max()):
            return  # a constant field is packed simply
        raise GribUnsupportedError(
            f"ecCodes packs it as {handle.text('packingType')} and not as {packing}.", hint="Take another packing."
        )


_kept = threading.local()


def _headers() -> OrderedDict[Any, Handle]:
    """Headers of this thread: ecCodes' handles are not shared between threads."""
    if not hasattr(_kept, "headers"):
        _kept.headers = OrderedDict()
    found: OrderedDict[Any, Handle] = _kept.headers
    return found


def forget_headers() -> None:
    """Let go of the headers that this thread keeps."""
    headers = _headers()
    while headers:
        headers.popitem()[1].close()


def _units(keys: Mapping[str, str], interval: tuple[int, int] | None) -> str:
    """Whether a step counts hours, minutes or seconds: ecCodes keeps the unit of the header."""
    step = format_step(interval[1], interval[0]) if interval else keys.get("step", "0")
    return "".join(letter for letter in step if letter.isalpha())


def _is_whole(level: str) -> bool:
    """Whether a level is a whole number: others are written in another unit."""
    return "." not in level
