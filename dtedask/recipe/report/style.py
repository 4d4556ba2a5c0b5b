"""How the page of a run report looks, by day and by night."""

STYLE = """
.run { --ink: #1c2733; --soft: #55636f; --page: #ffffff; --panel: #f4f6f8; --line: #d5dbe1; --good: #17663a;
  --bad: #a8201a; --warn: #7a4b00; --worker: #7d93a8; --cluster: #8a6fb0; --survey: #2f7fb8; --write: #1f8a70;
  --merge: #c28a1d; --commit: #b8552f; --announce: #6a7f2f; --catalog: #4a6fa5; --series: #a0527a;
  --pipeline: #5b8a8a; --products: #a8763e; --other: #98a4af;
  color: var(--ink); background: var(--page); font: 16px/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) {
  .run { --ink: #e6ebf0; --soft: #a5b1bd; --page: #14191f; --panel: #1d242c; --line: #36414c; --good: #6fce97;
    --bad: #ff8f87; --warn: #f0c36a; --worker: #6d8297; --cluster: #a48bd0; --survey: #5aa5dc; --write: #43b598;
    --merge: #deae50; --commit: #dd7d57; --announce: #97ad55; --catalog: #7f9fd0; --series: #cc80a5;
    --pipeline: #86b3b3; --products: #d3a673; --other: #5f6b76; }
}
.run { margin: 0; padding: 1.5rem; }
.run main { max-width: 72rem; margin: 0 auto; }
.run h1 { margin: 0; font-size: 1.6rem; overflow-wrap: anywhere; }
.run h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; }
.run p { margin: .3rem 0; }
.run .soft, .run caption, .run dt { color: var(--soft); }
.run .status { display: inline-block; padding: 0 .6em; border: 2px solid; border-radius: 1em; font-size: 1rem;
  font-weight: 600; vertical-align: middle; }
.run .done { color: var(--good); } .run .failed, .run .lost { color: var(--bad); }
.run .interrupted { color: var(--warn); }
.run .figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 1.2rem 0; padding: 0; }
.run .figures div { padding: .6rem .9rem; background: var(--panel); border: 1px solid var(--line);
  border-radius: .5rem; }
.run .figures dt { font-size: .85rem; } .run .figures dd { margin: 0; font-size: 1.25rem; font-weight: 600; }
.run .error { padding: .7rem 1rem; background: var(--panel); border-left: .35rem solid var(--bad);
  overflow-wrap: anywhere; }
.run .facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
.run .facts dd { margin: 0; overflow-wrap: anywhere; }
.run .scroll { overflow-x: auto; } .run .scroll:focus-visible, .run summary:focus-visible, .run a:focus-visible {
  outline: 3px solid var(--survey); outline-offset: 2px; }
.run table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.run caption { text-align: left; padding: .2rem 0; }
.run th, .run td { padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
.run thead th { font-size: .85rem; color: var(--soft); } .run th { font-weight: 600; white-space: nowrap; }
.run .number { text-align: right; white-space: nowrap; }
.run .wide { min-width: 16rem; overflow-wrap: anywhere; white-space: normal; }
.run .share { width: 35%; } .run .share span { display: block; height: .8rem; margin-top: .35rem; min-width: 2px;
  border-radius: 2px; }
.run summary { cursor: pointer; padding: .3rem 0; font-weight: 600; }
.run code { font-family: ui-monospace, monospace; font-size: .9em; }
.run ul { margin: .3rem 0; padding-left: 1.2rem; } .run li { overflow-wrap: anywhere; }
.run a { color: var(--survey); }
.run svg { display: block; width: 100%; min-width: 44rem; height: auto; }
.run svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } .run svg .tick { fill: var(--soft); }
.run svg .grid { stroke: var(--line); } .run svg .band { fill: var(--panel); }
.run svg .gone { stroke: var(--bad); stroke-width: 2.5; }
.run svg .why { fill: var(--bad); stroke: var(--page); stroke-width: 4; paint-order: stroke; }
.run .fill-worker { fill: var(--worker); background: var(--worker); }
"""

_STAGES = (
    "cluster",
    "survey",
    "write",
    "merge",
    "commit",
    "announce",
    "catalog",
    "series",
    "pipeline",
    "products",
    "other",
)
STYLE += "".join(f".run .fill-{name} {{ fill: var(--{name}); background: var(--{name}); }}\n" for name in _STAGES)


def fill(stage: str) -> str:
    """Class that fills with the colour of a stage."""
    return f"fill-{stage if stage in _STAGES else 'other'}"
