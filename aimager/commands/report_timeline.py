"""A timeline in HTML: a bar for each task, and below it one for each of its longer steps."""

from collections.abc import Sequence
from html import escape

from aimager.graph.console.history import Entry, Outcome, Span
from aimager.units import duration

_WIDTH = 1000
"""The units of a bar's own width; it is drawn as wide as the page is."""

_VISIBLE = 2
"""What is shorter is drawn so long."""

_SHORTEST = 0.1  # seconds of a step that is shown
_HOOK = "hook: "


def timeline(entries: Sequence[Entry]) -> str:
    """The section about tasks that ran."""
    if not entries:
        return ""
    start = min(entry.start for entry in entries)
    length = max(entry.end for entry in entries) - start
    items = "\n".join(_task(entry, start, length) for entry in entries)
    ticks = "".join(f"<span>{duration(length * part / 4)}</span>" for part in range(5))
    return (
        "<section>\n<h2>Timeline</h2>\n"
        "<p>Each task from beginning to end, with its steps and hooks.</p>\n"
        f'<div class=axis aria-hidden="true">{ticks}</div>\n<ol class=bars>\n{items}\n</ol>\n'
        "</section>"
    )


def bar(pieces: Sequence[tuple[str, float, float]], whole: float) -> str:
    """A bar that is ``whole`` long, with pieces of a kind each, from one point to another."""
    scale = _WIDTH / whole if whole > 0 else 0.0
    drawn = []
    for kind, begin, end in pieces:
        width = max((end - begin) * scale, _VISIBLE)
        left = min(begin * scale, _WIDTH - width)
        drawn.append(f'<rect class="{kind}" x="{left:.1f}" width="{width:.1f}" height="8"/>')
    return (
        f'<svg viewBox="0 0 {_WIDTH} 8" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(drawn)}</svg>"
    )


def _task(entry: Entry, start: float, length: float) -> str:
    failed = entry.outcome is Outcome.failed
    steps = [step for step in entry.steps if _is_shown(step, failed=failed)]
    items = "".join(f"\n{_step(step, start, length)}" for step in steps)
    below = f"\n<ol>{items}\n</ol>" if items else ""
    drawn = bar([("failed" if failed else "task", entry.start - start, entry.end - start)], length)
    return (
        f'<li data-task="{escape(entry.task)}"><span>{escape(entry.task)}</span>'
        f" <span>{'failed after ' * failed}{duration(entry.seconds)}</span>{drawn}{below}</li>"
    )


def _is_shown(step: Span, *, failed: bool) -> bool:
    """Whether it took long enough; a hook that failed may have been short."""
    return step.end - step.start >= _SHORTEST or (failed and step.name.startswith(_HOOK))


def _step(step: Span, start: float, length: float) -> str:
    kind = "hook" if step.name.startswith(_HOOK) else "step"
    drawn = bar([(kind, step.start - start, step.end - start)], length)
    return (
        f"<li><span>{escape(step.name)}</span>"
        f" <span>{duration(step.end - step.start)}</span>{drawn}</li>"
    )
