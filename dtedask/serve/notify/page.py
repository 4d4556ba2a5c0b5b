"""The documentation of the interface as one page, without anything from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
:root { color-scheme: light dark; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; }
pre { overflow-x: auto; padding: 0.5rem; border: 1px solid #8888; border-radius: 4px; }
summary { cursor: pointer; padding: 0.3rem 0; } .method { display: inline-block; min-width: 4.5rem; font-weight: 600; }
table { border-collapse: collapse; } td { padding: 0.1rem 0.8rem 0.1rem 0; vertical-align: top; }
"""


def page_of(document: Mapping[str, Any]) -> str:
    """Write an OpenAPI document as HTML that needs no network."""
    operations = "".join(
        _operation(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    schemas = "".join(
        f"<details id='{escape(name)}'><summary><code>{escape(name)}</code></summary>{_json(schema)}</details>"
        for name, schema in document.get("components", {}).get("schemas", {}).items()
    )
    title = escape(document["info"]["title"])
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1><p>{escape(document['info'].get('description', ''))} "
        f"The same for programs: <a href='/openapi.json'>openapi.json</a>.</p>{operations}<h2>Shapes</h2>{schemas}"
        "</body></html>"
    )


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(answer.get('description', ''))}</td></tr>"
        for status, answer in operation.get("responses", {}).items()
    )
    return (
        f"<details><summary><span class='method'>{method.upper()}</span> <code>{escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</summary><p>{escape(operation.get('description', ''))}</p>"
        f"{'<p>Body:</p>' + _json(body) if body else ''}<table>{answers}</table></details>"
    )


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2))}</pre>"
