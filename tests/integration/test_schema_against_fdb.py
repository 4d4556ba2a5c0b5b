"""The real FDB as an oracle: of keys drawn at random, both take the same under one schema text, and list them alike."""

import json
import random
import subprocess
import sys

import pytest

from dtedask.core.errors import FieldError, RequestError
from dtedask.request import canonical_keys
from dtedask.store.schema import load_schema

SCHEMA = """
param: Param; step: Step; date: Date; levelist: Double; expver: Expver; time: Time;
number: Integer; ident: Integer; country: First3; quality: Integer;

[ class=od/ea, expver, stream=oper/scda, date, time, domain?g
    [ type=im/sim
        [ step?, ident, instrument, channel ]]
    [ type=!im/sim/ob, levtype
        [ step, levelist?, param ]]]
[ class=ms, expver, stream=oper, country, date, time
    [ type, levtype
        [ step, number?, levelist?, quality?0, param ]]]
[ class=od, expver, stream=dacl, time
    [ type, levtype, date:ClimateDaily
        [ levelist?, param ]]]
[ class=od, expver, stream=clmn, year
    [ month, type, levtype
        [ levelist?, param ]]]
"""
VALUES = {
    "class": ["od", "ea", "ms", "rd"],
    "expver": ["0001"],
    "stream": ["oper", "scda", "dacl", "clmn"],
    "date": ["20240103", "20240229", "20240230", "notadate", "jan-15", "0115"],
    "time": ["0000", "1200", "6"],
    "type": ["an", "im", "ob", "fc"],
    "levtype": ["sfc", "pl"],
    "step": ["0", "6", "six", "24-12"],
    "levelist": ["500", "850", "abc"],
    "param": ["167", "130"],
    "ident": ["1"],
    "instrument": ["2"],
    "channel": ["3"],
    "country": ["de", "fra", "france"],
    "number": ["1", "x"],
    "quality": ["3"],
    "year": ["2024"],
    "month": ["1"],
    "domain": ["g", "e"],
}
# Needed keys, optional keys and values of a rule.
RULES = [
    (
        "expver date time type levtype step param",
        "levelist domain",
        {"class": ["od", "ea"], "stream": ["oper", "scda"]},
    ),
    ("expver date time ident instrument channel", "step domain", {"class": ["od"], "stream": ["oper"], "type": ["im"]}),
    (
        "expver country date time type levtype step param",
        "levelist number quality",
        {"class": ["ms"], "stream": ["oper"]},
    ),
    ("expver date time type levtype param", "levelist", {"class": ["od"], "stream": ["dacl"]}),
    ("expver year month type levtype param", "levelist", {"class": ["od"], "stream": ["clmn"]}),
]
FDB = """
import json, sys
from pathlib import Path
import pyfdb

folder, command = Path(sys.argv[1]), json.loads(sys.stdin.read())
(folder / "fdb").mkdir()
space = {"handler": "Default", "roots": [{"path": str(folder / "fdb")}]}
fdb = pyfdb.FDB({"type": "local", "engine": "toc", "schema": str(folder / "schema"), "spaces": [space]})
taken = []
for key in command["keys"]:
    try:
        fdb.archive(b"any", key)
        taken.append(True)
    except Exception:
        taken.append(False)
fdb.flush()
print(json.dumps({"taken": taken, "listed": [dict(one.combined_key()) for one in fdb.list({})]}))
"""


def draw(chance):
    """Keys of a rule, sometimes with one key more or less, or one strange value."""
    needed, optional, fixed = chance.choice(RULES)
    names = [*needed.split(), *fixed, *(name for name in optional.split() if chance.random() < 0.4)]
    names = list(dict.fromkeys(names))
    if chance.random() < 0.3:
        names.append(chance.choice([name for name in VALUES if name not in names]))
    if chance.random() < 0.2:
        names.remove(chance.choice(names))
    strange = chance.choice(names) if chance.random() < 0.5 else ""
    return {
        name: chance.choice(VALUES[name] if name == strange else fixed.get(name, VALUES[name][:1])) for name in names
    }


def fitted(schema, keys):
    try:
        return schema.fit(canonical_keys(keys, language=schema.language)).keys
    except (FieldError, RequestError):
        return None


def is_let_through(keys):
    """What FDB takes for a value and is none, or none of the type that the rule gives the key."""
    is_climate = keys.get("stream") == "dacl"
    dates = ("20240230", "notadate", *(() if is_climate else ("jan-15", "0115")))
    return keys.get("date") in dates or keys.get("number") == "x"


def as_listed(keys):
    """Keys without defaults, which FDB does not fill in."""
    defaults = (("domain", "g"), ("quality", "0"))
    return tuple(sorted((key, value) for key, value in keys.items() if value and (key, value) not in defaults))


@pytest.mark.slow
def test_fdb_takes_what_the_converted_schema_takes_and_lists_the_same_keys(tmp_path):
    (tmp_path / "schema").write_text(SCHEMA)
    schema = load_schema(tmp_path / "schema")
    chance = random.Random(4)
    drawn = [draw(chance) for _ in range(400)]
    script = [sys.executable, "-c", FDB, str(tmp_path)]
    done = subprocess.run(
        script, input=json.dumps({"keys": drawn}), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    both = set()
    for keys, is_taken in zip(drawn, told["taken"], strict=True):
        ours = fitted(schema, keys)
        if is_taken and ours is None:
            assert is_let_through(keys), keys
        elif ours is not None and not is_taken:
            assert keys.get("time") == "6" or keys.get("domain") == "g", keys  # normalised, and without meaning
        elif ours is not None:
            both.add(as_listed(ours))
    assert len(both) > 50
    assert both <= {as_listed(keys) for keys in told["listed"]}
