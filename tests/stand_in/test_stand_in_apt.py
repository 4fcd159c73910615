"""Which lists of packages the stand-in mirror takes when Debian's mirror is not whole."""

from pathlib import Path

import pytest

from aimager.errors import DownloadError
from aimager.stand_in import apt

KEYRING = Path(__file__)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The suites and components of each update, of which none is made."""
    monkeypatch.setattr(apt, "find_mirror", lambda configuration: "http://m/debian")
    monkeypatch.setattr(apt, "_KEYRINGS", (KEYRING,))
    return []


def updates(
    monkeypatch: pytest.MonkeyPatch,
    asked: list[list[str]],
    *,
    broken: str,
    codenames: dict[str, str],
) -> None:
    """Have updates fail whose sources hold ``broken``, and name suites by ``codenames``."""

    def update(archive: apt.Archive, text: str) -> None:
        lines = [line.split("http://m/debian ")[1] for line in text.splitlines()]
        asked.append(lines)
        if any(broken in line for line in lines):
            raise DownloadError("File has unexpected size")
        lists = archive.folder / "lists"
        lists.mkdir(parents=True, exist_ok=True)
        for line in lines:
            suite = line.split()[0]
            (lists / f"m_{suite}_InRelease").write_text(f"Codename: {codenames[suite]}\n")

    monkeypatch.setattr(apt.Archive, "update", update)


def test_a_suite_in_the_midst_of_an_update_is_taken_by_its_other_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[list[str]]
) -> None:
    codenames = {"stable": "trixie", "bookworm": "bookworm"}
    updates(monkeypatch, asked, broken="trixie", codenames=codenames)
    apt.open_archive("i386", ["trixie", "bookworm"], tmp_path)
    assert asked == [
        ["trixie main non-free-firmware", "bookworm main non-free-firmware"],
        ["stable main non-free-firmware", "bookworm main non-free-firmware"],
    ]


def test_another_suite_of_that_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[list[str]]
) -> None:
    updates(monkeypatch, asked, broken="trixie", codenames={"stable": "forky"})
    with pytest.raises(DownloadError, match="no complete copy of Debian's trixie"):
        apt.open_archive("amd64", ["trixie"], tmp_path)


def test_firmware_may_be_missing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: list[list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    updates(monkeypatch, asked, broken="firmware", codenames={"sid": "sid"})
    apt.open_archive("loong64", ["sid"], tmp_path)
    assert asked == [["sid main non-free-firmware"], ["sid main"]]
    assert "WARNING: no non-free-firmware" in capsys.readouterr().out


def test_nothing_is_left_to_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[list[str]]
) -> None:
    updates(monkeypatch, asked, broken="", codenames={})
    with pytest.raises(DownloadError, match="unexpected size"):
        apt.open_archive("amd64", ["trixie"], tmp_path)
    assert len(asked) == 4
