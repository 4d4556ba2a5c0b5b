"""`dtedask regrid`: fields on another grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, plural, say, size
from dtedask.cli.options import Cluster, DryRun, Json
from dtedask.cli.weights import MethodName, Options, method_options
from dtedask.core.errors import DtedaskError

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.pipeline import Plan
    from dtedask.pipeline.sources import AtRest

_ARRAYS = (".nc", ".nc4", ".zarr")
_SINKS = {".grib": "file", ".grib2": "file", ".grb2": "file", ".nc": "netcdf", ".nc4": "netcdf", ".zarr": "zarr"}


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "regrid",
        regrid,
        "dtedask regrid in.grib2 out.grib2 --grid H8",
        "dtedask regrid in.grib2 out.nc --grid 10/10 --method grid-box-average --area 70/-20/30/40",
        "dtedask regrid 'data[class=ea,param=t,levelist=500]' coarse --grid O8",
    )


def regrid(
    source: Annotated[
        str,
        typer.Argument(
            help="GRIB file, pattern or folder; root or cube, also with a request: 'data[param=2t]'; netCDF, Zarr.",
            metavar="IN",
        ),
    ],
    target: Annotated[
        str, typer.Argument(help="out.grib2, out.nc, out.zarr; a name without ending is a root.", metavar="OUT")
    ],
    *,
    grid: Annotated[str, typer.Option("--grid", metavar="GRID", help="Such as O320, N320, F160, H64, 0.25/0.25.")],
    method: MethodName = "linear",
    option: Options = None,
    area: Annotated[str, typer.Option("--area", metavar="N/W/S/E", help="Only points in this area, in degrees.")] = "",
    cluster: Cluster = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Put fields on another grid.

    A file that exists is replaced; a root keeps what it has. Weights are made once and kept (`dtedask weights list`).
    With --json, one object that sums it up.
    """
    ending = Path(target).suffix.lower()
    if ending and ending not in _SINKS:
        raise typer.BadParameter(
            f"the ending of {target!r} names no format. Use one of {', '.join(_SINKS)}, or none for a root.",
            param_hint="OUT",
        )
    if not Path(target).expanduser().absolute().parent.is_dir() and "://" not in target:
        raise typer.BadParameter(f"there is no folder {str(Path(target).parent)!r} to write into.", param_hint="OUT")
    wanted = {"grid": grid, "area": area, "method": method, "options": method_options(option)}
    if _is_arrays(source):
        _arrays(source, target, ending, wanted, dry_run=dry_run, as_json=as_json)
    else:
        _fields(source, target, ending, wanted, cluster, dry_run=dry_run, as_json=as_json)


def _is_arrays(source: str) -> bool:
    return Path(source).suffix.lower() in _ARRAYS


def _fields(
    source: str, target: str, ending: str, wanted: dict[str, Any], cluster: str | None, *, dry_run: bool, as_json: bool
) -> None:
    """Send fields through a plan of one interpolation and one sink."""
    from dtedask.pipeline import Plan
    from dtedask.pipeline.sources import open_source

    plan = Plan.from_yaml(_document(target, ending, wanted), output="" if ending else target)
    for pipeline in plan.pipelines:
        for action in pipeline.actions[:1]:
            action.start()
    fields = open_source(source)
    if dry_run:
        _say_dry(fields.total, target, as_json=as_json)
        return
    done = _run(plan, fields, cluster)
    _show(done, target, as_json=as_json)


def _document(target: str, ending: str, wanted: dict[str, Any]) -> dict[str, Any]:
    sink: dict[str, Any] = {"type": _SINKS[ending] if ending else "cube"}
    if ending:
        sink |= {"path": str(Path(target).expanduser().absolute()), "append": False}
    action = {"type": "interpolate", "grid": wanted["grid"], "interpolation": wanted["method"]}
    action |= {"area": wanted["area"], "method-options": wanted["options"]}
    return {"name": "regrid", "actions": [action, {"type": "sink", "sinks": [sink]}]}


def _run(plan: Plan, fields: AtRest, cluster: str | None) -> int:
    from dtedask.cli.plan.run import run_at_rest

    return run_at_rest(plan, fields, "never", cluster=cluster, title="Interpolating").fields


def _arrays(source: str, target: str, ending: str, wanted: dict[str, Any], *, dry_run: bool, as_json: bool) -> None:
    """Interpolate all variables of a dataset that have a grid, chunk by chunk."""
    if ending not in _ARRAYS:
        raise typer.BadParameter(
            "what comes from netCDF or Zarr has no MARS keys, and goes to netCDF or Zarr only.", param_hint="OUT"
        )
    from dtedask import geo
    from dtedask.cli.progress import progress
    from dtedask.cli.targets import replacing
    from dtedask.core.stages import stage
    from dtedask.pipeline.values.regridding import read_area

    with _opened(source) as data:
        area = read_area(wanted["area"]) if wanted["area"] else None
        found = geo.regrid(data, wanted["grid"], wanted["method"], area=area, **wanted["options"])
        changed = [name for name in found.data_vars if found[name].attrs.get("grid_spec")]
        if dry_run:
            _say_dry(len(changed), target, as_json=as_json, noun="variable")
            return
        place = Path(target).expanduser()
        with progress("Interpolating"), stage("write"), replacing(place) as path:
            if ending == ".zarr":
                found.to_zarr(path, consolidated=False)
            else:
                found.to_netcdf(path, engine="h5netcdf")
    _show(len(changed), target, as_json=as_json, noun="variable")


def _opened(source: str) -> xr.Dataset:
    import xarray as xr

    path = Path(source).expanduser()
    if not path.exists():
        from dtedask.core.errors import NotFoundError

        raise NotFoundError(f"There is no {source!r}.", hint="Look at the path.")
    is_zarr = path.suffix.lower() == ".zarr"
    try:
        return xr.open_dataset(path, engine="zarr" if is_zarr else "h5netcdf", chunks={})
    except (OSError, ValueError) as error:
        raise DtedaskError(f"{source!r} cannot be read: {error}", hint="Is it netCDF 4 or Zarr?") from error


def _say_dry(count: int | None, target: str, *, as_json: bool, noun: str = "field") -> None:
    if as_json:
        emit_json({"to": target, f"{noun}s": count, "done": False})
    many = f"{noun}s" if count is None else plural(count, noun)
    say(f"Nothing was done: {many} would be interpolated and written to {target}.")


def _show(count: int, target: str, *, as_json: bool, noun: str = "field") -> None:
    path = Path(target).expanduser()
    is_file = path.is_file()
    if as_json:
        emit_json({"to": target, f"{noun}s": count, "done": True} | ({"bytes": path.stat().st_size} if is_file else {}))
    say(f"{plural(count, noun)} written to {target}{f', {size(path.stat().st_size)}' if is_file else ''}.")
