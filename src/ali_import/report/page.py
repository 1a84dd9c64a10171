"""The report as one HTML page: causes, a timeline of every placement, the regions.

One file that needs nothing from outside, reads well in dark and in light, and prints.
Without its script it is the same page, only that the regions cannot be sorted. Whatever
comes from elsewhere is escaped, and the page forbids every script but its own.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from typing import Final

from ali_import import __version__
from ali_import.publish.model import Outcome, Phase, Result, Step
from ali_import.report.ending import (
    Cause,
    Ending,
    Kind,
    headline,
    places,
    said,
    state_of_things,
)
from ali_import.report.history import StepTaken
from ali_import.report.lines import (
    NO_ROUTE,
    PHASES,
    clock,
    counted,
    duration,
    joined,
    moment,
    stands,
    tally_line,
)
from ali_import.units import HOUR_S, MINUTE_S

_TICKS_S: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(n * MINUTE_S for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR_S for n in (1, 2, 4, 8, 24)),
)
_TICKS_MAX: Final = 10
_REGIONS_NAMED_MAX: Final = 40
_LATE_PERCENT: Final = 85  # a mark's word stands left of it from here on
_PHASES: Final = (Phase.PLACE, Phase.PUBLISH, Phase.CLEAN_UP)
_STEPS: Final = tuple(step for step in Step if step is not Step.DONE)

_STYLE: Final = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#5c6570;--line:#d5dae0;
--card:#f6f8fa;--bad:#b3261e;--badbg:#fdecea;--good:#1a7f37;--warn:#8a5a00;
--survey:#9aa4af;--stage:#2f6fd0;--import:#0f8f8a;--copy:#7d4fc4;--wait:#8fbbe8;
--replace:#c77700;--publish:#c2418f}
@media(prefers-color-scheme:dark){:root{--bg:#0f1317;--fg:#e4e9ee;--dim:#98a3ae;
--line:#2c343c;--card:#181e24;--bad:#ff8a80;--badbg:#2c1716;--good:#5fd07f;--warn:#e9b44c;
--survey:#6d7883;--stage:#5c9bff;--import:#2fc0b8;--copy:#b08cf0;--wait:#3f6c9b;
--replace:#f0a33c;--publish:#ee7ebf}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1rem 1.25rem 3rem;background:var(--bg);
color:var(--fg);font:14px/1.45 system-ui,sans-serif}
h1{font-size:1.35rem;margin:0}h2{font-size:1rem;margin:1.6rem 0 .5rem}
p,ul,ol{margin:.3rem 0}ul{padding-left:1.2rem}.dim{color:var(--dim)}
.bad{color:var(--bad)}.good{color:var(--good)}.warn{color:var(--warn)}
code{font:12.5px ui-monospace,monospace;overflow-wrap:anywhere}
.cause{border-left:4px solid var(--bad);background:var(--badbg);padding:.4rem .75rem;
margin:.45rem 0;border-radius:0 4px 4px 0}
.cause.other{border-color:var(--warn);background:var(--card)}
.cause h3{font-size:.95rem;margin:0;display:inline;overflow-wrap:anywhere}
.cause p{margin:.1rem 0}
.cause b{font-weight:600}
.command{display:block;background:var(--card);border:1px solid var(--line);
border-radius:4px;padding:.4rem .6rem;user-select:all}
.legend span{margin-right:1rem;white-space:nowrap}
.legend i{display:inline-block;width:.8em;height:.8em;border-radius:2px;
margin-right:.35em;vertical-align:-.05em}
.time{display:grid;grid-template-columns:max-content 1fr;column-gap:.6rem;
border-top:1px solid var(--line)}
.time>b{font:12px/1.1 ui-monospace,monospace;padding:2px 0;align-self:center}
.time>div{border-left:1px solid var(--line);padding:2px 0}
.bar{position:relative;height:7px;margin:1px 0}
.bar i{position:absolute;top:0;bottom:0;min-width:2px;border-radius:1px}
.bar u{position:absolute;top:-1px;bottom:-1px;width:5px;background:var(--bad);
border-radius:1px}
.time>.axis{position:relative;height:1.5em;font-size:11px;color:var(--dim);
border-color:transparent}
.axis span{position:absolute;white-space:nowrap;border-left:1px solid var(--line);
padding-left:3px}
.axis .late{transform:translateX(-100%);border-left:0;padding:0 3px 0 0;
border-right:1px solid var(--line)}.time>.phases{height:4.4em}
@media(max-width:40rem){.axis:not(.phases) span:nth-child(even){display:none}}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:left;padding:.2rem .6rem .2rem 0;border-bottom:1px solid var(--line);
white-space:nowrap}
td.n{text-align:right;font-variant-numeric:tabular-nums}
th button{all:unset;cursor:pointer;font-weight:600}
th button:focus-visible{outline:2px solid var(--stage)}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
@media print{body{max-width:none;padding:0;font-size:11px}
:root{color-scheme:light}.bar i,.bar u,.legend i,.cause{print-color-adjust:exact;
-webkit-print-color-adjust:exact}.cause,.time>*,tr{break-inside:avoid}
.wide{overflow:visible}th,td{white-space:normal}}
"""

_SCRIPT: Final = """
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement, table = head.closest("table");
    const column = head.cellIndex, body = table.tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = (row) => {
      const cell = row.cells[column];
      return cell.dataset.sort === undefined ? cell.textContent : +cell.dataset.sort;
    };
    const order = (one, other) => {
      const a = value(one), b = value(other);
      return typeof a === "number" ? a - b : a.localeCompare(b);
    };
    const rows = [...body.rows].sort(order);
    body.append(...(up ? rows : rows.reverse()));
  });
}
"""

# Only the script above runs, and nothing is loaded, whatever gets into the page.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"
    + b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    + "'"
)


def as_html(end: Ending) -> str:
    """Return the page."""
    return "\n".join(_page(end)) + "\n"


def _page(end: Ending) -> Iterator[str]:
    title = headline(end) or tally_line(end.report)
    tone = "bad" if end.causes else "good"
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>{escape(f'ali-import: {title}')}</title>"
    yield f"<style>{_STYLE}</style></head><body>"
    yield f'<h1>ali-import: <span class="{tone}">{escape(title)}</span></h1>'
    facts = (
        *((tally_line(end.report),) if end.causes else ()),
        f"run {end.report.run_id}",
        moment(end.started_at),
        duration(end.report.seconds),
        counted(end.report.calls, "API call"),
        counted(end.report.retries, "retry", "retries"),
        f"ali-import {__version__}",
    )
    yield f'<p class="dim">{escape(" · ".join(facts))}</p>'
    yield from _causes(end)
    yield from _timeline(end)
    yield from _regions(end)
    yield f"<script>{_SCRIPT}</script></body></html>"


# --- causes ---------------------------------------------------------------------------


def _causes(end: Ending) -> Iterator[str]:
    for number, cause in enumerate(end.causes, 1):
        yield from _cause(number, cause, end)
    if end.causes or end.report.leftovers:
        yield "<ul>"
        yield from (f"<li>{escape(line)}</li>" for line in state_of_things(end))
        yield "</ul>"
    if end.causes:
        yield f'<p>Then run again: <code class="command">{escape(end.command)}</code></p>'


def _cause(number: int, cause: Cause, end: Ending) -> Iterator[str]:
    other = "" if cause.kind is Kind.FAILED and not cause.allowed else " other"
    count = counted(len(cause.outcomes), "image")
    if cause.allowed:
        count += ", allowed to fail"
    where = places(cause, end, at_once_max=_REGIONS_NAMED_MAX)
    yield f'<div class="cause{other}"><h3>{number}. {escape(cause.title)}</h3>'
    yield f'<span class="dim">{escape(count)}</span><p>{escape(where)}</p>'
    if text := said(cause):
        yield f'<p class="dim">said: {escape(text)}</p>'
    if cause.advice:
        yield f"<p><b>to do:</b> {escape(cause.advice)}</p>"
    yield "</div>"


# --- the timeline ---------------------------------------------------------------------


def _timeline(end: Ending) -> Iterator[str]:
    span_s = max(end.seconds, *(s.began_s + s.seconds for s in _all_steps(end)), 0.001)
    yield "<h2>Timeline</h2>"
    used = {step.step for step in _all_steps(end)}
    marks = [
        _legend(step.value, f"var(--{step.value})") for step in _STEPS if step in used
    ]
    if end.causes:
        marks.append(_legend("ended badly", "var(--bad)"))
    yield f'<p class="legend dim">{"".join(marks)}</p>'
    yield f'<div class="time"><b></b><div class="axis">{_ticks(span_s)}</div>'
    for region, outcomes in _by_region(end).items():
        bad = "" if all(map(stands, outcomes)) else ' class="bad"'
        bars = "".join(_bar(outcome, end, span_s) for outcome in outcomes)
        yield f"<b{bad}>{escape(region)}</b><div>{bars}</div>"
    yield f'<b></b><div class="axis phases">{_phases(end, span_s)}</div></div>'


def _all_steps(end: Ending) -> list[StepTaken]:
    return [step for steps in end.steps.values() for step in steps]


def _by_region(end: Ending) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for outcome in end.outcomes:
        found.setdefault(outcome.region, []).append(outcome)
    return found


def _legend(text: str, colour: str) -> str:
    return f'<span><i style="background:{colour}"></i>{text}</span>'


def _bar(outcome: Outcome, end: Ending, span_s: float) -> str:
    steps = end.steps.get((outcome.region, outcome.name), ())
    parts = [_part(step, span_s) for step in steps]
    if not stands(outcome):
        over_s = max((s.began_s + s.seconds for s in steps), default=0.0)
        parts.append(f'<u style="left:{min(_percent(over_s, span_s), 99.5):g}%"></u>')
    what = joined(outcome.name, _result(outcome), separator=" ")
    return f'<div class="bar" title="{escape(what)}">{"".join(parts)}</div>'


def _part(step: StepTaken, span_s: float) -> str:
    left, width = _percent(step.began_s, span_s), _percent(step.seconds, span_s)
    told = joined(step.step, step.route or "", duration(step.seconds), separator=" ")
    if step.attempts > 1:
        told += f", try {step.attempts}"
    return (
        f'<i style="left:{left:g}%;width:{width:g}%;background:var(--{step.step})" '
        f'title="{told}"></i>'
    )


def _percent(seconds: float, span_s: float) -> float:
    return round(100 * min(max(seconds, 0.0), span_s) / span_s, 2)


def _ticks(span_s: float) -> str:
    every_s = next((t for t in _TICKS_S if span_s / t <= _TICKS_MAX), span_s)
    told = clock if every_s >= 1 else duration
    count = int(span_s / every_s)
    return "".join(
        f'<span style="left:{_percent(n * every_s, span_s):g}%">{told(n * every_s)}</span>'
        for n in range(count + 1)
    )


def _phases(end: Ending, span_s: float) -> str:
    """Mark where each phase began, one below the other: they may begin together."""
    marks = []
    for row, phase in enumerate(p for p in _PHASES if p in end.phases):
        left = _percent(end.phases[phase], span_s)
        late = ' class="late"' if left > _LATE_PERCENT else ""
        style = f"left:{left:g}%;top:{1.4 * row:g}em"
        marks.append(f'<span{late} style="{style}">{PHASES[phase]}</span>')
    return "".join(marks)


# --- the regions ----------------------------------------------------------------------


def _regions(end: Ending) -> Iterator[str]:
    heads = ("region", *end.names, "route", "time")
    yield '<h2>Regions</h2><div class="wide"><table><thead><tr>'
    yield "".join(
        f'<th><button type="button">{escape(head)}</button></th>' for head in heads
    )
    yield "</tr></thead><tbody>"
    for region, outcomes in _by_region(end).items():
        by_name = {outcome.name: outcome for outcome in outcomes}
        cells = "".join(_cell(by_name.get(name)) for name in end.names)
        routes = dict.fromkeys(o.route.value if o.route else NO_ROUTE for o in outcomes)
        longest = max(outcome.seconds for outcome in outcomes)
        yield (
            f"<tr><td>{escape(region)}</td>{cells}<td>{', '.join(routes)}</td>"
            f'<td class="n" data-sort="{longest:.3f}">{duration(longest)}</td></tr>'
        )
    yield "</tbody></table></div>"


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return "<td></td>"
    if stands(outcome):
        return (
            f"<td><code>{escape(outcome.image_id)}</code> "
            f'<span class="dim">{outcome.result}</span></td>'
        )
    tone = "bad" if outcome.result is Result.FAILED else "warn"
    return f'<td class="{tone}">{escape(_result(outcome))}</td>'


def _result(outcome: Outcome) -> str:
    """Return how it ended: its id where it stands, or the reason why it does not."""
    if stands(outcome):
        return f"{outcome.result} {outcome.image_id}"
    if outcome.result.good:
        return "not published"
    return joined(outcome.result, outcome.code, separator=" ")
