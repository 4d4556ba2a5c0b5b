"""A page of Dask's dashboard that shows runs of plans: ``/plans``, and ``/plans.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from distributed.diagnostics.plugin import SchedulerPlugin
from tornado.web import RequestHandler

if TYPE_CHECKING:
    from distributed import Client, Scheduler

__all__ = ["PlansPage", "plans_link", "show_plan", "start_page"]

TOPIC = "dtedask-plan"
_STYLE = "body{font:14px sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:right}td:first-child{text-align:left}"


def start_page(client: Client) -> None:
    """Add the page to the dashboard of a cluster; once more changes nothing."""
    client.register_plugin(PlansPage())


def show_plan(client: Client, status: Mapping[str, Any]) -> None:
    """Show a run there as it is now: ``run`` tells runs apart."""
    client.log_event(TOPIC, json.dumps(status, default=str))


def plans_link(client: Client) -> str:
    """URL of the page; empty where the cluster has no dashboard."""
    link = str(client.dashboard_link or "")
    return f"{link.removesuffix('/').removesuffix('/status')}/plans" if link else ""


class PlansPage(SchedulerPlugin):
    """Adds the page to the scheduler."""

    name = "dtedask-plans"
    idempotent = True

    async def start(self, scheduler: Scheduler) -> None:
        """Add the page, unless the scheduler has it, or has no pages at all."""
        application = getattr(scheduler, "http_application", None)
        if application is None or getattr(application, "dtedask_plans", False):
            return
        application.dtedask_plans = True
        options = {"scheduler": scheduler}
        application.add_handlers(r".*", [(r"/plans", _Page, options), (r"/plans\.json", _Json, options)])


class _Json(RequestHandler):
    def initialize(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler

    def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(newest(self.scheduler.get_events(TOPIC))))


class _Page(_Json):
    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page(newest(self.scheduler.get_events(TOPIC))))


def newest(events: Iterable[tuple[float, Any]]) -> list[dict[str, Any]]:
    """What is known of each run at last."""
    found: dict[str, dict[str, Any]] = {}
    for _, text in events:
        status = json.loads(text)
        found[str(status.get("run"))] = status
    return list(found.values())


def page(runs: Sequence[Mapping[str, Any]]) -> str:
    """The page, which loads itself again every two seconds."""
    body = "".join(map(_run, runs)) or "<p>No plan has run on this cluster.</p>"
    head = f'<meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Plans</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>Plans</h1>{body}</body></html>'


def _run(status: Mapping[str, Any]) -> str:
    pipelines = status.get("pipelines", [])
    title = f"{status.get('plan')}: {status.get('status')}"
    came = f"{status.get('fields', 0)} fields, queue {status.get('queue_bytes', 0)} bytes"
    columns = ("fields_in", "fields_out", "written", "skipped", "dead_letters", "lag_s", "waiting_bytes", "failed")
    tables = _table("pipeline", columns, [(one["name"], one) for one in pipelines])
    actions = [(f"{one['name']}: {action['type']}", action) for one in pipelines for action in one["actions"]]
    tables += _table("action", ("fields", "seconds", "errors"), actions)
    return f"<h2>{escape(title)}</h2><p>{escape(came)}</p>{tables}"


def _table(first: str, columns: Sequence[str], rows: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    head = "".join(f'<th scope="col">{name.replace("_", " ")}</th>' for name in (first, *columns))
    body = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(f"<td>{escape(_cell(row[column]))}</td>" for column in columns)
        + "</tr>"
        for name, row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
