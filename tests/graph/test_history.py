"""The diary of a run."""

from pathlib import Path

from aimager.graph.console.history import Diary, Entry, Outcome, Span, read_diary, that_ran

STORY = (
    (1.0, {"event": "kept", "task": "a:x"}),
    (2.0, {"event": "began", "task": "b:x"}),
    (2.5, {"event": "reason", "task": "b:x", "title": "b", "reason": "new"}),
    (3.0, {"event": "step", "task": "b:x", "step": "digging"}),
    (4.0, {"event": "step", "task": "b:x", "step": "digging"}),
    (5.0, {"event": "text", "text": "hello"}),
    (6.0, {"event": "step", "task": "b:x", "step": "filling"}),
    (7.0, {"event": "done", "task": "b:x"}),
    (8.0, {"event": "reason", "task": "c:x", "title": "c", "reason": "old"}),
    (8.1, {"event": "began", "task": "c:x"}),
    (9.0, {"event": "failed", "task": "c:x", "fault": "there is rock"}),
    (9.1, {"event": "began", "task": "d:x"}),
    (9.2, {"event": "failed", "task": "d:x"}),
    (9.5, {"event": "failed", "task": "never begun"}),
)


def told() -> Diary:
    diary = Diary()
    for now, record in STORY:
        diary.note(record, now)
    return diary


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    told().write(tmp_path / "diary.json")
    steps = (Span("digging", 3.0, 6.0), Span("filling", 6.0, 7.0))
    entries = read_diary(tmp_path / "diary.json")
    assert entries == (
        Entry("a:x", "a:x", Outcome.kept, 1.0, 1.0),
        Entry("b:x", "b", Outcome.done, 2.0, 7.0, "new", steps),
        Entry("c:x", "c", Outcome.failed, 8.0, 9.0, "old", fault="there is rock"),
        Entry("d:x", "d:x", Outcome.failed, 9.1, 9.2),
    )
    assert [entry.title for entry in that_ran(entries)] == ["b", "c", "d:x"]
    assert entries[1].seconds == 5.0


def test_there_is_none_where_another_reporter_was_chosen(tmp_path: Path) -> None:
    assert read_diary(tmp_path / "diary.json") == ()
