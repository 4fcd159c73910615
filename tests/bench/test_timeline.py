"""The timeline of a run tells when each step was, and what it took."""

from pathlib import Path

from bench.recorded import Moment, Recorder, read_moments
from bench.timeline import spans, timeline_text

MOMENTS = [
    Moment(100.0, 1.0, "start"),
    Moment(101.0, 2.0, "began", "pack:a"),
    Moment(101.5, 2.5, "step", "pack:a", "unpacking"),
    Moment(102.0, 3.0, "began", "pack:b"),
    Moment(102.5, 4.0, "step", "pack:a", "unpacking"),
    Moment(103.0, 5.0, "step", "pack:a", "packing"),
    Moment(103.01, 5.0, "step", "pack:a", "ending"),
    Moment(103.02, 5.0, "done", "pack:a"),
    Moment(104.0, 7.0, "failed", "pack:b"),
    Moment(105.0, 8.0, "end"),
]


def test_steps_of_tasks_beside_each_other() -> None:
    found = {(span.task, span.step): span for span in spans(MOMENTS)}
    assert list(found) == [
        ("pack:a", ""),
        ("pack:a", "unpacking"),
        ("pack:a", "packing"),
        ("pack:a", "ending"),
        ("pack:b", ""),
    ]
    unpacking = found["pack:a", "unpacking"]
    assert (unpacking.start, unpacking.wall, unpacking.cpu) == (1.5, 1.5, 2.5)
    assert found["pack:b", ""].wall == 2


def test_steps_that_are_told_by_turns_are_one() -> None:
    told = ["plain", "disk.img", "root.tar", "disk.img", "root.tar", "sums"]
    moments = [Moment(float(n), 0.0, "step", "pack:a", step) for n, step in enumerate(told)]
    began, done = Moment(0.0, 0.0, "began", "pack:a"), Moment(6.0, 0.0, "done", "pack:a")
    steps = [(span.step, span.start, span.wall) for span in spans([began, *moments, done])][1:]
    assert steps == [("plain", 0, 1), ("disk.img, root.tar", 1, 4), ("sums", 5, 1)]


def test_the_text_has_longer_steps_and_the_whole() -> None:
    lines = timeline_text(MOMENTS).splitlines()
    assert lines[1].split() == ["0.00", "1.00", "1.00", "reading", "the", "build"]
    assert lines[-1].split() == ["0.00", "5.00", "7.00", "all"]
    assert any(line.endswith("  unpacking") for line in lines)
    assert not any("ending" in line for line in lines)


def test_records_of_steps_are_written(tmp_path: Path) -> None:
    with (tmp_path / "moments").open("w") as stream:
        diary = Recorder(stream=stream)
        diary.note({"event": "began", "task": "pack:a"})
        diary.note({"event": "text", "task": "pack:a", "text": "more"})
        diary.note({"event": "step", "task": "pack:a", "step": "packing"})
    began, step = read_moments(tmp_path / "moments")
    assert (began.event, began.task, began.step) == ("began", "pack:a", "")
    assert (step.event, step.step) == ("step", "packing")
    assert 0 < began.cpu <= step.cpu
    assert began.time <= step.time < (tmp_path / "moments").stat().st_mtime + 1
    assert diary.entries["pack:a"].steps[0].name == "packing"
