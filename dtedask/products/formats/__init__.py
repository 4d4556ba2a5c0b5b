"""How products are written: GRIB, NetCDF, Zarr, cubes, tables of points, CoverageJSON and maps."""
