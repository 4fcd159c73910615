"""What stages say of how far they are, and who hears it."""

import json
import subprocess
from pathlib import Path

import pytest

from aimager import progress
from tests.support.heard import noted_records
from tests.support.waiting import wait_until


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """The records so far."""
    monkeypatch.setenv(progress.HEARD, "yes")
    monkeypatch.setattr(progress, "_last", ("", 0.0))
    return noted_records(monkeypatch)


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    lines = capsys.readouterr().out.split("\n")[:-1]
    mark = f"{progress.MARK}yes"
    assert all(line.startswith(mark) for line in lines)
    return [json.loads(line.removeprefix(mark)) for line in lines]


def test_nobody_hears_steps_and_people_read_reasons(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv(progress.HEARD, raising=False)
    progress.step("packing")
    progress.counting("downloading", 10)(5)
    with progress.growing("packing", tmp_path / "x", never):
        progress.reason("pack-image", "hostname: a -> b")
    assert capsys.readouterr().out == "pack-image: hostname: a -> b\n"


def never() -> int:
    raise AssertionError("nobody wants to know")


@pytest.mark.usefixtures("heard")
def test_a_step_is_told_with_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    progress.step("installing", done=2, total=7, detail="bash")
    progress.reason("x", "it is\nso")
    step, reason = records(capsys)
    assert step.pop("event") == "step"
    assert step == {"step": "installing", "done": 2, "total": 7, "unit": "", "detail": "bash"}
    assert reason == {"event": "reason", "title": "x", "reason": "it is\nso"}


@pytest.mark.usefixtures("heard")
def test_one_step_is_not_told_too_often_and_its_end_always(
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = progress.counting("downloading", 1000)
    for _ in range(1000):
        more(1)
    told = records(capsys)
    assert [told[0]["done"], told[-1]["done"]] == [0, 1000]
    assert len(told) < 100
    assert {record["unit"] for record in told} == {"B"}


def test_a_file_that_grows_is_watched_under_its_later_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, heard: list[dict[str, object]]
) -> None:
    with progress.growing("disk.img", tmp_path / "disk.img"):
        with (tmp_path / ".disk.img.abc").open("wb") as stream:
            stream.truncate(1 << 30)
            stream.write(b"x" * (1 << 20))
            stream.flush()
            wait_until(lambda: bool(heard[-1]["done"]))
        (tmp_path / ".disk.img.abc").rename(tmp_path / "disk.img")
    first, *sizes = [record["done"] for record in records(capsys)]
    assert first == 0
    assert {*sizes} - {0}
    assert {*sizes} - {0} <= {*range(1 << 20, 1 << 22)}, "holes do not count"


def test_a_file_that_grows_for_long_has_a_total(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    heard: list[dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "_LONG", 0.5)
    weighed = []

    def weigh() -> int:
        weighed.append(3 << 20)
        return 3 << 20

    with progress.growing("root.tar", tmp_path / "root.tar", weigh):
        (tmp_path / "root.tar").write_bytes(bytes(1 << 20))
        wait_until(lambda: bool(heard[-1]["total"]))
        (tmp_path / "root.tar").write_bytes(bytes(9 << 20))
        wait_until(lambda: heard[-1]["done"] == 3 << 20)
    told = records(capsys)
    assert (told[0]["done"], told[0]["total"]) == (0, 0)
    totals = [record["total"] for record in told]
    assert totals == sorted(totals, key=bool), "it stays known"
    assert {*totals} == {0, 3 << 20}
    assert told[-1]["done"] == 3 << 20, "it was weighed by the eye"
    assert len(weighed) == 1
    with progress.growing("small.tar", tmp_path / "small.tar", weigh):
        (tmp_path / "small.tar").touch()
    assert len(weighed) == 1, "nobody waited for it"


def test_how_far_another_process_has_read_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, heard: list[dict[str, object]]
) -> None:
    (tmp_path / "disk.img").write_bytes(bytes(3000))
    with (tmp_path / "disk.img").open("rb") as source, progress.reading("disk.img.xz", source):
        subprocess.run(["dd", "of=/dev/null", "bs=1000", "count=2"], stdin=source, check=True)
        wait_until(lambda: heard[-1]["done"] == 2000)
    told = records(capsys)
    assert (told[-1]["step"], told[-1]["unit"]) == ("disk.img.xz", "B")
    assert (told[-1]["done"], told[-1]["total"]) == (2000, 3000)
