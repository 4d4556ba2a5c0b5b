"""Layout `series`: beside a variable its time series, all steps of a patch of points together."""
