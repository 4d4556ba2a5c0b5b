"""The suite of formats finds what is wrong with a format."""

import json
import time

import numpy as np
import pytest

from dtedask.products import Format, FormatOptions
from dtedask.products import format as formats
from dtedask.testing import FormatSuite
from dtedask.testing.formats import labels_of


class Lines(Format):
    """A good one: a line for each field."""

    suffix = ".jsonl"
    default_name = "{name}-{date}"
    Options = FormatOptions

    def write(self, product, parts, path, lineage):  # noqa: ARG002
        path.write_text("".join(f"{json.dumps(self.line(part))}\n" for part in parts))

    def line(self, part):
        return [labels_of(part), [None if np.isnan(one) else one for one in part.payload.ravel().tolist()]]


class NamesItsOwner(Lines):
    def write(self, product, parts, path, lineage):
        super().write(product, parts, path, lineage)
        path.write_text(path.read_text() + json.dumps([["owner", 0.0, None, None], [product.requirement.owner]]))


class SaysWhen(Lines):
    def line(self, part):
        return [labels_of(part), [*super().line(part)[1], time.perf_counter_ns()]]


class ChangesItsParts(Lines):
    def line(self, part):
        found = super().line(part)
        part.payload[:] = 0
        return found


class ForgetsMissingPoints(Lines):
    def line(self, part):
        return [labels_of(part), np.nan_to_num(part.payload.ravel()).tolist()]


class ForgetsMembers(Lines):
    def line(self, part):
        return [(*labels_of(part)[:3], None), super().line(part)[1]]


def suite_of(kind, monkeypatch):
    monkeypatch.setitem(formats._OWN, "lines", f"{__name__}:{kind.__name__}")
    monkeypatch.setattr("dtedask.core.registry.import_module", lambda _: type("module", (), {kind.__name__: kind}))

    class Suite(FormatSuite):
        document = {"type": "lines"}  # noqa: RUF012 - as users write it

        def seen(self, path):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            return {tuple(labels): np.array(values, float) for labels, values in lines}

    return Suite()


def failures(kind, monkeypatch, tmp_path):
    suite = suite_of(kind, monkeypatch)
    failed = set()
    for number, name in enumerate(name for name in dir(suite) if name.startswith("test_")):
        folder = tmp_path / str(number)
        folder.mkdir()
        test = getattr(suite, name)
        try:
            test(folder) if "tmp_path" in test.__func__.__annotations__ else test()
        except (AssertionError, KeyError, ValueError):
            failed.add(name)
    return failed


def test_a_good_format_passes(monkeypatch, tmp_path):
    assert failures(Lines, monkeypatch, tmp_path) == set()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (NamesItsOwner, "test_whose_product_it_is_does_not_matter"),
        (SaysWhen, "test_the_same_parts_give_the_same_bytes"),
        (ChangesItsParts, "test_parts_stay_as_they_are"),
        (ForgetsMissingPoints, "test_missing_points_stay_missing"),
        (ForgetsMembers, "test_steps_levels_members_and_parameters_stand_together"),
    ],
)
def test_a_bad_format_is_found_out(kind, name, monkeypatch, tmp_path):
    assert name in failures(kind, monkeypatch, tmp_path)
