"""One example of each action, for its section in the reference; tests make all of them."""

from __future__ import annotations

EXAMPLES: dict[str, str] = {
    "aggregate": """
type: aggregate
parts: 8
""",
    "average-rate": """
type: average-rate
custom-mappings: [{param-in: 228, param-out: 235055}]
""",
    "debug-sink": """
type: debug-sink
""",
    "encode": """
type: encode
packing: ccsds
bits-per-value: 16
""",
    "encode-mtg2": """
type: encode-mtg2
""",
    "ensemble": """
type: ensemble
operations: [mean, spread, {operation: exceedance, threshold: 273.15}]
members: 0/to/50
""",
    "interpolate": """
type: interpolate
grid: 1/1
area: 75/-30/30/45
""",
    "interpolate-mtg2": """
type: interpolate-mtg2
outputs:
  - {grid: H128-nested, additional-metadata: {resolution: high}}
  - {grid: H32-nested, enable: false}
""",
    "mask": """
type: mask
offset-fields: [sst]
offset-value: 273.15
offset-units: K
""",
    "metadata-mapping": """
type: metadata-mapping
enforce-match: false
table:
  mappings: [{match: {nemoParam: name}, map: {paramId: param, typeOfLevel: level}}]
  data:
    - {name: sst, param: 262101, level: oceanSurface}
    - {name: ssh, param: 262124, level: oceanSurface}
""",
    "null": """
type: "null"
""",
    "print": """
type: print
stream: error
prefix: before the statistics
only-fields: true
""",
    "python": """
type: python
function: numpy:exp
""",
    "renumber-healpix": """
type: renumber-healpix
""",
    "scale": """
type: scale
preset-mappings: local-to-wmo
custom-mappings: [{param-in: 2t, param-out: 2t, scaling: 1, offset: -273.15, units: degC}]
""",
    "select": """
type: select
all:
  - match: [{param: [10u, 10v]}, {shortName: "t*", levelist: 500/to/1000}]
  - match: {step: 0/to/240/by/6, date: ">=2024-06-01"}
  - not: {match: {number: 0}}
""",
    "single-field-sink": """
type: single-field-sink
root_path: fields
""",
    "sink": """
type: sink
sinks: [{type: cube}, {type: memory}]
""",
    "statistics": """
type: statistics
operations: [average, maximum]
output-frequency: 1d
options: {value-count-threshold: 3}
""",
    "transport": """
type: transport
target: server
""",
}
EXAMPLES["statistics-mtg2"] = EXAMPLES["statistics"].replace("statistics", "statistics-mtg2")
