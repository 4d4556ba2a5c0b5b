"""A model that runs, and requirements of its fields."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import dtedask
from dtedask.products import Cycle, PostProcessing, Requirement
from dtedask.products.deliveries.folder import FolderOptions
from dtedask.products.finishing import Finishing, Retries
from dtedask.products.format import format_class
from dtedask.products.ledger import Ledger
from dtedask.products.live import follow
from dtedask.products.making import make
from dtedask.products.planning.inventory import Inventory
from dtedask.products.planning.plan import plan
from dtedask.products.status import status
from dtedask.testing.fields import KEYS, make_field

CYCLE = Cycle(datetime(2024, 1, 1, tzinfo=UTC))
NAME = "{name}-{date}-{step}{suffix}"
NOW = CYCLE.time + timedelta(hours=5)


def archive(root, *fields, cycle=CYCLE):
    """Commit fields, each given by its keys and `value`."""
    store = dtedask.open(root)
    if not fields:
        return
    for one in map(dict, fields):
        store.archive(*make_field(one.pop("value", 0.0), **{**cycle.keys, **one}))
    store.flush()


def requirement(name, *, form="grib2", hours=None, owner="me", digest="", priority=0, file_name=NAME, **keys):
    """A requirement of fields of `archive`; a grid and an area may be among the keys."""
    request = {key: value for key, value in KEYS.items() if key not in ("date", "time")}
    how = PostProcessing(**{key: keys.pop(key) for key in ("grid", "area") if key in keys})
    asked = {**request, **keys}
    return Requirement(
        name=name,
        owner=owner,
        request={key: tuple(str(value).split("/")) for key, value in asked.items() if value is not None},
        how=how,
        format=format_class(form).Options(type=form),
        file_name=file_name,
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

    def finishing(self, **options):
        retries = Retries(times=0)
        return Finishing(self.ledger, output=self.output, notices="", retries=retries, now=lambda: self.now, **options)

    def follow(self, *requirements, on_event=None, until=None, idle_s=0.3, **options):
        """Until nothing comes any more; or `until` so many products were delivered, or failed."""
        stop = options.pop("stop", threading.Event())

        def hear(note):
            self.notes.append(note)
            if on_event is not None:
                on_event(note)
            if until is not None and len(self.kinds("delivered", "failed")) >= until:
                stop.set()

        with self.finishing() as finishing:
            return follow(
                requirements, self.root, finishing=finishing, idle_s=60 if until else idle_s, stop=stop,
                on_event=hear, now=options.pop("clock", lambda: self.now), **options,
            )  # fmt: skip

    def run(self, *requirements):
        """What a run on the archive makes of all there is."""
        with self.finishing() as finishing:
            return make(self.planned(*requirements), finish=finishing)

    def planned(self, *requirements):
        return plan(requirements, Inventory.open(self.root), ledger=self.ledger, output=self.output, now=self.now)

    def status(self, *requirements, now=None, **options):
        inventory = Inventory.open(self.root)
        return status(requirements, self.ledger, inventory, output=self.output, now=now or self.now, **options)

    def wipe(self, *fields, cycle=CYCLE):
        for one in fields:
            dtedask.open(self.root).wipe({**KEYS, **cycle.keys, **one}, doit=True)

    @property
    def files(self):
        return {path.name: path.read_bytes() for path in sorted(self.out.glob("[!.]*")) if "manifest" not in path.name}

    @property
    def manifest(self):
        lines = (self.out / f"manifest-{CYCLE}.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def kinds(self, *kinds):
        return [note for note in self.notes if note.kind in kinds]

    def ids(self, *kinds):
        """Files of the products that were told of, in order."""
        return [note.about["product"].split("/")[-1] for note in self.kinds(*kinds)]
