"""Write `vocabulary.json` and `parameters.tsv.gz`, the tables that requests are checked against.

Run ``python -m dtedask.request.generate_vocabulary`` after an upgrade of ecCodes or metkit and commit the result.

ecCodes has its home in `dtedask.grib`; this script is the one exception, because it is run by a developer and never
imported by the library: requests must be understood without loading the C library. It asks the tool
``codes_export_resource`` of the wheel `eccodeslib` for the definitions, and reads the YAML tables of `metkitlib`.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

Row = tuple[str, str, str, str]  # paramId, short name, name, units

_HERE = Path(__file__).parent
_VERBS = (
    "retrieve",
    "list",
    "archive",
    "read",
    "get",
    "compute",
    "write",
    "flush",
    "disseminate",
    "wipe",
    "purge",
    "axes",
)
_NOT_KEYS = ("units", "paramtype", "use", "repres", "style", "day")  # of MARS' server, not of a field
# Where definitions of the same paramId differ, the earlier place wins: WMO and ECMWF, then the centres.
_FIRST = ("grib2/", "grib2/localConcepts/ecmf/", "grib1/localConcepts/ecmf/", "grib1/")


def main() -> None:
    """Write both files beside this script."""
    for name, content in generate().items():
        (_HERE / name).write_bytes(content)


def generate() -> dict[str, bytes]:
    """Both files by name, the same bytes for the same versions of the sources."""
    rows = parameters()
    table = "\n".join("\t".join(row) for row in rows) + "\n"
    vocabulary = json.dumps(_vocabulary(), indent=1, ensure_ascii=False) + "\n"
    packed = gzip.compress(f"{_header()}\n{table}".encode(), 9, mtime=0)
    return {"vocabulary.json": vocabulary.encode(), "parameters.tsv.gz": packed}


def parameters() -> list[Row]:
    """All parameters, by ascending paramId."""
    found: dict[int, Row] = {}
    for row in [*_eccodes_rows(), *_metkit_rows()]:
        found.setdefault(int(row[0]), row)
    return [found[number] for number in sorted(found)]


def _header() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("eccodeslib", "metkitlib"))
    return f"# paramId, short name, name, units; made by dtedask.request.generate_vocabulary from {versions}"


# ---- ecCodes


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"The wheel {name} is not installed: pip install {name}")
    return Path(spec.origin).parent


def _definition_files() -> list[str]:
    library = (_package("eccodeslib") / "lib64" / "libeccodes_memfs.so").read_bytes()
    return sorted({path.decode() for path in re.findall(rb"/MEMFS/definitions/([\w/.]+\.(?:def|table))", library)})


def _export(path: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "resource"
        tool = _package("eccodeslib") / "bin" / "codes_export_resource"
        subprocess.run([tool, "-d", path, target], check=True, stdout=subprocess.DEVNULL)
        return target.read_text(encoding="utf-8", errors="replace")


def _concept(path: str) -> dict[str, str]:
    """Value of a concept by its condition; a condition stands in four files with four values."""
    entries = re.findall(r"^'([^'\n]*)'\s*=\s*\{([^}]*)\}", _export(path), re.MULTILINE)
    return {" ".join(sorted(re.split(r"\s*;\s*", condition.strip()))): value for value, condition in entries}


def _eccodes_rows() -> Iterator[Row]:
    paths = [path for path in _definition_files() if re.search(r"/paramId(\.\w+)?\.def$", path)]
    for path in sorted(paths, key=_priority):
        ids, names, long_names, units = (
            _concept(path.replace("paramId", concept)) for concept in ("paramId", "shortName", "name", "units")
        )
        for condition, number in ids.items():
            if names.get(condition, "") not in ("", "~"):
                yield number, names[condition], long_names.get(condition, ""), units.get(condition, "").replace("~", "")


def _priority(path: str) -> tuple[int, int, str]:
    folder, _, file = path.rpartition("/")
    place = _FIRST.index(f"{folder}/") if f"{folder}/" in _FIRST else len(_FIRST)
    return (0 if file == "paramId.def" else 1, place, path)


def _mars_keys() -> set[str]:
    """Keys that some template of ecCodes puts into the mars namespace."""
    library = (_package("eccodeslib") / "lib64" / "libeccodes_memfs.so").read_bytes()
    return {key.decode() for key in re.findall(rb"alias mars\.([a-z]+)", library)}


def _table(path: str) -> list[str]:
    lines = (line.split() for line in _export(path).splitlines() if not line.startswith("#"))
    return [words[1].lower() for words in lines if len(words) > 1 and words[0].isdigit()]


def _centres() -> list[str]:
    names = {name for path in ("common/c-1.table", "common/c-11.table") for name in _table(path)}
    return sorted(name for name in names if not name.isdigit())


def _level_types() -> list[str]:
    paths = [path for path in _definition_files() if re.search(r"/typeOfLevel(Concept)?\.def$", path)]
    return sorted({name for path in paths for name in _concept(path).values()} | {"unknown"})


# ---- metkit


def _yaml(name: str) -> object:
    import yaml

    text = (_package("metkitlib") / "share" / "metkit" / name).read_text(encoding="utf-8")
    return yaml.load(text, yaml.BaseLoader)


def _metkit_rows() -> Iterator[Row]:
    table = _yaml("paramids.yaml")
    assert isinstance(table, dict)
    for number, names in table.items():
        if names and not names[0].startswith("_param_"):
            yield number, names[0], names[1] if len(names) > 1 else "", ""


def _vocabulary() -> dict[str, object]:
    language, order = _yaml("language.yaml"), _yaml("axis.yaml")
    assert isinstance(language, dict)
    assert isinstance(order, dict)
    fields = {key: spec for key, spec in language["_field"].items() if key not in _NOT_KEYS}
    keys = set(fields) | (_mars_keys() - {*_NOT_KEYS, "sort", "total"}) | {"grid", "refdate"}
    ranked = [key for key in ("class", "stream", "expver", "dataset", "type", "levtype") if key in keys]
    ranked += [key for key in order["axes"] if key in keys and key not in ranked]
    post = sorted({*language["_postproc"], *language["retrieve"], *_NOT_KEYS} - keys - {"_aliases", "<<"})
    return {
        "source": _header().partition("; ")[2],
        "verbs": sorted(_VERBS),
        "keys": ranked + sorted(keys - set(ranked)),
        "aliases": {alias: key for key in sorted(fields) for alias in fields[key].get("aliases", [])},
        "not_selecting": post,
        "values": {key: _values(key, spec) for key, spec in sorted(fields.items()) if _has_values(spec)},
        "centres": _centres(),
        "level_types": _level_types(),
    }


def _specs(spec: dict[str, object]) -> list[dict[str, object]]:
    """List the specifications of a key: several where they depend on other keys."""
    kinds = spec["type"]
    nested = [kind for kind in kinds if isinstance(kind, dict)] if isinstance(kinds, list) else []
    return nested or [spec]


def _has_values(spec: dict[str, object]) -> bool:
    return any("values" in part for part in _specs(spec))


def _values(key: str, spec: dict[str, object]) -> dict[str, list[str]]:
    """Other spellings by canonical value."""
    found: dict[str, list[str]] = {}
    for part in _specs(spec):
        for entry in _entries(part.get("values", [])):
            spellings = [entry] if isinstance(entry, str) else list(entry)
            found.setdefault(spellings[0].lower(), []).extend(_spelling(s) for s in spellings[1:])
    tables = ("mars", "mars/eswi") if key in ("class", "type", "stream") else ()
    for value in (name for table in tables for name in _table(f"{table}/{key}.table")):
        if not value.isdigit():
            found.setdefault(value, [])
    return {value: sorted(set(others)) for value, others in sorted(found.items())}


def _entries(values: object) -> Iterable[str | list[str]]:
    if isinstance(values, str):  # the name of another file
        values = _yaml(values)
    assert isinstance(values, list)
    return values


def _spelling(text: str) -> str:
    return " ".join(text.lower().split())


if __name__ == "__main__":
    main()
