"""What every sink of a pipeline must do."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from google_crc32c import value as crc32c
from pydantic import TypeAdapter

from dtedask.testing.messages import make_message

if TYPE_CHECKING:
    from dtedask.pipeline import Message, Sink, SinkOptions, Written


class SinkSuite:
    """Tests of a sink: derive a class whose name begins with ``Test``, and say how others see what it wrote.

    Examples
    --------
    >>> class TestMySink(SinkSuite):
    ...     document = {"type": "mine", "path": "fields"}
    ...
    ...     def stored(self, written):
    ...         return open(written.location, "rb").read()
    ...
    ...     def seen(self, folder):
    ...         return {}
    """

    document: ClassVar[dict[str, Any]]
    """What stands in a plan; paths are relative to a new folder."""
    bits: int | None = None
    """Bits that values are packed in; None where they come back as float32 to the last bit."""
    knows_what_is_there = True
    """Whether the very same field is found again by another process that did not go on from a saved state."""
    survives = True
    """Whether what was flushed outlives the process."""
    takes_messages = True
    """Whether it takes encoded messages."""

    def stored(self, written: Written) -> bytes:
        """Return the bytes that a manifest's checksum is of, as anybody can read them."""
        raise NotImplementedError

    def seen(self, folder: Path) -> dict[str, np.ndarray]:
        """Return the values that a reader finds, by step; nothing where there is nothing yet."""
        raise NotImplementedError

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """The folder of the plan."""
        return tmp_path

    @pytest.fixture
    def sink(self, folder: Path) -> Sink:
        """The sink, which nothing was given yet."""
        return self.make(folder)

    def make(self, folder: Path) -> Sink:
        """Make the sink."""
        from dtedask.pipeline import Context
        from dtedask.pipeline.sink import AnySink, make_sink

        options: SinkOptions = TypeAdapter(AnySink).validate_python(self.document)
        assert pickle.loads(pickle.dumps(options)) == options
        return make_sink(options, Context("suite", 0, folder, str(folder / "output"), "0" * 64))

    def test_nothing_is_seen_before_the_flush(self, sink: Sink, folder: Path) -> None:  # noqa: D102
        sink.take(make_message(1))
        assert self.seen(folder) == {}
        sink.close()
        assert self.seen(folder) == {}

    def test_values_come_back(self, sink: Sink, folder: Path) -> None:  # noqa: D102
        message = make_message(3)
        sink.take(message)
        self.flush(sink)
        self.compare(self.seen(folder)["0"], message)

    def test_missing_points_stay_missing(self, sink: Sink, folder: Path) -> None:  # noqa: D102
        message = make_message(3, has_gap=True)
        sink.take(message)
        self.flush(sink)
        self.compare(self.seen(folder)["0"], message)

    def test_a_manifest_tells_the_truth(self, sink: Sink) -> None:  # noqa: D102
        messages = [make_message(value, step=step) for value, step in ((1, "0"), (2, "6"))]
        for message in messages:
            sink.take(message)
        written = self.flush(sink)
        assert sorted(dict(one.keys)["step"] for one in written) == ["0", "6"]
        for one in written:
            data = self.stored(one)
            assert f"crc32c:{crc32c(data):08x}" == one.checksum
            assert len(data) == one.size_bytes
            assert one.is_new
            assert {"param", "date", "time"} <= dict(one.keys).keys()

    def test_what_was_flushed_is_not_written_again(self, sink: Sink, folder: Path) -> None:  # noqa: D102
        sink.take(make_message(1))
        assert len(self.flush(sink)) == 1
        before = self.seen(folder)
        assert self.flush(sink) == []
        assert self.seen(folder).keys() == before.keys()

    def test_flushes_follow_each_other(self, sink: Sink, folder: Path) -> None:  # noqa: D102
        for value, step in ((1, "0"), (2, "6"), (3, "12")):
            sink.take(make_message(value, step=step))
            assert len(self.flush(sink, step)) == 1
        found = self.seen(folder)
        assert sorted(found, key=int) == ["0", "6", "12"]
        self.compare(found["6"], make_message(2, step="6"))

    def test_who_goes_on_finds_what_was_written_behind_the_checkpoint(self, sink: Sink, folder: Path) -> None:  # noqa: D102
        if not self.survives:
            return
        sink.take(make_message(1))
        self.flush(sink)
        saved = sink.save()
        sink.take(make_message(2, step="6"))
        first = self.flush(sink, "6")
        after = self.make(folder)
        after.load(saved)
        after.take(make_message(2, step="6"))
        again = self.flush(after, "6")
        assert [one.checksum for one in again] == [one.checksum for one in first]
        assert [one.is_new for one in again] == [False]
        assert sorted(self.seen(folder)) == ["0", "6"]

    def test_who_goes_on_with_other_fields_replaces_what_was_written_behind_the_checkpoint(  # noqa: D102
        self, sink: Sink, folder: Path
    ) -> None:
        if not self.survives:
            return
        sink.take(make_message(1))
        self.flush(sink)
        saved = sink.save()
        sink.take(make_message(2, step="6"))
        self.flush(sink, "6")
        after = self.make(folder)
        after.load(saved)
        after.take(make_message(5, step="6"))
        assert [one.is_new for one in self.flush(after, "6")] == [True]
        self.compare(self.seen(folder)["6"], make_message(5, step="6"))

    def test_another_run_finds_the_very_same_fields(self, sink: Sink, folder: Path) -> None:  # noqa: D102
        if not self.knows_what_is_there:
            return
        sink.take(make_message(1))
        self.flush(sink)
        sink.close()
        other = self.make(folder)
        other.take(make_message(1))
        assert [one.is_new for one in self.flush(other)] == [False]

    def test_an_encoded_field_is_taken_as_well(self, sink: Sink, folder: Path) -> None:  # noqa: D102
        from dtedask.grib import Encoder
        from dtedask.pipeline.actions.encode import encode_field

        if not self.takes_messages:
            return
        message = make_message(4)
        data = encode_field(message, Encoder(packing="ieee"))(message.values)
        sink.take(message.replaced(data=data, values=None))
        (one,) = self.flush(sink)
        assert f"crc32c:{crc32c(self.stored(one)):08x}" == one.checksum
        np.testing.assert_array_equal(self.seen(folder)["0"], message.values)

    def flush(self, sink: Sink, step: str = "0") -> list[Written]:
        """Flush a step."""
        from dtedask.pipeline import Message

        return list(sink.flush(Message.flush("step", date="20240101", time="0000", step=step)))

    def compare(self, found: np.ndarray, message: Message) -> None:
        """Compare what is seen with what was given: to the last bit, or to the packing."""
        if self.bits is None:
            np.testing.assert_array_equal(found, message.values)
            return
        values = message.values
        span = np.nanmax(values) - np.nanmin(values)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
        assert np.nanmax(np.abs(found - values)) <= span / (2**self.bits - 1)
