"""Folders, cubes and HTTP servers do what every delivery must do; S3 does in tests/services."""

from __future__ import annotations

import json

import numpy as np
import pytest

import dtedask
from dtedask.products.deliveries.aside import ASIDE
from dtedask.testing.deliveries import DeliverySuite
from tests.products.deliveries.server import running


class TestFolder(DeliverySuite):
    def document(self, folder):
        return {"type": "folder", "path": str(folder / "there")}

    def seen(self, folder):
        there = folder / "there"
        assert not (there / ASIDE).exists()
        return {path.relative_to(there).as_posix(): path.read_bytes() for path in there.rglob("*") if path.is_file()}

    def lines(self, folder, name):
        return [json.loads(line) for line in (folder / "there" / name).read_text().splitlines()]


class _Http(DeliverySuite):
    method = ""

    @pytest.fixture
    def folder(self, tmp_path):
        with running() as server:
            self.server = server
            yield tmp_path

    def document(self, _):
        return {"type": "http", "url": f"{self.server.url}/in box", "method": self.method}

    def seen(self, _):
        return {name.removeprefix("in box/"): data for name, data in self.server.files.items()}

    def lines(self, _, name):
        return [json.loads(line) for line in self.server.files[f"in box/{name}"].splitlines()]


class TestPut(_Http):
    method = "PUT"
    finds_again = False


class TestPost(_Http):
    method = "POST"
    can_look = False


class TestCube(DeliverySuite):
    has_manifest = False

    def document(self, folder):
        return {"type": "cube", "url": str(folder / "root")}

    def seen(self, folder):
        if not (folder / "root").exists():
            return {}
        return {
            f"{record.keys['step']}.bin": np.asarray(values, "<f8").tobytes()
            for record, values in dtedask.open(folder / "root").values({})
        }

    def name(self, step, name=""):  # noqa: ARG002 - cubes have no files
        return f"{step}.bin"
