"""The timeline of a run as a picture: its stages and its workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from dtedask.recipe.report.document import Report, ReportedWorker
from dtedask.recipe.report.style import fill

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 960.0, 150.0, 20.0, 24.0, 28.0
_MOST_WORKERS = 60
_LABEL = 20  # characters of a name


def timeline(report: Report) -> str:
    """An SVG element: a row for each stage, then one for each worker, from the begin of the run to its end."""
    names = [stage.name for stage in report.stages if any(span.name == stage.name for span in report.spans)]
    workers = report.cluster.workers[:_MOST_WORKERS]
    height = _TOP + _ROW * (len(names) + len(workers)) + 6
    scale = _Scale(max(report.seconds, 1e-3))
    parts = [
        f'<svg viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-labelledby="timeline-title timeline-text">',
        '<title id="timeline-title">Timeline of the run</title>',
        f'<desc id="timeline-text">{escape(_described(report))}</desc>',
        *_bands(len(names) + len(workers)),
        *_axis(scale, height),
    ]
    for row, name in enumerate(names):
        parts += [_label(row, name), *_stage_row(report, name, row, scale)]
    for row, worker in enumerate(workers, start=len(names)):
        parts += [_label(row, worker.name), *_worker_row(report, worker, row, scale)]
    left_out = len(report.cluster.workers) - len(workers)
    note = f'<p class="soft">{left_out} more workers are in the table below.</p>' if left_out else ""
    return "\n".join([*parts, "</svg>"]) + note


class _Scale:
    """Seconds to places."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, second: float) -> float:
        inside = min(max(second, 0.0), self.seconds)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * inside / self.seconds

    @property
    def ticks(self) -> Iterator[float]:
        """At most eight round numbers of seconds."""
        step = 10.0**-3
        while self.seconds / step > 8:
            step = next(wider for wider in _steps() if wider > step * 1.01)
        number = 0
        while number * step <= self.seconds:
            yield number * step
            number += 1


def _steps() -> Iterator[float]:
    """Round numbers: of seconds, then of minutes and hours."""
    for power in range(-3, 1):
        yield from (base * 10.0**power for base in (1, 2, 5))
    yield from (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
    step = 86400.0
    while True:
        yield step
        step *= 2


def _clock(seconds: float, longest: float) -> str:
    """A place on the axis: all in seconds, or all in minutes."""
    if longest < 480 or seconds == 0:  # from there on ticks are whole minutes
        return f"{seconds:g} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _bands(rows: int) -> Iterator[str]:
    for row in range(0, rows, 2):
        yield f'<rect class="band" x="0" y="{_TOP + row * _ROW:g}" width="{_WIDTH:g}" height="{_ROW:g}"/>'


def _axis(scale: _Scale, height: float) -> Iterator[str]:
    for tick in scale.ticks:
        x = scale(tick)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6:g}" y2="{height - 4:g}"/>'
        said = _clock(round(tick, 3), scale.seconds)
        yield f'<text class="tick" x="{x:.1f}" y="{_TOP - 11:g}" text-anchor="middle">{said}</text>'


def _label(row: int, name: str) -> str:
    short = name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…"
    return f'<text x="6" y="{_TOP + row * _ROW + 16:g}">{escape(short)}</text>'


def _stage_row(report: Report, name: str, row: int, scale: _Scale) -> Iterator[str]:
    spans = sorted((span.begin_s, span.end_s) for span in report.spans if span.name == name)
    for begin, end in _joined(spans, scale.seconds / (_WIDTH - _LEFT - _RIGHT)):
        said = f"{name}: {begin:.2f} s to {end:.2f} s"
        yield _bar(row, scale(begin), scale(end), fill(name), said)


def _joined(spans: Iterable[tuple[float, float]], gap: float) -> Iterator[tuple[float, float]]:
    """Spans without gaps that nobody could see."""
    open_begin, open_end = None, 0.0
    for begin, end in spans:
        if open_begin is None:
            open_begin, open_end = begin, end
        elif begin - open_end <= gap:
            open_end = max(open_end, end)
        else:
            yield open_begin, open_end
            open_begin, open_end = begin, end
    if open_begin is not None:
        yield open_begin, open_end


def _worker_row(report: Report, worker: ReportedWorker, row: int, scale: _Scale) -> Iterator[str]:
    begin = (worker.joined - report.begin).total_seconds()
    end = report.seconds if worker.left is None else (worker.left - report.begin).total_seconds()
    said = f"{worker.name} on {worker.host}" + (f", job {worker.job}" if worker.job else "")
    said += f": {begin:.1f} s to {end:.1f} s" + (f", lost: {worker.reason}" if worker.lost else "")
    yield _bar(row, scale(begin), scale(end), "fill-worker", said)
    if worker.lost:
        x, y = scale(end), _TOP + row * _ROW + _ROW / 2
        yield f'<path class="gone" d="M{x - 5:.1f} {y - 5:g}l10 10m0 -10l-10 10"/>'
        is_late = x > _WIDTH - 80
        anchor = f'x="{x - 10:.1f}" text-anchor="end"' if is_late else f'x="{x + 10:.1f}"'
        yield f'<text class="why" {anchor} y="{y + 4:g}">lost</text>'


def _bar(row: int, begin: float, end: float, style: str, said: str) -> str:
    y = _TOP + row * _ROW + 5
    return (
        f'<rect class="{style}" x="{begin:.1f}" y="{y:g}" width="{max(end - begin, 1.0):.1f}" height="{_ROW - 10:g}" '
        f'rx="2"><title>{escape(said)}</title></rect>'
    )


def _described(report: Report) -> str:
    stages = ", ".join(f"{stage.name} {stage.seconds:.1f} s" for stage in report.stages)
    lost = f"; {report.lost_workers} of them were lost" if report.lost_workers else ""
    return f"Stages: {stages}. Workers: {len(report.cluster.workers)}{lost}."
