"""Event types that come ready made, with the keys that they have at ECMWF."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

__all__ = ["READY_MADE"]

_MARS: dict[str, Any] = {
    "class": {"type": "string", "max_length": 2, "required": True, "description": "Class of the data, such as od."},
    "expver": {"type": "expver", "default": "0001", "description": "Version of the experiment."},
    "domain": {"type": "enum", "values": list(ascii_lowercase), "description": "Domain of the model, such as g."},
    "date": {"type": "date", "description": "Day that the forecast begins."},
    "time": {"type": "time", "description": "Time of day that the forecast begins."},
    "stream": {"type": "string", "description": "Stream of the data, such as oper."},
    "step": {"type": "integer", "range": [0, 100000], "description": "Step of the forecast, in hours."},
}

READY_MADE: dict[str, dict[str, Any]] = {
    "mars": {
        "description": "Fields that can be read from an archive.",
        "identifier": _MARS,
        "payload": {"required": False},
        "topic": {"base": "mars", "key_order": ["class", "expver", "domain", "date", "time", "stream", "step"]},
    },
    "dissemination": {
        "description": "Products that were delivered to a destination.",
        "identifier": {
            "destination": {"type": "string", "required": True, "description": "Who gets the product."},
            "target": {"type": "string", "description": "File or object that it is in."},
            **_MARS,
        },
        "payload": {"required": True},
        "topic": {
            "base": "diss",
            "key_order": ["destination", "target", "class", "expver", "domain", "date", "time", "stream", "step"],
        },
    },
}
"""Documents of the types, by name."""
