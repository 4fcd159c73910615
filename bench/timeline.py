"""The steps of one cold build: when each began, what it took, and how busy the machine was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bench.lab import Lab
from bench.recorded import Moment, read_moments

_SHORTEST = 0.05  # seconds of a step that is shown


@dataclass(frozen=True)
class Span:
    """A task, or a ``step`` of one, in seconds; ``cpu`` is what all processes used meanwhile."""

    task: str
    step: str
    start: float
    wall: float
    cpu: float


def cold_build(lab: Lab) -> str:
    """Build as for the row ``cold``, and tell it."""
    lab.build(lab.warm, *lab.board())
    lab.chill()
    record = lab.folder / "moments"
    lab.build(lab.cold, *lab.both(), record=record)
    return timeline_text(read_moments(record))


def spans(moments: Sequence[Moment]) -> list[Span]:
    """Each task with its steps after it, in the order in which tasks began."""
    begin = moments[0].time
    found = []
    for task in dict.fromkeys(moment.task for moment in moments if moment.event == "began"):
        of_task = [moment for moment in moments if moment.task == task]
        last = next((m for m in reversed(of_task) if m.event in ("done", "failed")), moments[-1])
        found.append(_span(of_task[0], last, begin, task))
        for step, following in pairwise([*_steps(of_task), last]):
            found.append(_span(step, following, begin, task, step.step))
    return found


def _steps(moments: Sequence[Moment]) -> Iterator[Moment]:
    """Where each step of a task begins; those that are told by turns go on side by side."""
    told = [moment for moment in moments if moment.event == "step"]
    latest = {moment.step: number for number, moment in enumerate(told)}
    begun: dict[str, None] = {}
    first, end = 0, -1
    for number, moment in enumerate(told):
        if number > end:
            first, end, begun = number, number, {}
        end = max(end, latest[moment.step])
        begun.setdefault(moment.step)
        if number == end:
            yield replace(told[first], step=", ".join(begun))


def _span(first: Moment, last: Moment, begin: float, task: str, step: str = "") -> Span:
    return Span(task, step, first.time - begin, last.time - first.time, last.cpu - first.cpu)


def timeline_text(moments: Sequence[Moment]) -> str:
    """A line for each task and each longer step; the last one is for the whole."""
    lines = [f"{'start':>7} {'wall':>7} {'cpu':>7}   task, and steps in it; cpu of all meanwhile"]
    for span in spans(moments):
        if not span.step or span.wall >= _SHORTEST:
            lines.append(_line(span, f"  {span.step}" if span.step else span.task))
    whole = _span(moments[0], moments[-1], moments[0].time, "")
    first = next((moment for moment in moments if moment.event == "began"), moments[-1])
    lines.insert(1, _line(_span(moments[0], first, moments[0].time, ""), "reading the build"))
    return "\n".join([*lines, _line(whole, "all")])


def _line(span: Span, name: str) -> str:
    return f"{span.start:7.2f} {span.wall:7.2f} {span.cpu:7.2f}   {name}"
