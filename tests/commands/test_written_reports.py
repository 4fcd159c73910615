"""Which reports are written of builds, and what is told in them of what was asked for."""

from dataclasses import replace
from html import escape
from pathlib import Path

import pytest

from aimager.commands.build_summary import report_failure, show_results
from aimager.errors import ConfigError
from aimager.graph import artifacts
from aimager.graph.console.history import Entry, Outcome
from tests.support.made_builds import ASKED, diary, make, make_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_folder(tmp_path, monkeypatch)


def test_several_builds_have_one_report(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = folder / "report.html"
    builds = [
        make(folder, report=str(report)),
        make(folder, board="x64-legacy", report=str(report)),
    ]
    several = {"board": "x64-uefi,x64-legacy"}
    show_results(builds, diary(folder, builds[0], Outcome.done), several)
    assert capsys.readouterr().out.count(f"the report is {report}") == 1
    page = report.read_text()
    for build in builds:
        assert f"Results of {build.id}" in page
        assert f"Packages of {build.id}" in page
    assert f'data-task="pack-image:{builds[0].id}"' in page


def test_a_report_that_cannot_be_written_is_told(folder: Path) -> None:
    build = replace(make(folder), report=folder / "none/report.html")
    (folder / "none").write_text("in the way")
    with pytest.raises(ConfigError, match=r"report=.* cannot be written: "):
        show_results([build], folder / "no diary", ASKED)


def failed(task: str, fault: str) -> tuple[Entry, ...]:
    return (Entry(task, task, Outcome.failed, 1.0, 2.0, "it is new", fault=fault),)


def test_a_build_that_failed_has_a_report_without_the_results_of_another(folder: Path) -> None:
    report = folder / "report.html"
    build = make(folder, report=str(report))
    task = f"install-packages:{build.id}"
    artifacts.log(task).parent.mkdir(parents=True, exist_ok=True)
    artifacts.log(task).write_text("pacman said this")
    given = {
        "board": "x64-uefi",
        "hostname": "a b",
        "chpasswd": "root:secret",
        "repo-url-core": "https://me:secret@a.example",
        "add-repos": "mine=https://me:secret@a.example",
    }
    said = report_failure([build], failed(task, "no such module"), given)
    assert said == f"   the report is {report}"
    page = report.read_text()
    assert "no such module" in page
    assert f"Packages of {build.id}" in page
    assert "disk.img" not in page
    assert "<code>doit build board=x64-uefi &#x27;hostname=a b&#x27; " in page
    assert ("secret" in page, "chpasswd=***" in page) == (False, True)
    assert page.count(f"<code>{escape(str(artifacts.log(task)))}</code>") == 2
    artifacts.log(task).unlink()
    report_failure([build], failed(task, "no such module"), {})
    assert str(artifacts.log(task)) not in report.read_text(), "it ran no program"


def test_where_no_report_is_asked_for_or_can_be_written(folder: Path) -> None:
    build = make(folder)
    assert report_failure([build], failed("a:x", "no"), {}) == ""
    (folder / "none").write_text("in the way")
    build = replace(build, report=folder / "none/report.html")
    assert "none/report.html cannot be written: " in report_failure(
        [build], failed("a:x", "no"), {}
    )
    assert report_failure([build], failed("build", "no"), {}) == "", "it was told by then"
