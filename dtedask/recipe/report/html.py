"""The run report as a page: one file, without scripts, that needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from dtedask.core.sizes import size_text
from dtedask.recipe.report.document import Report, ReportedInput, ReportedWorker
from dtedask.recipe.report.style import STYLE, fill
from dtedask.recipe.report.timeline import timeline


def report_page(report: Report) -> str:
    """A whole page."""
    title = escape(f"{report.recipe.name}: {report.status}, {report.begin:%Y-%m-%d %H:%M:%S} UTC")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>html {{ background: Canvas; }} {STYLE}</style>\n</head>\n"
        f'<body class="run">\n<main>\n{_content(report)}\n</main>\n</body>\n</html>\n'
    )


def report_body(report: Report) -> str:
    """The same as part of another page, such as a notebook."""
    return f'<style>{STYLE}</style><div class="run">{_content(report)}</div>'


def _content(report: Report) -> str:
    parts: list[Iterable[str]] = [
        _head(report),
        _error(report),
        _figures(report),
        _timeline(report),
        _stages(report),
        _cluster(report),
        _tasks(report),
        _commits(report),
        _input(report),
        _said(report),
        _origin(report),
    ]
    return "\n".join(line for part in parts for line in part)


def _head(report: Report) -> Iterator[str]:
    status = f'<span class="status {report.status}">{report.status}</span>'
    yield f"<h1>{escape(report.recipe.name)} {status}</h1>"
    when = f"{report.begin:%Y-%m-%d %H:%M:%S} to {report.end:%Y-%m-%d %H:%M:%S} UTC"
    yield f'<p class="soft">{when}, by {escape(report.user)} on {escape(report.host)}</p>'


def _error(report: Report) -> Iterator[str]:
    if report.error is not None:
        yield '<div class="error" role="alert">'
        yield f"<p><strong>{escape(report.error.message)}</strong></p>"
        if report.error.hint:
            yield f"<p>{escape(report.error.hint)}</p>"
        yield f'<p class="soft">Code: <code>{escape(report.error.code)}</code></p></div>'


def _figures(report: Report) -> Iterator[str]:
    work, memory = report.work, report.memory
    figures = {
        "Time": seconds_text(report.seconds),
        "Fields": f"{work.fields:,}",
        "GRIB": size_text(work.bytes),
        "Rate": f"{size_text(work.bytes_per_s)}/s",
        "Commits": f"{work.commit_count:,}",
        "Done again": f"{report.retries:,}",
        "Lost workers": f"{report.lost_workers:,}",
        "Peak of driver": size_text(memory.driver_peak_bytes),
    }
    if memory.worker_peak_bytes is not None:
        figures["Peak of a worker"] = size_text(memory.worker_peak_bytes)
    yield '<dl class="figures">'
    for name, value in figures.items():
        alarm = ' class="lost"' if name == "Lost workers" and report.lost_workers else ""
        yield f"<div><dt>{name}</dt><dd{alarm}>{escape(value)}</dd></div>"
    yield "</dl>"


def _timeline(report: Report) -> Iterator[str]:
    if report.spans or report.cluster.workers:
        yield "<h2>Timeline</h2>"
        yield f'<div class="scroll" tabindex="0" role="region" aria-label="Timeline">{timeline(report)}</div>'


def _stages(report: Report) -> Iterator[str]:
    total = sum(stage.seconds for stage in report.stages) or 1.0
    rows = []
    for stage in report.stages:
        share = 100 * stage.seconds / total
        bar = f'<td class="share"><span class="{fill(stage.name)}" style="width: {share:.1f}%"></span></td>'
        cells = [_number(seconds_text(stage.seconds)), _number(f"{share:.0f} %"), _number(f"{stage.count:,}"), bar]
        rows.append([f'<th scope="row">{escape(stage.name)}</th>', *cells])
    yield "<h2>Stages</h2>"
    yield from _table(
        "Time of each stage without that of stages inside it; together they took as long as the run.",
        ("Stage", "#Time", "#Share", "#Times", ""),
        rows,
    )


def _cluster(report: Report) -> Iterator[str]:
    cluster = report.cluster
    yield "<h2>Cluster</h2>"
    yield from _facts(
        {
            "Profile": f"{cluster.profile} ({cluster.kind})" if cluster.kind else cluster.profile,
            "Batch job": cluster.job,
            "Scheduler": cluster.scheduler,
            "Dashboard": cluster.dashboard,
            "Workers": _counts_of_workers(report),
            "Folder": cluster.folder,
            "Figures": "" if cluster.is_complete else "not complete: the scheduler could not be asked at the end",
        }
    )
    if cluster.workers:
        head = ("Worker", "Host", "Job", "#Threads", "#Peak memory", "#Limit", "#Sent", "#From", "#To", "What happened")
        yield from _table("Workers in the order in which they came", head, map(_Worker(report).row, cluster.workers))


def _counts_of_workers(report: Report) -> str:
    cluster = report.cluster
    if cluster.workers_wanted is None:
        return ""
    jobs = len({worker.job for worker in cluster.workers if worker.job})
    return f"{cluster.workers_most} at once of {cluster.workers_wanted} wanted" + (f", in {jobs} jobs" if jobs else "")


class _Worker:
    """Rows of workers, with times since the begin of the run."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def row(self, worker: ReportedWorker) -> list[str]:
        begin = (worker.joined - self._report.begin).total_seconds()
        left = "" if worker.left is None else seconds_text((worker.left - self._report.begin).total_seconds())
        limit = size_text(worker.memory_limit_bytes) if worker.memory_limit_bytes else "none"
        return [
            f'<th scope="row">{escape(worker.name)}</th>',
            f"<td>{escape(worker.host)}</td>",
            f"<td>{escape(worker.job)}</td>",
            _number(str(worker.threads)),
            _number(size_text(worker.peak_memory_bytes)),
            _number(limit),
            _number(size_text(worker.sent_bytes)),
            _number(seconds_text(max(begin, 0.0))),
            _number(left),
            f'<td class="wide">{self._fate(worker)}</td>',
        ]

    @staticmethod
    def _fate(worker: ReportedWorker) -> str:
        text = escape(worker.reason)
        if worker.lost:
            text = f'<strong class="lost">Lost</strong>: {text}'
        return f"{text}<br>Log: <code>{escape(worker.log)}</code>" if worker.log else text


def _tasks(report: Report) -> Iterator[str]:
    if report.tasks:
        rows = [
            [
                f'<th scope="row">{escape(one.name)}</th>',
                *(_number(f"{count:,}") for count in (one.done, one.failed, one.again)),
                _number(seconds_text(one.seconds)),
                _number(seconds_text(one.transfer_seconds)),
            ]
            for one in report.tasks
        ]
        yield "<h2>Tasks</h2>"
        head = ("Kind", "#Done", "#Failed", "#Done again", "#Computed", "#Waited for data")
        yield from _table("Dask tasks by kind; times in sum over all threads", head, rows)


def _commits(report: Report) -> Iterator[str]:
    work = report.work
    if not work.commits and not work.series and not work.rolled and not work.results and not work.products:
        return
    yield "<h2>Commits</h2>"
    rows = [
        [
            f'<th scope="row">{escape(one.cube)}</th>',
            _number(str(one.sequence)),
            f"<td><code>{escape(one.snapshot)}</code></td>",
            f"<td>{one.time:%Y-%m-%d %H:%M:%S}</td>",
            *(_number(f"{count:,}") for count in (one.new, one.replaced, one.unchanged)),
            f'<td class="wide">{escape(one.message)}</td>',
        ]
        for one in work.commits
    ]
    if rows:
        more = "" if work.commit_count == len(rows) else f"The newest {len(rows)} of {work.commit_count:,}"
        head = ("Cube", "#Number", "Snapshot", "Time, UTC", "#New", "#Replaced", "#Unchanged", "Message")
        yield from _folded(f"{_count(work.commit_count, 'commit')}", _table(more, head, rows), is_open=len(rows) <= 10)
    yield from _list(
        [
            *(f"Time series: {one}" for one in work.series),
            *([work.rolled] if work.rolled else []),
            *([f"Plan: {work.results}"] if work.results else []),
            *([work.products.capitalize()] if work.products else []),
        ]
    )


def _input(report: Report) -> Iterator[str]:
    if report.failed or report.skipped_count:
        yield "<h2>Input that was not taken</h2>"
    if report.failed:
        yield from _folded(_count(len(report.failed), "file") + " failed", _inputs(report.failed), is_open=True)
    if report.skipped_count:
        shown = len(report.skipped)
        more = f", the first {shown} of them" if shown < report.skipped_count else ""
        yield from _folded(
            _count(report.skipped_count, "message") + f" skipped{more}", _inputs(report.skipped), is_open=shown <= 10
        )


def _inputs(inputs: Sequence[ReportedInput]) -> Iterator[str]:
    rows = [
        [
            f'<th scope="row" class="wide">{escape(one.file)}</th>',
            _number("" if one.offset is None else f"{one.offset:,}"),
            _number("" if one.length is None else f"{one.length:,}"),
            f'<td class="wide">{escape(one.reason)}</td>',
        ]
        for one in inputs
    ]
    yield from _table("", ("File", "#Offset", "#Bytes", "Reason"), rows)


def _said(report: Report) -> Iterator[str]:
    if report.hook_failures:
        yield "<h2>Listeners and plug-ins that failed</h2>"
        yield from _list(report.hook_failures)
    if report.warning_count:
        shown = len(report.warnings)
        more = f", the first {shown} of them" if shown < report.warning_count else ""
        yield "<h2>Warnings</h2>"
        yield from _folded(_count(report.warning_count, "warning") + more, _list(report.warnings), is_open=shown <= 10)


def _origin(report: Report) -> Iterator[str]:
    recipe = report.recipe
    yield "<h2>Recipe and environment</h2>"
    yield from _facts(
        {
            "Recipe": recipe.file or "given without a file",
            "SHA-256": recipe.sha256,
            "Overrides": ", ".join(f"{key}={value}" for key, value in recipe.overrides.items()),
            "Root": recipe.root,
            "Catalog": recipe.catalog or "none",
            "Process": f"{report.pid} on {report.host}",
            "Versions": ", ".join(f"{name} {version}" for name, version in report.versions.items()),
        }
    )


def _facts(facts: dict[str, str]) -> Iterator[str]:
    yield '<dl class="facts">'
    for name, value in facts.items():
        if value:
            yield f"<dt>{name}</dt><dd>{escape(value)}</dd>"
    yield "</dl>"


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; headings that begin with # are those of numbers, cells are HTML already."""
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption or head[0])}"><table>'
    if caption:
        yield f"<caption>{escape(caption)}</caption>"
    names = (
        f'<th scope="col" class="number">{escape(name[1:])}</th>'
        if name.startswith("#")
        else f'<th scope="col">{escape(name)}</th>'
        if name
        else "<td></td>"
        for name in head
    )
    yield f"<thead><tr>{''.join(names)}</tr></thead><tbody>"
    for row in rows:
        yield f"<tr>{''.join(row)}</tr>"
    yield "</tbody></table></div>"


def _folded(title: str, lines: Iterable[str], *, is_open: bool) -> Iterator[str]:
    yield f"<details{' open' if is_open else ''}><summary>{escape(title)}</summary>"
    yield from lines
    yield "</details>"


def _list(lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _number(text: str) -> str:
    return f'<td class="number">{escape(text)}</td>'


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def seconds_text(seconds: float) -> str:
    """A time for people."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
