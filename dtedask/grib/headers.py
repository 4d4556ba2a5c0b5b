"""What the headers of two messages say differently, and how finely a message holds its values."""

from __future__ import annotations

from dtedask.grib.handles import Handle

# What follows from the length of the packed data says nothing of the field.
_LENGTHS = frozenset(
    (
        *("totalLength", "offset", "lengthOfHeaders", "unusedBits", "dataLength", "length", "7777"),
        *(f"section{number}Length" for number in range(1, 8)),
        *(f"offsetSection{number}" for number in range(1, 8)),
        *("values", "codedValues", "bitmap"),
    )
)
_SPELLED_TWICE = frozenset({"param"})  # 129.128 and 129; paramId says it
_NAMESPACES = ("mars", "parameter", "time", "vertical", "geography")


def header_differences(left: bytes, right: bytes) -> tuple[tuple[str, str, str], ...]:
    """Keys that two messages say differently.

    Parameters
    ----------
    left, right : bytes
        Messages of one field each. Of one edition, all keys are compared that are coded in them; of two editions, which
        code everything differently, what they say of parameter, time, level and grid.

    Returns
    -------
    tuple of (str, str, str)
        Name of the key and both values, in the order of the messages; empty text where one lacks it.
    """
    editions = left[7], right[7]
    if editions[0] == editions[1]:
        one, two = _coded(left), _coded(right)
        names = [*one, *(name for name in two if name not in one)]
    else:
        one, two = _told(left), _told(right)
        names = [name for name in one if name in two]  # each edition has keys of its own
    return tuple((name, one.get(name, ""), two.get(name, "")) for name in names if one.get(name) != two.get(name))


def packing_step(data: bytes) -> float:
    """Distance of neighbouring values that a message can hold; 0 where it holds floating-point numbers."""
    with Handle(data) as handle:
        if "ieee" in handle.text("packingType") or not handle.integer("bitsPerValue"):
            return 0.0
        binary, decimal = handle.integer("binaryScaleFactor"), handle.integer("decimalScaleFactor")
    return float(2.0**binary * 10.0**-decimal)


def _coded(data: bytes) -> dict[str, str]:
    with Handle(data) as handle:
        return {name: text for name, text in handle.coded() if name not in _LENGTHS}


def _told(data: bytes) -> dict[str, str]:
    with Handle(data) as handle:
        found = {"edition": handle.text("edition")}
        for name in _NAMESPACES:
            found |= dict(handle.namespace(name, without=_SPELLED_TWICE))
    return found
