"""FDB's schema text: read, converted, and its mistakes named."""

import textwrap

import pytest

from dtedask.core.errors import DocumentError
from dtedask.store.schema import Schema, SchemaWarning, import_fdb, load_schema
from dtedask.store.schema.fdb import parse_fdb

OPERATIONS = """
    # Types of all rules.
    param: Param; step: Step; date: Date; levelist: Double; expver: Expver; time: Time;
    number: Integer; ident: Integer; country : First3;

    [ class=od/ea, expver, stream=oper/scda, date, time, domain?g
        # satellite images
        [ type=im/sim
            [ step?, ident, instrument, channel ]]
        [ type=!im/sim, levtype
            [ step, levelist?, param ]]
    ]
    [ class=ms, expver, stream=oper, country, date, time
        [ type, levtype, resol-
            [ step, number?, levelist?, quality:Integer?0, param ]]]
"""
CLIMATE = """
    date: Date; param: Param; time: Time; levelist: Double; year: Integer; realization: Integer;
    [ class=d1, dataset=climate-dt, activity, experiment, generation, model, realization, expver, stream=clte, date
        [ resolution, type, levtype
            [ time, levelist?, param ]]]
    [ class=d1, dataset=climate-dt, activity, experiment, generation, model, realization, expver, stream=clmn, year
        [ month, resolution, type, levtype
            [ levelist?, param ]]]
    [ class=d1, dataset=climate-dt, expver, stream=dacl, time
        [ type, levtype, date:ClimateDaily
            [ levelist?, param ]]]
"""
SEASONS = """
    date: Date; fcmonth: Integer; system: Integer; number: Integer; step: Step; param: Param;
    [ class=c3/od, expver, stream=mmsf/msmm, date:Year, system, method, origin
        [ date:MonthOfDate, type=fc/fcmean, levtype, time
            [ date:Date, number, step?, fcmonth?, levelist?, param ]]]
"""


def write(tmp_path, text):
    path = tmp_path / "fdb-schema"
    path.write_text(textwrap.dedent(text).lstrip("\n"))
    return path


def test_an_operational_schema_becomes_three_rules_with_its_types(tmp_path):
    found = load_schema(write(tmp_path, OPERATIONS))
    assert found == Schema.model_validate(
        {
            "qualifiers": [*Schema().qualifiers, "country"],
            "keys": {"country": "first3", "quality": "integer"},
            "rules": [
                {
                    "keys": {
                        "class": ["od", "ea"],
                        "expver": "any",
                        "stream": "oper/scda",
                        "date": None,
                        "time": "any",
                        "domain": {"default": "g"},
                        "type": ["im", "sim"],
                        "step": "optional",
                        "ident": "any",
                        "instrument": "any",
                        "channel": "any",
                    }
                },
                {
                    "keys": {
                        "class": ["od", "ea"],
                        "expver": "any",
                        "stream": ["oper", "scda"],
                        "date": "any",
                        "time": "any",
                        "domain": {"default": "g"},
                        "type": {"exclude": "im/sim"},
                        "levtype": "any",
                        "step": "any",
                        "levelist": "optional",
                        "param": "any",
                    }
                },
                {
                    "keys": {
                        "class": "ms",
                        "expver": "any",
                        "stream": "oper",
                        "country": "any",
                        "date": "any",
                        "time": "any",
                        "type": "any",
                        "levtype": "any",
                        "step": "any",
                        "number": "optional",
                        "levelist": "optional",
                        "quality": {"default": 0},
                        "param": "any",
                    }
                },
            ],
        }
    )


def test_a_climate_schema_keeps_split_dates_and_climatology(tmp_path):
    found = load_schema(write(tmp_path, CLIMATE))
    assert found.language.types_of("date") == ("date", "climate-daily")
    assert "date" not in found.rules[1].keys
    common = {"class": "d1", "dataset": "climate-dt", "expver": "0001", "type": "fc", "levtype": "sfc", "param": "167"}
    run = {"activity": "cmip6", "experiment": "hist", "generation": "1", "model": "icon", "realization": "1"}
    run |= {"resolution": "high"}
    assert found.fit({**common, **run, "stream": "clmn", "year": "2020", "month": "10"}).rule == 2
    assert found.fit({**common, **run, "stream": "clte", "date": "20200229", "time": "0000"}).keys["date"] == "20200229"
    assert found.fit({**common, "stream": "dacl", "date": "20200229", "time": "0000"}).keys["date"] == "0229"


def test_a_date_that_is_cut_on_outer_levels_is_the_day_of_the_innermost(tmp_path):
    (rule,) = load_schema(write(tmp_path, SEASONS)).rules
    assert rule.model_dump()["keys"] == {
        "class": ["c3", "od"],
        "expver": "any",
        "stream": ["mmsf", "msmm"],
        "date": "any",
        "system": "any",
        "method": "any",
        "origin": "any",
        "type": ["fc", "fcmean"],
        "levtype": "any",
        "time": "any",
        "number": "any",
        "step": "optional",
        "fcmonth": "optional",
        "levelist": "optional",
        "param": "any",
    }


@pytest.mark.parametrize("text", [OPERATIONS, CLIMATE, SEASONS])
def test_the_converted_document_reads_as_the_same_schema_and_names_the_lines(tmp_path, text):
    schema, written = import_fdb(write(tmp_path, text))
    assert load_schema(written) == schema
    lines = [int(line.rpartition(":")[2]) for line in written.splitlines() if line.startswith("# fdb-schema:")]
    source = textwrap.dedent(text).lstrip("\n").splitlines()
    assert len(lines) == len(schema.rules)
    assert all(source[line - 1].lstrip().startswith("[") for line in lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("step: Stpe;\n[ class [ type [ param ]]]", "1:7: unknown type 'Stpe'.*Did you mean 'Step'"),
        ("[ class, type\n [ levtype [ param ]]", "2:22: the text ends in a rule.*The '\\[' of line 1 is not closed"),
        ("[ class [ type [ param ]]]\n]", "2:1: expected '\\[' and a rule, not '\\]'.*too many"),
        (
            "[ class\n  type [ levtype [ param ]]]",
            "2:3: expected .* not 'type'; the line is 'type \\[ levtype.*comma missing",
        ),
        ("[ class, [ levtype [ param ]]]", "1:10: expected a key, not '\\['"),
        ("[ class [ levtype [ param [ step ]]]]", "1:27: a rule has three levels, not four"),
        ("[ class [ levtype ]]", "1:9: the index level that opens here has no datum level"),
        ("[ class=, expver [ levtype [ param ]]]", "1:9: expected a value of 'class', not ','"),
        ("[ class [ levtype=xx [ param ]]]", "1: rules\\[0\\].keys.levtype: Unknown value 'xx'"),
        (
            "[ class [ levtype [\n param, levelist:First3 ]]]",
            "2: keys.levelist: the key 'levelist' cannot be of the type",
        ),
        ("[ class=od [ type [ param ]]]\n[ class=od [\n type=an [ param ]]]", "3: rule 2 can never be reached: rule 1"),
    ],
)
def test_mistakes_name_line_column_text_and_what_to_do(tmp_path, text, said):
    path = write(tmp_path, text)
    with pytest.raises(DocumentError, match=f"fdb-schema:{said}"):
        import_fdb(path)


def test_rules_that_overlap_are_warned_of_with_their_lines(tmp_path):
    path = write(tmp_path, "[ class=od [ type [ param ]]]\n[ class [ type=an [ param ]]]")
    with pytest.warns(SchemaWarning, match=r"rule 2 \(.*fdb-schema:2\) and rule 1"):
        load_schema(path)


def test_comments_and_line_breaks_may_stand_anywhere():
    found = parse_fdb("#[\nstep #x\n : Step ; [a#]\n,b=1/\n!2? [c:Date-x[d-]]]".replace("?", ""), "x")
    (top,) = found.rules
    assert [(one.key, one.values, one.is_excluded) for one in top.predicates] == [
        ("a", (), False),
        ("b", ("1", "!2"), False),
    ]
    assert [(one.key, one.type, one.kind, one.default) for one in top.below[0].predicates] == [
        ("c", "date", "hidden", "x")
    ]
    assert [one.line for one in top.below[0].below[0].predicates] == [5]
