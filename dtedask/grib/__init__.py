"""GRIB in and out: the one home of ecCodes."""

from dtedask.geo import Grid, PointOrder
from dtedask.grib.coordinates import Coordinate, coordinates
from dtedask.grib.decode import decode
from dtedask.grib.edition1 import encode_edition_1
from dtedask.grib.encode import encode
from dtedask.grib.encode_packed import encode_packed
from dtedask.grib.encoder import PACKINGS, Encoder, forget_headers
from dtedask.grib.field import Field, FieldDescription, Message
from dtedask.grib.headers import header_differences, packing_step
from dtedask.grib.levels import hybrid_levels
from dtedask.grib.library import library_version
from dtedask.grib.packing import scale_of
from dtedask.grib.scan import ScanReport, Skipped, describe, scan
from dtedask.grib.with_keys import with_keys

__all__ = [
    "PACKINGS",
    "Coordinate",
    "Encoder",
    "Field",
    "FieldDescription",
    "Grid",
    "Message",
    "PointOrder",
    "ScanReport",
    "Skipped",
    "coordinates",
    "decode",
    "describe",
    "encode",
    "encode_edition_1",
    "encode_packed",
    "forget_headers",
    "header_differences",
    "hybrid_levels",
    "library_version",
    "packing_step",
    "scale_of",
    "scan",
    "with_keys",
]
