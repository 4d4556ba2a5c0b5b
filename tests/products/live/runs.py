"""A model that runs, and requirements of its fields."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import dtedask
from dtedask.products import Cycle, PostProcessing, Requirement
from dtedask.products.deliveries.folder import FolderOptions
from dtedask.products.finishing import Finishing, Retries
from dtedask.products.format import format_class
from dtedask.products.ledger import Ledger
from dtedask.products.live import Pacing, follow
from dtedask.products.planning.inventory import Inventory
from dtedask.products.planning.plan import plan
from dtedask.testing.fields import KEYS, make_field

CYCLE = Cycle(datetime(2024, 1, 1, tzinfo=UTC))
NOW = CYCLE.time + timedelta(hours=5)


def archive(root, *fields, cycle=CYCLE):
    """Commit fields, each given by its keys and `value`."""
    store = dtedask.open(root)
    for one in map(dict, fields):
        store.archive(*make_field(one.pop("value", 0.0), **{**cycle.keys, **one}))
    store.flush()


def requirement(name, *, form="grib2", hours=None, owner="me", digest="", priority=0, **keys):
    """A requirement of fields of `archive`; a grid and an area may be among the keys."""
    request = {key: value for key, value in KEYS.items() if key not in ("date", "time")}
    how = PostProcessing(**{key: keys.pop(key) for key in ("grid", "area") if key in keys})
    asked = {**request, **keys}
    return Requirement(
        name=name,
        owner=owner,
        request={key: tuple(str(value).split("/")) for key, value in asked.items()},
        how=how,
        format=format_class(form).Options(type=form),
        file_name="{name}-{date}-{step}{suffix}",
        deadline=None if hours is None else timedelta(hours=hours),
        priority=priority,
        digest=digest or name,
    )


class Desk:
    """Follows a root into a folder."""

    def __init__(self, tmp_path, *, name="out", now=NOW):
        self.root, self.out, self.now = str(tmp_path / "data"), tmp_path / name, now
        self.output = FolderOptions(type="folder", path=str(self.out))
        self.ledger = Ledger(tmp_path / f"{name}-state")
        self.notes = []

    def follow(self, *requirements, on_event=None, stop=None, idle_s=0.3, pacing=None, **options):
        finishing = Finishing(
            self.ledger, output=self.output, notices="", retries=Retries(times=0), now=lambda: self.now
        )

        def hear(note):
            self.notes.append(note)
            if on_event is not None:
                on_event(note)

        with finishing:
            return follow(
                requirements, self.root, finishing=finishing, pacing=pacing or Pacing(), idle_s=idle_s,
                stop=stop or threading.Event(), on_event=hear, now=lambda: self.now, **options,
            )  # fmt: skip

    def planned(self, *requirements):
        return plan(requirements, Inventory.open(self.root), ledger=self.ledger, output=self.output, now=self.now)

    def wipe(self, *fields, cycle=CYCLE):
        for one in fields:
            dtedask.open(self.root).wipe({**KEYS, **cycle.keys, **one}, doit=True)

    @property
    def files(self):
        return {path.name: path.read_bytes() for path in sorted(self.out.glob("*")) if "manifest" not in path.name}

    def kinds(self, kind):
        return [note for note in self.notes if note.kind == kind]
