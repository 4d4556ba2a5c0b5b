"""What tests of tables share: places, and a suite that reads wide tables."""

import math

import pandas as pd

from dtedask.testing import FormatSuite

PLACES = [
    {"name": "Reading", "latitude": 51.4, "longitude": 0.1},
    {"name": "Bonn, DE", "latitude": 50.7, "longitude": 7.1},
    {"latitude": -40, "longitude": 171.0},
]
NEAREST = (18, 19, 10 * 18 + 17)  # on the grid of the suite: 60 to -50 by 10 degrees, 0 to 170


def none_if_missing(value, kind):
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else kind(value)


class TableSuite(FormatSuite):
    """Reads a wide table, of points or of places, into fields."""

    def table(self, path):
        return pd.read_csv(path)

    def seen(self, path):
        table = self.table(path)
        keys = [key for key in ("step", "member", "level") if key in table]
        found = {}
        for labels, rows in table.groupby(keys, sort=False, dropna=False):
            said = dict(zip(keys, labels, strict=True))
            for variable in table.columns[list(table.columns).index(keys[-1]) + 1 :]:
                level, member = said.get("level"), said.get("member")
                found[variable, float(said["step"]), none_if_missing(level, float), none_if_missing(member, int)] = (
                    rows[variable].to_numpy("float32")
                )
        return found
