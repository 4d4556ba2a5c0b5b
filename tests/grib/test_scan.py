import contextlib
import io
import os
import random

import pytest

from dtedask.core.errors import GribCutError, GribError, GribSyntaxError, GribUnsupportedError
from dtedask.grib import ScanReport, decode, scan
from dtedask.grib.library import eccodes


def places_by_eccodes(path):
    places = []
    with path.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            places.append((eccodes.codes_get(handle, "offset"), eccodes.codes_get(handle, "totalLength")))
            eccodes.codes_release(handle)
    return [(int(offset), length) for offset, length in places]


def whole_files(folder):
    return [path for path in sorted(folder.glob("*.grib*")) if "corrupted" not in path.name]


@pytest.mark.slow
def test_real_files_have_the_messages_that_ecCodes_finds(grib_folder):  # noqa: N802
    for path in whole_files(grib_folder):
        assert [(m.offset, m.length) for m in scan(path)] == places_by_eccodes(path), path.name


def test_a_file_a_stream_and_bytes_give_the_same_messages(grib_folder):
    path = grib_folder / "pl-regular-ll.grib"
    by_file = list(scan(path))
    for source in (path.read_bytes(), io.BytesIO(path.read_bytes())):
        found = list(scan(source))
        assert [m.field for m in found] == [m.field for m in by_file]
        assert [m.read() for m in found] == [m.read() for m in by_file]
        assert {m.location for m in found} == {""}


def test_a_pipe_is_read_forwards(make_message):
    read, write = os.pipe()
    with os.fdopen(read, "rb") as source, os.fdopen(write, "wb") as sink:
        sink.write(make_message() + make_message(level=500))
        sink.close()
        assert [m.field.level for m in scan(source)] == [1000.0, 500.0]


def test_an_empty_file_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "empty.grib"
    path.touch()
    with pytest.raises(GribSyntaxError, match=r"empty\.grib, offset 0: the source is empty"):
        list(scan(path))


def test_a_file_that_is_still_growing_is_told_from_a_broken_one(tmp_path, make_message):
    path = tmp_path / "growing.grib"
    message = make_message()
    path.write_bytes(message + message[:-10])
    found = scan(path)
    assert next(found).length == len(message)
    with pytest.raises(GribCutError, match=f"offset {len(message)}: .* may still be growing"):
        next(found)


def test_garbage_between_messages_names_the_offset_and_the_remedy(make_message):
    with pytest.raises(GribSyntaxError, match=r"bytes, offset \d+: no message starts here.*on_error='skip'"):
        list(scan(make_message() + b"CDF\x01 garbage" + make_message()))


def test_skipping_goes_on_and_lists_what_was_passed_over(make_message, caplog):
    message, report = make_message(), ScanReport()
    data = b"garbage GRIB" + message + message[:50] + message
    assert len(list(scan(data, on_error="skip", report=report))) == report.messages == 2
    assert [(part.offset, part.length) for part in report.skipped] == [(0, 12), (12 + len(message), 50)]
    assert len(caplog.records) == 2


def test_the_corrupted_file_fails_or_skips_its_first_message(grib_folder):
    path = grib_folder / "era5-levels-corrupted.grib"
    with pytest.raises(GribSyntaxError, match="offset 0: the message of 1588 bytes does not end in '7777'"):
        list(scan(path))
    report = ScanReport()
    assert [m.offset for m in scan(path, on_error="skip", report=report)] == [22068]
    assert report.skipped_bytes == 22068


def test_zeros_that_fill_up_blocks_are_no_garbage(make_message):
    assert len(list(scan(make_message() + b"\0" * 300 + make_message() + b"\0"))) == 2


def test_only_zeros_are_no_file_of_messages():
    with pytest.raises(GribSyntaxError, match="no message starts here"):
        list(scan(b"\0" * 100))


def test_an_unknown_way_to_treat_errors_is_refused():
    with pytest.raises(ValueError, match="on_error='ignore'"):
        list(scan(b"", on_error="ignore"))


def test_several_fields_of_one_message_become_messages_of_their_own(make_message, latlon):
    parts = [make_message(values=[value] * 11 + [0], level=500, **latlon) for value in (1, 2, 3)]
    several = join(parts)
    found = list(scan(several))
    assert [(m.offset, m.length) for m in found] == [(0, len(several))] * 3
    assert [decode(m.read(), m.field.order).max() for m in found] == [1, 2, 3]
    assert {m.field.keys["levelist"] for m in found} == {"500"}


def join(messages):
    """One message of edition 2 with the fields of several; sections 1 to 3 of the first count."""
    tails = []
    for message in messages:
        place = 16
        while message[place + 4] < 4:
            place += int.from_bytes(message[place : place + 4], "big")
        tails.append(message[place:-4])
    body = messages[0][16 : len(messages[0]) - 4 - len(tails[0])] + b"".join(tails)
    return messages[0][:8] + (len(body) + 20).to_bytes(8, "big") + body + b"7777"


@pytest.mark.slow
def test_messages_of_edition_1_above_8_megabytes_are_measured(make_message, latlon):
    size = {**latlon, "Ni": 2400, "Nj": 2100, "iDirectionIncrementInDegrees": 0.1, "jDirectionIncrementInDegrees": 0.05}
    message = make_message(1, values=range(2400 * 2100), bitsPerValue=16, **size)
    assert len(message) > 1 << 23
    assert message[4] & 0x80
    data = message + make_message(1)
    assert [m.offset for m in scan(data)] == [0, len(message)]


@pytest.mark.slow
def test_flipped_and_cut_messages_are_errors_or_messages_never_crashes(make_message, pack, latlon):
    chance = random.Random(1)
    kinds = ["grid_simple", "grid_ccsds", "grid_jpeg", "grid_png", "grid_complex"]
    originals = [pack(kind) for kind in kinds]
    originals += [make_message(1, values=range(12), **latlon)]
    for _ in range(600):
        data = bytearray(chance.choice(originals))
        for _ in range(chance.choice([1, 1, 2, 4])):
            data[chance.randrange(len(data))] = chance.choice([0, 255, chance.randrange(256)])
        data = bytes(data[: chance.randrange(len(data))] if chance.random() < 0.2 else data)
        with contextlib.suppress(GribError):
            for message in scan(data):
                decode(message.read(), message.field.order, dtype="float64")
        report = ScanReport()
        assert len(list(scan(data + originals[0], on_error="skip", report=report))) + len(report.skipped) >= 1


def test_a_grid_that_contradicts_itself_names_file_and_offset(tmp_path, make_message, latlon):
    path = tmp_path / "wrong.grib"
    path.write_bytes(make_message(values=range(12), **latlon, jScansPositively=1))
    with pytest.raises(GribUnsupportedError, match=r"wrong\.grib, offset 0: .*jScansPositively"):
        list(scan(path))


def test_vertical_coordinates_that_do_not_fit_are_refused(make_message):
    data = bytearray(make_message(1))
    data[63] = 186
    with pytest.raises(GribSyntaxError, match="grid section of .* is too short"):
        list(scan(bytes(data)))
