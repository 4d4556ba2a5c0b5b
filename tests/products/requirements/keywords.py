"""Ways to write the keywords of MIR, and what each becomes."""

from dtedask.products.requirement import Formula

HOW = [
    ({"grid": "0.1/0.1"}, {"grid": "0.1x0.1"}),
    ({"grid": [0.25, 0.5]}, {"grid": "0.25x0.5"}),
    ({"grid": 1}, {"grid": "1x1"}),
    ({"grid": "o320"}, {"grid": "O320"}),
    ({"grid": "H128-nested"}, {"grid": "H128-nested"}),
    ({"grid": 320}, {"grid": "F320"}),
    ({"grid": "320", "gaussian": "reduced"}, {"grid": "N320", "gaussian": "reduced"}),
    ({"grid": "av"}, {"grid": ""}),
    ({"area": "75/-30/30/50"}, {"area": (75.0, -30.0, 30.0, 50.0)}),
    ({"area": [75, 350, 30, 10]}, {"area": (75.0, 350.0, 30.0, 370.0)}),
    ({"area": "E"}, {"area": (73.5, -27.0, 33.0, 45.0)}),
    ({"rotation": "-30/10"}, {"rotation": (-30.0, 10.0)}),
    ({"rotation": [-90, 0]}, {"rotation": None}),
    ({"resol": "av"}, {"resol": "av"}),
    ({"resol": "T213"}, {"resol": "213"}),
    ({"truncation": 63}, {"truncation": "63"}),
    ({"intgrid": "none"}, {"intgrid": "none"}),
    ({"intgrid": "n128"}, {"intgrid": "N128"}),
    ({"interpolation": "nearest neighbour"}, {"interpolation": "nearest"}),
    ({"interpolation": "nearest-lsm"}, {"interpolation": "nearest-lsm"}),
    (
        {"interpolation": {"method": "k-nearest", "nclosest": 4}},
        {"interpolation": "k-nearest", "method_options": (("nclosest", 4),)},
    ),
    (
        {"interpolation": "k-nearest-neighbours", "nclosest": 3, "distance-weighting": "inverse-distance-weighting"},
        {
            "interpolation": "k-nearest",
            "method_options": (("distance_weighting", "inverse-distance-weighting"), ("nclosest", 3)),
        },
    ),
    (
        {"interpolation": "grid-box-statistics", "interpolation-statistics": "maximum"},
        {"interpolation": "grid-box-statistics", "method_options": (("statistic", "maximum"),)},
    ),
    ({"non-linear": "missing-if-all-missing"}, {"missing": "missing-if-all-missing"}),
    (
        {"interpolation": "quasi-cubic", "method-options": {"limiter": True}},
        {"interpolation": "quasi-cubic", "method_options": (("limiter", True),)},
    ),
    ({"frame": 3}, {"frame": 3}),
    ({"bitmap": "/masks/sea.txt"}, {"bitmap": "/masks/sea.txt"}),
    ({"missing": "missing-if-any-missing"}, {"missing": "missing-if-any-missing"}),
    ({"lsm": True}, {"lsm": True}),
    ({"vod2uv": True}, {"vod2uv": True}),
    ({"derive": "target"}, {"derive": "target"}),
    ({"formula": "f - 273.15"}, {"formulas": (Formula("f - 273.15", "gridded"),)}),
    (
        {"formula": {"epilogue": {"formula": "f * 2", "param": "2d"}, "raw": "sqrt(f)"}},
        {"formulas": (Formula("sqrt(f)", "raw"), Formula("f * 2", "epilogue", "168"))},
    ),
]
