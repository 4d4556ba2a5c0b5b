"""Fast answers are ecCodes' answers."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.grib import scan
from dtedask.grib.describe import describe
from dtedask.grib.scan import forget

PARAMS = (130, 129, 133, 152, 157)


@st.composite
def keys(draw):
    """Keys of a message that count along, and some that do not."""
    chosen = {
        "dataDate": draw(st.sampled_from([20240229, 20231231, 19990101])),
        "dataTime": draw(st.sampled_from([0, 1200, 630])),
    }
    chosen["centre"] = draw(st.sampled_from(["ecmf", "lfpw", "kwbc"]))
    edition = draw(st.sampled_from([1, 2]))
    if chosen["centre"] == "ecmf" and draw(st.booleans()):
        label = draw(st.sampled_from([("pf", "enfo"), ("fc", "oper"), ("an", "oper"), ("cf", "enfo")]))
        chosen |= {"setLocalDefinition": 1, "type": label[0], "stream": label[1], "class_": "od", "expver": "0001"}
    template = draw(st.sampled_from([0, 1, 8, 11])) if edition == 2 else None
    if template is not None:
        chosen["productDefinitionTemplateNumber"] = template
    chosen["paramId"] = draw(st.sampled_from(PARAMS if template in (None, 0, 1) else (228, 130)))
    level_type = draw(st.sampled_from(["isobaricInhPa", "hybrid", "surface", "heightAboveGround"]))
    chosen["typeOfLevel"] = level_type
    if level_type != "surface":
        chosen["level"] = draw(st.sampled_from([1, 2, 10, 100, 500, 850]))
    end = draw(st.integers(0, 240))
    chosen["stepRange"] = f"{draw(st.integers(0, end))}-{end}" if template in (8, 11) else str(end)
    if template in (1, 11):
        chosen |= {"numberOfForecastsInEnsemble": 51, "perturbationNumber": draw(st.integers(0, 50))}
    return edition, chosen


def build(make_message, edition, chosen):
    try:
        return make_message(edition, **chosen)
    except Exception:  # noqa: BLE001  # ecCodes cannot say it
        return b""


@pytest.mark.slow
@given(st.lists(keys(), min_size=1, max_size=12))
def test_made_up_messages_are_described_as_ecCodes_describes_them(make_message, chosen):  # noqa: N802
    data = b"".join(build(make_message, *one) for one in chosen)
    for message in scan(data) if data else ():
        assert message.field == describe(message.read())


@pytest.mark.slow
def test_real_messages_are_described_as_ecCodes_describes_them_in_any_order(grib_folder, fresh_memory):  # noqa: N802
    messages = [m.read() for path in grib_folder.glob("*.grib*") for m in scan(path, on_error="skip")]
    expected = {data: describe(data) for data in messages}
    for seed in range(3):
        forget()
        random.Random(seed).shuffle(messages)
        assert [m.field for m in scan(b"".join(messages))] == [expected[data] for data in messages]


def test_ecCodes_is_asked_only_about_what_is_new(grib_folder, fresh_memory, monkeypatch):  # noqa: N802
    asked = []
    monkeypatch.setattr("dtedask.grib.recognise.describe", lambda *a, **k: asked.append(1) or describe(*a, **k))
    assert len(list(scan(grib_folder / "era5-levels-members.grib"))) == 160
    assert len(asked) < 20


def test_a_template_whose_prediction_fails_is_read_by_ecCodes(make_message, fresh_memory, monkeypatch):  # noqa: N802
    def lying(data, **known):
        field = describe(data, **known)
        return type(field)(**{name: getattr(field, name) for name in field.__slots__} | {"name": field.keys["step"]})

    monkeypatch.setattr("dtedask.grib.recognise.describe", lying)
    data = b"".join(make_message(level=500, step=step) for step in range(6))
    assert [m.field.name for m in scan(data)] == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("packing", ["grid_simple", "grid_ccsds", "grid_jpeg", "grid_png", "grid_ieee", "grid_complex"])
def test_packing_is_told_whatever_was_remembered(pack, packing, eccodes_says):
    data = pack(packing)
    field = next(scan(data)).field
    assert [field.packing, field.bits_per_value] == eccodes_says(data, "packingType", "bitsPerValue")
