"""What is told of progress, for tests that wait for it."""

import pytest

from aimager import progress


def noted_records(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What is told of progress from now on, as it comes."""
    records, tell = list[dict[str, object]](), progress._tell

    def note(record: dict[str, object]) -> bool:
        is_told = tell(record)
        records.append(record)
        return is_told

    monkeypatch.setattr(progress, "_tell", note)
    return records
