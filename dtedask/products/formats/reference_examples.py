"""Examples and words of the reference of formats."""

from __future__ import annotations

__all__ = ["EXAMPLES", "HEAD", "MORE"]

HEAD = """# Formats

Made from the models by `python -m dtedask.products.formats.reference`.

A [requirement](requirements.md) names the format of its products, alone or with options. Unknown options are refused
with line and nearest name. What a format cannot hold is refused before anything is read: the error names field, grid
and what to do.

The same fields give the same bytes, in every run, process and on every machine with the same versions of the libraries;
whose requirement it is, is not in them. Whatever a file depends on besides its fields (options, places, styles,
versions) is part of the digest by which products are found again.
"""

EXAMPLES = {
    "csv": """
format: {type: csv, points: stations.csv, method: bilinear, decimals: 1}
""",
    "coveragejson": """
format: {type: coveragejson, points: [{name: Reading, latitude: 51.45, longitude: -0.97}], decimals: 2}
""",
    "cube": """
format: cube
delivery: {type: cube, url: products}
""",
    "grib2": """
format: {type: grib2, packing: ccsds, accuracy: 12}
""",
    "netcdf": """
format: {type: netcdf, compression: 4, attributes: {title: Surface over Europe, institution: ours}}
""",
    "parquet": """
format: {type: parquet, points: stations.geojson, shape: long}
""",
    "png": """
format: {type: png, over: z, area: 75/-30/30/50, projection: lambert}
""",
    "zarr": """
format: {type: zarr, level: 3}
""",
}

MORE = '''
## What each can hold

| | fields of several grids | spherical harmonics | points without coordinates | several fields |
|---|---|---|---|---|
| `grib2` | yes | yes | yes | messages one behind the other |
| `cube` | yes | yes | yes | each in its own slot |
| `netcdf`, `zarr` | no | no | yes, without coordinates | variables over time, member, level |
| `csv`, `parquet` | yes | no | no | rows and columns |
| `coveragejson` | yes | no | no | a coverage for each member, kind of level and place |
| `png` | yes | yes | no | maps side by side |

Missing values are a bitmap in GRIB, NaN in NetCDF and Zarr, empty in CSV, null in Parquet and CoverageJSON, and grey on
maps.

## Places

`points` is a list, or a file beside the requirements: CSV with the columns `name`, `latitude` and `longitude` (also
`lat`, `lon`, `station`, `id`), YAML or JSON with a list of the same, or GeoJSON. A line that is no place is named. Only
the values at the places travel from where a field is read, once for all products with these places, whatever their
format. A place outside of a regional grid has no value, or with `outside: nearest` that of the nearest point.

A wide table has a row for each place, time, member and level, and a column for each variable:

```python
from pathlib import Path

import pandas as pd

from dtedask.testing.formats import make_part, written

places = [{"name": "Reading", "latitude": 51.45, "longitude": 0.97}]
fields = [make_part(280.0, step=step, param=param) for step in ("0", "6") for param in ("t", "u")]
written(fields, {"type": "csv", "points": places}, Path("points.csv"))
table = pd.read_csv("points.csv", parse_dates=["forecast_reference_time", "valid_time"])
assert list(table)[:3] == ["name", "latitude", "longitude"]
assert list(table)[3:] == ["forecast_reference_time", "step", "valid_time", "level", "t", "u"]
assert table["step"].tolist() == [0, 6]
```

Variables on model levels and others than those of pressure have the kind of level behind their name, as `t_ml`;
statistics over an interval its length, as `tp_6h`; fields of one name that differ in other keys the values of those, as
`2t_em` and `2t_es` of mean and spread. NetCDF and Zarr name their variables so, too; quantiles and all other
dimensions of MARS are axes there. In CoverageJSON `mars:metadata` has the MARS keys that all fields of
a coverage share.

## A format of your own

A class below `dtedask.products.Format`, its options below `dtedask.products.FormatOptions`, and an entry point of the
group `dtedask.product_formats`:

```toml
[project.entry-points."dtedask.product_formats"]
json-lines = "my_package.formats:JsonLines"
```

`encoding` gives the operation that makes a field's share of the file where that can be done field by field: it runs
beside the computing, and once for all products that need the same. `check` refuses what does not fit before anything is
read. `identity` says all that the bytes depend on besides the fields. `dtedask.testing.FormatSuite` tests all of it:

```python
import json

import numpy as np

from dtedask.products import Format, FormatOptions
from dtedask.testing import FormatSuite
from dtedask.testing.formats import labels_of


class JsonLines(Format):
    """A line of JSON for each field."""

    suffix = ".jsonl"
    default_name = "{name}-{date}-{time}"

    def write(self, product, parts, path, lineage):
        with path.open("x") as file:
            for part in parts:
                values = [None if np.isnan(one) else one for one in part.payload.ravel().tolist()]
                print(json.dumps([labels_of(part), values]), file=file)


class TestJsonLines(FormatSuite):
    document = {"type": "json-lines"}

    def seen(self, path):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return {tuple(labels): np.array(values, float) for labels, values in lines}
```
'''
