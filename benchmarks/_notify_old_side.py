"""Aviso 1 for benchmarks/notify.py, run by the Python of its environment.

python benchmarks/_notify_old_side.py listen PORT INTERVAL    listens to flights; prints numbers and times
python benchmarks/_notify_old_side.py notify PORT             sends the numbers that it reads; prints times
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from pyaviso import NotificationManager, user_config

SCHEMA = {
    "version": 0.1,
    "flight": {
        "endpoint": [{"engine": ["etcd_rest"], "base": "/ec/flight/", "stem": "number={number}"}],
        "request": {"number": [{"type": "StringHandler"}]},
    },
}


class Parser:
    """Gives the schema without a file."""

    def parser(self) -> Parser:
        """Be what the client asks for."""
        return self

    def load(self, _config: Any) -> dict[str, Any]:
        return SCHEMA


def configuration(port: int, interval: float) -> Any:
    engine = {"host": "127.0.0.1", "port": port, "polling_interval": interval, "catchup": False}
    found = user_config.UserConfig(notification_engine=engine, configuration_engine={"host": "127.0.0.1", "port": port})
    found._schema_parser = Parser()  # noqa: SLF001 - its setter takes names only
    return found


def hear(notification: dict[str, Any]) -> None:
    print(json.dumps({"number": notification["request"]["number"], "at": time.monotonic()}), flush=True)


def main(what: str, port: str, interval: str = "1") -> None:
    manager, config = NotificationManager(), configuration(int(port), float(interval))
    if what == "listen":
        triggers = [{"type": "function", "function": hear}]
        manager.listen(
            config, listeners={"listeners": [{"event": "flight", "request": {}, "triggers": triggers}]}, now=True
        )
    for line in sys.stdin:
        begin = time.monotonic()
        manager.notify({"event": "flight", "number": line.strip()}, config=config)
        print(json.dumps({"at": begin}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
